package store

import (
	"slices"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// apply lets the rules decide, item by item. Each item finds what those before it did.
func (w *recording) apply() error {
	for _, item := range w.sound() {
		state := w.identity(item.identity())
		history := deployments.IdentityHistory{Deployed: state.deployed}
		if late, err := w.tooLate(item, history); late || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		if len(history.Deployed) == 0 && item.Status == deployments.Decommissioned {
			var err error
			if history.Newest, err = w.newest(item.identity(), item.Digest); err != nil {
				return err
			}
		}
		change, fault := item.Recording.Apply(history, w.now)
		if fault != nil {
			item.Violations = []deployments.Violation{*fault}
			continue
		}
		for _, record := range change.Updated {
			w.write(record)
		}
		item.answer = change.Answer
		if change.Add {
			item.answer = w.add(item)
		}
		w.records[item.answer.ID] = w.current(item.answer)
		state.follow(change.Updated, item.answer)
		if !item.MatchesDigest(item.answer) {
			continue // the project versions are of an artifact that the answer does not have
		}
		for _, versionID := range item.versionIDs {
			w.links = append(w.links, projectVersionArtifactRow{ProjectVersionID: versionID, ArtifactID: item.answer.ArtifactID})
		}
	}
	return nil
}

// tooLate answers an item for which its snapshot is too old with what is so since.
func (w *recording) tooLate(item *recordingItem, history deployments.IdentityHistory) (bool, error) {
	snapshot := w.batch.Snapshot
	if snapshot == nil {
		return false, nil
	}
	var newest *deployments.Record
	if len(history.Deployed) == 0 {
		var err error
		if newest, err = w.newest(item.identity(), ""); err != nil {
			return false, err
		}
	}
	record, late := snapshot.IsStale(item.Recording, history, newest)
	if late {
		item.answer = record
		w.records[record.ID] = w.current(record)
	}
	return late, nil
}

// add makes the item's record.
func (w *recording) add(item *recordingItem) deployments.Record {
	created := deployments.CreatedAt(w.latest[item.slot()], w.now)
	record := deployments.Record{
		ID:                     w.newID(),
		EnvironmentID:          item.environmentID,
		EnvironmentName:        item.EnvironmentName,
		LogicalEnvironmentID:   item.logicalEnvironmentID,
		LogicalEnvironmentName: item.LogicalEnvironmentName,
		DeploymentName:         item.DeploymentName,
		Status:                 item.Status,
		CreatedAt:              created,
		UpdatedAt:              created,
		LastSeenAt:             created,
	}
	record.ArtifactID, record.Artifact = w.artifacts.of(item.Recording, w.newID)
	w.artifacts.newest(record)
	w.latest[item.slot()] = created
	w.added[record.ID] = true
	state := w.identity(item.identity())
	state.added = append(state.added, record.ID)
	w.write(record)
	return record
}

// follow keeps the deployed records of the identity in step with what was decided.
func (s *identityState) follow(updated []deployments.Record, answer deployments.Record) {
	for _, record := range append(slices.Clone(updated), answer) {
		s.deployed = slices.DeleteFunc(s.deployed, func(d deployments.Record) bool { return d.ID == record.ID })
		if record.Status == deployments.Deployed {
			s.deployed = append(s.deployed, record)
		}
	}
	slices.SortFunc(s.deployed, newestFirstOrder)
}

// newestFirstOrder is that of lists (L6).
func newestFirstOrder(a, b deployments.Record) int {
	if a.NewerThan(b) {
		return -1
	}
	return 1
}

// decommissionMissed ends what is deployed in the snapshot's environment under identities that the batch does not
// name, unless it was seen since. An item that was refused names its identity all the same: that it could not be
// recorded does not mean that it does not run.
func (w *recording) decommissionMissed(environmentID string) int {
	snapshot := w.batch.Snapshot
	if snapshot == nil || environmentID == "" {
		return 0
	}
	named := make(map[deployments.Identity]bool)
	var refused []deployments.BatchItem
	for _, item := range w.items {
		if len(item.Violations) == 0 {
			named[item.Identity()] = true
			continue
		}
		if item.DeploymentName == "" {
			return 0 // it may be about anything that runs there
		}
		refused = append(refused, item.BatchItem)
	}
	ended := 0
	for key, state := range w.identities {
		if key.slot.environmentID != environmentID {
			continue
		}
		for _, record := range state.deployed {
			identity := deployments.Identity{
				EnvironmentName: record.EnvironmentName, LogicalEnvironmentName: record.LogicalEnvironmentName,
				DeploymentName: record.DeploymentName, Kind: record.Artifact.Kind,
			}
			mayBe := slices.ContainsFunc(refused, func(item deployments.BatchItem) bool { return item.CouldReferTo(identity) })
			if !named[identity] && !mayBe && snapshot.Omits(record) {
				w.write(snapshot.Decommission(record, w.now))
				ended++
			}
		}
	}
	return ended
}
