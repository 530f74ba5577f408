package api

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	recording "github.com/deployrecords/deployrecords/generated/recording/server"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// validateSnapshot returns the violations of the members that only a complete batch has (W8). The document checks each by
// itself.
func validateSnapshot(b *recording.DeploymentBatch) (violations []string) {
	report := func(violation string) { violations = append(violations, violation) }
	if b.Scope != nil {
		if !value(b.Complete) {
			report("scope: goes with complete only")
		}
		if name := value(b.Scope.LogicalEnvironmentName); name != "" {
			if err := deployments.CheckRecordedName(name); err != nil {
				report("scope.logical_environment_name: " + err.Error())
			}
		}
		if err := deployments.CheckText(value(b.Scope.DeploymentNamePrefix)); err != nil {
			report("scope.deployment_name_prefix: " + err.Error())
		}
	}
	return append(violations, validatePart(b)...)
}

// validatePart returns the violations of the members that only a part of a snapshot has.
func validatePart(b *recording.DeploymentBatch) (violations []string) {
	report := func(violation string) { violations = append(violations, violation) }
	if b.SnapshotId == nil {
		for member, given := range map[string]bool{"part": b.Part != nil, "final": b.Final != nil, "parts": b.Parts != nil} {
			if given {
				report(member + ": goes with snapshot_id only")
			}
		}
		slices.Sort(violations)
		return violations
	}
	if !value(b.Complete) {
		report("snapshot_id: goes with complete only")
	}
	if err := deployments.CheckText(*b.SnapshotId); err != nil {
		report("snapshot_id: " + err.Error())
	}
	if b.Part == nil {
		report("part: is missing, and snapshot_id is given")
	}
	switch {
	case value(b.Final) && b.Parts == nil:
		report("parts: is missing, and final is true")
	case !value(b.Final) && b.Parts != nil:
		report("parts: goes with final only")
	case b.Parts != nil && value(b.Part) > *b.Parts:
		report(fmt.Sprintf("part: is %d, and parts is %d", *b.Part, *b.Parts))
	}
	return violations
}

// toSnapshot translates the members of a complete batch.
func toSnapshot(b *recording.DeploymentBatch) *deployments.Snapshot {
	snapshot := &deployments.Snapshot{
		EnvironmentName: value(b.EnvironmentName),
		Scope:           toScope(value(b.Scope)),
		ObservedAt:      b.ObservedAt.UTC().Truncate(time.Microsecond),
	}
	if b.SnapshotId != nil {
		snapshot.Part = &deployments.SnapshotPart{SnapshotID: *b.SnapshotId, Number: int(*b.Part), Parts: int(value(b.Parts))}
	}
	return snapshot
}

// maxMissingParts is the maximum number of missing parts that a response names.
const maxMissingParts = 20

// missingParts returns the answer to a final part that arrived before other parts.
func missingParts(numbers []int) *Problem {
	var names []string
	for _, number := range numbers[:min(len(numbers), maxMissingParts)] {
		names = append(names, strconv.Itoa(number))
	}
	message := "parts of the snapshot are missing: " + strings.Join(names, ", ")
	if more := len(numbers) - len(names); more > 0 {
		message += fmt.Sprintf(" and %d more", more)
	}
	return &Problem{Status: http.StatusConflict, Message: message + "; send them, then the final part again"}
}

// toScope translates the scope. Its kinds are sorted, so that equal scopes are equal.
func toScope(s recording.SnapshotScope) deployments.SnapshotScope {
	scope := deployments.SnapshotScope{
		LogicalEnvironmentName: s.LogicalEnvironmentName,
		DeploymentNamePrefix:   value(s.DeploymentNamePrefix),
	}
	for _, kind := range value(s.Kinds) {
		scope.Kinds = append(scope.Kinds, recordedKinds[recording.DeploymentKind(kind)])
	}
	slices.Sort(scope.Kinds)
	scope.Kinds = slices.Compact(scope.Kinds)
	return scope
}
