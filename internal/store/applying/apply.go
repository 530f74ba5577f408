package applying

import (
	"slices"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/history"
	"github.com/deployrecords/deployrecords/internal/store/outcomes"
)

// apply applies the rules to each item. An item sees the effects of the items before it.
func (w *work) apply() error {
	return w.forEachValid(w.applyItem)
}

func (w *work) applyItem(item *item) {
	past := deployments.IdentityHistory{Deployed: w.deployed[item.identity()]}
	if len(past.Deployed) == 0 {
		past.Newest = w.newest(history.Key{Identity: item.identity(), Digest: item.Digest})
		past.Changed = w.newest(history.Key{Identity: item.identity(), Changed: true})
	}
	change, violation := item.Recording.Apply(past, w.observed)
	if violation != nil {
		item.Violations = []deployments.Violation{*violation}
		return
	}
	if change.Filled {
		w.fill(&change)
	}
	for _, record := range change.Updated {
		w.write(record)
	}
	item.answer = change.Answer
	w.outcomes.Items[outcomes.Of(change)]++
	if change.Add {
		item.answer = w.add(item)
	}
	w.records[item.answer.ID] = w.current(item.answer)
	if change.Stale {
		return
	}
	w.update(item.identity(), change.Updated, item.answer)
	if !item.MatchesDigest(item.answer) {
		return // the project versions belong to an artifact that the answer does not have
	}
	w.links.Add(item.answer.ArtifactID, item.ids.Versions...)
}

// fill moves the answer of a change to the artifact with the parts that a recording has filled in (W3). The artifact gets the
// project versions of the one before.
func (w *work) fill(change *deployments.Change) {
	answer := &change.Answer
	source := answer.ArtifactID
	answer.ArtifactID = w.artifactID(answer.Artifact)
	w.links.Copy(answer.ArtifactID, source)
	w.putNewestOfContent(*answer)
	for i, record := range change.Updated {
		if record.ID == answer.ID {
			change.Updated[i] = *answer
		}
	}
}

// add adds the item's record.
func (w *work) add(item *item) deployments.Record {
	created := deployments.CreatedAt(w.latestCreatedAt[item.slot()], w.observed.Time())
	record := deployments.Record{
		ID: w.NewID(), EnvironmentID: item.ids.Environment, EnvironmentName: item.EnvironmentName,
		LogicalEnvironmentID: item.ids.LogicalEnvironment, LogicalEnvironmentName: item.LogicalEnvironmentName,
		DeploymentName: item.DeploymentName, Status: item.Status, CreatedAt: created, UpdatedAt: created, LastSeenAt: created,
	}
	record.ArtifactID, record.Artifact = w.artifact(item.Recording)
	w.putNewestOfContent(record)
	w.latestCreatedAt[item.slot()] = created
	w.write(record)
	w.isNew[record.ID] = true
	return record
}

// update sets the new states of records of an identity, of which the answer is one.
func (w *work) update(identity history.Identity, updated []deployments.Record, answer deployments.Record) {
	written := make(map[string]bool, len(updated)+1)
	for _, record := range append(slices.Clone(updated), answer) {
		written[record.ID] = true
		w.updateNewest(record)
	}
	deployed := slices.DeleteFunc(w.deployed[identity], func(d deployments.Record) bool { return written[d.ID] })
	for id := range written {
		if record := w.records[id]; record.Status == deployments.Deployed {
			deployed = append(deployed, record)
		}
	}
	slices.SortFunc(deployed, newestFirst)
	w.deployed[identity] = deployed
}

// newestFirst is the order of lists (L6).
func newestFirst(a, b deployments.Record) int {
	if a.NewerThan(b) {
		return -1
	}
	return 1
}
