package storetest_test

import (
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// The model has no ids of names, does not validate imports, creates every name, and ignores contexts.
func TestModelPassesTheSuite(t *testing.T) {
	storetest.Run(t, func(testing.TB) deployments.Store { return storetest.NewModel() },
		"I1_MissingIDsAreFoundByNameOrGenerated",
		"I1_FourPartsIdentifyArtifacts",
		"I4_ContradictionsAreReportedAndImportNothing",
		"I4_ViolationsImportNothingAndTwentyAreReported",
		"ImportRequiresAnOrganizationKey",
		"ListEndsWithItsContext",
		"UnknownNamesAreRejectedWithoutAutoCreate",
		"FailedImportLeavesNothing",
	)
}
