package recording

import (
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// work is one batch in its transaction.
type work struct {
	*Recorder
	tx             *gorm.DB
	organizationID int64
	batch          deployments.Batch
	items          []*item
	environments   *schema.NameCache
	logical        *schema.NameCache
	projects       *schema.ProjectCache
	artifacts      *artifacts
	// now is the time of the recording, read while the slots are locked (W6).
	now        time.Time
	identities map[identityKey]*identityState
	// latest is the creation time of the latest record of each slot.
	latest map[schema.Slot]time.Time
	// records are the records that the batch has read or changed, by id, in their current state. order are the ids of those
	// to write; added are those of new ones.
	records map[string]deployments.Record
	order   []string
	written map[string]bool
	added   map[string]bool
	links   []schema.Link
}

// item is an item of the batch with the ids of its names.
type item struct {
	deployments.BatchItem
	environmentID        string
	logicalEnvironmentID string
	versionIDs           []int64
	answer               deployments.Record
}

func (i *item) slot() schema.Slot {
	return schema.Slot{EnvironmentID: i.environmentID, DeploymentName: i.DeploymentName}
}

func (i *item) identity() identityKey {
	return identityKey{slot: i.slot(), logicalEnvironmentID: i.logicalEnvironmentID, kind: i.Kind}
}

func newWork(r *Recorder, tx *gorm.DB, organizationID int64, batch deployments.Batch) *work {
	w := &work{
		Recorder: r, tx: tx, organizationID: organizationID, batch: batch,
		environments: schema.NewNameCache(tx, schema.Environments, organizationID, r.newID),
		logical:      schema.NewNameCache(tx, schema.LogicalEnvironments, organizationID, r.newID),
		projects:     schema.NewProjectCache(tx, organizationID),
		artifacts:    newArtifacts(r, tx, organizationID),
		identities:   make(map[identityKey]*identityState),
		latest:       make(map[schema.Slot]time.Time),
		records:      make(map[string]deployments.Record),
		written:      make(map[string]bool),
		added:        make(map[string]bool),
	}
	for _, batchItem := range batch.Items {
		w.items = append(w.items, &item{BatchItem: batchItem})
	}
	return w
}

// run records the batch. Its steps lock in the order of package schema.
func (w *work) run() (deployments.BatchResult, error) {
	for _, step := range []func() error{w.checkItems, w.resolveNames, w.checkItems, w.lockAndRead, w.apply, w.checkItems} {
		if err := step(); err != nil {
			return deployments.BatchResult{}, err
		}
	}
	result := deployments.BatchResult{Decommissioned: w.decommissionOmitted()}
	if err := w.save(); err != nil {
		return deployments.BatchResult{}, err
	}
	for _, item := range w.items {
		if len(item.Violations) > 0 {
			result.Items = append(result.Items, deployments.ItemResult{Violations: item.Violations})
			continue
		}
		result.Items = append(result.Items, deployments.ItemResult{Record: w.records[item.answer.ID]})
	}
	return result, nil
}

// checkItems rejects a batch that is not partial if an item has violations.
func (w *work) checkItems() error {
	if w.batch.Partial {
		return nil
	}
	var violations []deployments.Violation
	for i, item := range w.items {
		for _, violation := range item.Violations {
			if !w.batch.Single {
				violation.Field = deployments.ItemField(i, violation.Field)
			}
			violations = append(violations, violation)
		}
	}
	if len(violations) > 0 {
		return &deployments.BatchError{Violations: violations}
	}
	return nil
}

// valid returns the items without violations.
func (w *work) valid() []*item {
	valid := make([]*item, 0, len(w.items))
	for _, item := range w.items {
		if len(item.Violations) == 0 {
			valid = append(valid, item)
		}
	}
	return valid
}

// write sets the state of a record, for save.
func (w *work) write(record deployments.Record) {
	if !w.written[record.ID] {
		w.written[record.ID] = true
		w.order = append(w.order, record.ID)
	}
	w.records[record.ID] = record
}

// current returns a record that was read in the state that the batch has left it in so far.
func (w *work) current(record deployments.Record) deployments.Record {
	if current, ok := w.records[record.ID]; ok {
		return current
	}
	return record
}

// save writes artifacts before the records that refer to them, links before the records that carry their project sets, and
// records before their slots.
func (w *work) save() error {
	if err := w.saveArtifacts(); err != nil {
		return err
	}
	var added, changed []schema.Record
	for _, id := range w.order {
		row := schema.NewRecord(w.organizationID, w.records[id])
		row.ProjectSetID = w.artifacts.sets[row.ArtifactID]
		if w.added[id] {
			added = append(added, row)
		} else {
			changed = append(changed, row)
		}
	}
	if err := database.CreateAll(w.tx, added); err != nil {
		return err
	}
	err := database.CreateAll(w.tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "id"}},
		DoUpdates: clause.AssignmentColumns([]string{"status", "updated_at", "last_seen_at"}),
	}), changed)
	if err != nil {
		return err
	}
	return schema.AdvanceSlots(w.tx, append(added, changed...))
}
