// Package storetest is the suite that every deployments.Store passes, with a model in memory, the databases that the
// suite runs on, and builders of records. It is for tests only.
package storetest

import (
	"slices"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Opener opens an empty store that lasts as long as the test.
type Opener func(t testing.TB) deployments.Store

// Run runs the suite that every deployments.Store passes: the rules of listing, importing and recording, idempotency, and the
// isolation of organizations. Each test opens a store of its own and runs in parallel with the others. It skips the tests in
// except, which the store does not implement.
func Run(t *testing.T, open Opener, except ...string) {
	t.Helper()
	for _, name := range except {
		if !slices.ContainsFunc(suite, func(test suiteTest) bool { return test.name == name }) {
			t.Errorf("the suite has no test %s", name)
		}
	}
	for _, test := range suite {
		if slices.Contains(except, test.name) {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, open)
		})
	}
}

type suiteTest struct {
	name string
	run  func(t *testing.T, open Opener)
}

var suite = []suiteTest{
	{"L1_FiltersNarrowTheLatestAndNeverBringAnOlderRecordForward", testL1_FiltersNarrowTheLatestAndNeverBringAnOlderRecordForward},
	{"L2_FiltersMatchExactly", testL2_FiltersMatchExactly},
	{"L2_FiltersCombineWithAnd", testL2_FiltersCombineWithAnd},
	{"L4_ProjectFilterMatchesProjectsOfTheArtifact", testL4_ProjectFilterMatchesProjectsOfTheArtifact},
	{"L5_UnknownNamesMatchNothing", testL5_UnknownNamesMatchNothing},
	{"L6_OrderIsNewestFirstAndStable", testL6_OrderIsNewestFirstAndStable},
	{"L6_TimesKeepMicrosecondsAndOrderAcrossZones", testL6_TimesKeepMicrosecondsAndOrderAcrossZones},
	{"L7_PagesOfEverySizeConcatenateToTheWholeList", testL7_PagesOfEverySizeConcatenateToTheWholeList},
	{"L7_PagesPastTheEndAreEmptyWithTheSameTotal", testL7_PagesPastTheEndAreEmptyWithTheSameTotal},
	{"R1_RecordsHaveAllFields", testR1_RecordsHaveAllFields},
	{"T5_ProjectOfTheScopeAddsToTheFilters", testT5_ProjectOfTheScopeAddsToTheFilters},
	{"OrganizationsAreIsolated", testOrganizationsAreIsolated},
	{"L9_PageAndTotalAreOfOneSnapshot", testL9_PageAndTotalAreOfOneSnapshot},
	{"ListEndsWithItsContext", testListEndsWithItsContext},
	{"OverviewGroupsWhatRuns", testOverviewGroupsWhatRuns},
	{"OverviewIsBoundedInVersionsAndColumns", testOverviewIsBoundedInVersionsAndColumns},
	{"T5_OverviewAndSearchHideOtherProjectsAndOrganizations", testT5_OverviewAndSearchHideOtherProjectsAndOrganizations},
	{"SearchMatchesPrefixesExactly", testSearchMatchesPrefixesExactly},
	{"I1_MissingIDsAreFoundByNameOrGenerated", testI1_MissingIDsAreFoundByNameOrGenerated},
	{"I1_FourPartsIdentifyArtifacts", testI1_FourPartsIdentifyArtifacts},
	{"I2_ImportDoesNotSupersede", testI2_ImportDoesNotSupersede},
	{"I3_ImportingAFileAgainChangesNothing", testI3_ImportingAFileAgainChangesNothing},
	{"I3_ImportingAFileAgainFindsTheSameArtifacts", testI3_ImportingAFileAgainFindsTheSameArtifacts},
	{"I3_OnlyALaterUpdateChangesAStoredRecord", testI3_OnlyALaterUpdateChangesAStoredRecord},
	{"I3_ProjectVersionsAddUp", testI3_ProjectVersionsAddUp},
	{"LatestOfASlotDoesNotDependOnFileOrder", testLatestOfASlotDoesNotDependOnFileOrder},
	{"LatestOfASlotFollowsMovedRecords", testLatestOfASlotFollowsMovedRecords},
	{"I4_ContradictionsAreReportedAndImportNothing", testI4_ContradictionsAreReportedAndImportNothing},
	{"I4_ViolationsImportNothingAndTwentyAreReported", testI4_ViolationsImportNothingAndTwentyAreReported},
	{"FailedImportLeavesNothing", testFailedImportLeavesNothing},
	{"ConcurrentImportsSucceed", testConcurrentImportsSucceed},
	{"ImportRequiresAnOrganizationKey", testImportRequiresAnOrganizationKey},
	{"W1_SupersedingGoesByIdentity", testW1_SupersedingGoesByIdentity},
	{"W2_AnotherArtifactSupersedes", testW2_AnotherArtifactSupersedes},
	{"W3_RepeatedRecordingAddsNothing", testW3_RepeatedRecordingAddsNothing},
	{"W3_EmptyPartsAreFilledByTheFirstRecordingThatGivesThem", testW3_EmptyPartsAreFilledByTheFirstRecordingThatGivesThem},
	{"W3_EveryRecordingOfARunningArtifactFills", testW3_EveryRecordingOfARunningArtifactFills},
	{"W3_ConcurrentRecordersFillOneArtifact", testW3_ConcurrentRecordersFillOneArtifact},
	{"W4_Decommissioning", testW4_Decommissioning},
	{"W5_ConcurrentRecordersLeaveOneDeployedRecord", testW5_ConcurrentRecordersLeaveOneDeployedRecord},
	{"W6_NewRecordsAreLaterThanTheirSlot", testW6_NewRecordsAreLaterThanTheirSlot},
	{"W7_TimesOfARecordAreThoseOfItsObservations", testW7_TimesOfARecordAreThoseOfItsObservations},
	{"W7_LateRecordingsChangeNothing", testW7_LateRecordingsChangeNothing},
	{"W7_TimesAhead", testW7_TimesAhead},
	{"W7_ArrivalOrderDoesNotMatter", testW7_ArrivalOrderDoesNotMatter},
	{"BatchesAreAtomicUnlessPartial", testBatchesAreAtomicUnlessPartial},
	{"SnapshotDecommissionsOmittedIdentities", testSnapshotDecommissionsOmittedIdentities},
	{"W8_ScopeLimitsWhatASnapshotDecommissions", testW8_ScopeLimitsWhatASnapshotDecommissions},
	{"W8_OnlyTheFinalPartDecommissions", testW8_OnlyTheFinalPartDecommissions},
	{"W8_FinalPartWaitsForMissingParts", testW8_FinalPartWaitsForMissingParts},
	{"W8_PartsThatContradictEachOtherAreRejected", testW8_PartsThatContradictEachOtherAreRejected},
	{"W8_SnapshotIDsBelongToOneOrganization", testW8_SnapshotIDsBelongToOneOrganization},
	{"W8_RejectedItemsOfPartsProtectWhatTheyMayBeAbout", testW8_RejectedItemsOfPartsProtectWhatTheyMayBeAbout},
	{"W8_ConcurrentPartsDecommissionOnce", testW8_ConcurrentPartsDecommissionOnce},
	{"UnknownNamesAreRejectedWithoutAutoCreate", testUnknownNamesAreRejectedWithoutAutoCreate},
	{"IdempotencyKeyNamesTheSameRecord", testIdempotencyKeyNamesTheSameRecord},
	{"RejectedRecordingLeavesItsKeyUnused", testRejectedRecordingLeavesItsKeyUnused},
}
