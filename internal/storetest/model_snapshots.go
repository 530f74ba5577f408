package storetest

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// modelSnapshot is a snapshot whose parts arrive.
type modelSnapshot struct {
	first   deployments.Snapshot
	created time.Time
	// sent has the items of each part as they came, judged with the violations of recording.
	sent, judged map[int][]deployments.BatchItem
	// parts is 0 until a final part has arrived.
	parts, decommissioned int
	complete              bool
}

// addPart adds a part to its snapshot, or the whole of it, and decommissions what the complete snapshot omits. Without a
// violation it sets the result.
func (m *Model) addPart(organization string, o *modelOrganization, s deployments.Snapshot, sent, judged []deployments.BatchItem, now time.Time, result *deployments.BatchResult) []deployments.Violation {
	if s.Part == nil {
		result.Decommissioned = o.decommissionOmitted(s, judged, now)
		return nil
	}
	key := [2]string{organization, s.Part.SnapshotID}
	stored := m.snapshots[key]
	if stored == nil || stored.created.Before(now.Add(-24*time.Hour)) {
		stored = &modelSnapshot{first: s, created: now, sent: map[int][]deployments.BatchItem{}, judged: map[int][]deployments.BatchItem{}}
	}
	violations := s.Differences(stored.first)
	reject := func(field string) {
		violations = append(violations, deployments.Violation{Field: field, Message: "contradicts"})
	}
	if before, repeated := stored.sent[s.Part.Number]; repeated && !reflect.DeepEqual(before, sent) {
		reject("deployments")
	}
	if stored.parts > 0 && s.Part.IsFinal() && s.Part.Parts != stored.parts {
		reject("parts")
	} else if stored.parts > 0 && s.Part.Number > stored.parts {
		reject("part")
	}
	for number := range stored.sent {
		if s.Part.IsFinal() && number > s.Part.Parts {
			reject("parts")
		}
	}
	if len(violations) > 0 {
		return violations
	}
	m.snapshots[key] = stored
	if !stored.complete {
		stored.sent[s.Part.Number] = sent
		if _, repeated := stored.judged[s.Part.Number]; !repeated {
			stored.judged[s.Part.Number] = judged
		}
	}
	if !s.Part.IsFinal() {
		return nil
	}
	var all []deployments.BatchItem
	for number := 1; number <= s.Part.Parts; number++ {
		if _, arrived := stored.sent[number]; !arrived {
			result.MissingParts = append(result.MissingParts, number)
		}
		all = append(all, stored.judged[number]...)
	}
	stored.parts = s.Part.Parts
	if len(result.MissingParts) == 0 && !stored.complete {
		stored.complete, stored.decommissioned = true, o.decommissionOmitted(s, all, now)
	}
	result.Decommissioned = stored.decommissioned
	return nil
}

// decommissionOmitted decommissions what the snapshot covers and none of the items may be about, and returns how many.
func (o *modelOrganization) decommissionOmitted(s deployments.Snapshot, items []deployments.BatchItem, now time.Time) (decommissioned int) {
	at, late := observed(s.ObservedAt, now)
	for id, r := range o.records {
		named := slices.ContainsFunc(items, func(item deployments.BatchItem) bool { return mayBeAbout(item, r) })
		if r.Status == deployments.Deployed && r.EnvironmentName == s.EnvironmentName && covers(s.Scope, r) && !named && !late(r.LastSeenAt) {
			r.Status, r.UpdatedAt = deployments.Decommissioned, latest(r.UpdatedAt, at)
			o.records[id] = r
			decommissioned++
		}
	}
	return decommissioned
}

// covers reports whether the record is within the scope of a snapshot.
func covers(scope deployments.SnapshotScope, r deployments.Record) bool {
	logical, kinds := scope.LogicalEnvironmentName, scope.Kinds
	return (logical == nil || *logical == r.LogicalEnvironmentName) && (len(kinds) == 0 || slices.Contains(kinds, r.Artifact.Kind)) &&
		strings.HasPrefix(r.DeploymentName, scope.DeploymentNamePrefix)
}

// mayBeAbout reports whether an item names the record's identity, or was rejected and may name it.
func mayBeAbout(item deployments.BatchItem, r deployments.Record) bool {
	if len(item.Violations) == 0 {
		return item.Identity() == r.Identity()
	}
	anyLogicalEnvironment := slices.ContainsFunc(item.Violations, func(v deployments.Violation) bool {
		return v.Field == "logical_environment_name"
	})
	return item.DeploymentName == "" || item.DeploymentName == r.DeploymentName &&
		(item.Kind == deployments.AnyKind || item.Kind == r.Artifact.Kind) &&
		(anyLogicalEnvironment || item.LogicalEnvironmentName == r.LogicalEnvironmentName)
}
