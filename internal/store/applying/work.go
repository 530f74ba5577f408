// Package applying applies the rules of recording, W1 to W8, to a batch in its transaction.
package applying

import (
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/history"
	"github.com/deployrecords/deployrecords/internal/store/links"
	"github.com/deployrecords/deployrecords/internal/store/naming"
	"github.com/deployrecords/deployrecords/internal/store/outcomes"
	"github.com/deployrecords/deployrecords/internal/store/quotas"
	"github.com/deployrecords/deployrecords/internal/store/schema"
	"github.com/deployrecords/deployrecords/internal/store/snapshots"
)

// Options configure Run.
type Options struct {
	Quotas quotas.Limits
	// Clock reads the time of the transaction (W6).
	Clock func(tx *gorm.DB) (time.Time, error)
	// NewID generates ids.
	NewID func() string
	// Names caches the names of recordings, apart from snapshots.
	Names *naming.Cache
}

// Run records a batch whose violations have been added, and returns what became of its items. Its errors are those of
// deployments.Store.Record and of the database.
func Run(tx *gorm.DB, organization schema.Organization, batch deployments.Batch, o Options) (deployments.BatchResult, *outcomes.Batch, error) {
	w := newWork(tx, organization, batch, o)
	result, err := w.run()
	if err != nil && w.names.Forget() && database.IsMissingReference(err) {
		err = fmt.Errorf("%w: %w", database.ErrOutdated, err)
	}
	return result, w.outcomes, err
}

// work is one batch in its transaction.
type work struct {
	Options
	tx             *gorm.DB
	organizationID int64
	batch          deployments.Batch
	items          []*item
	// snapshot is that of a complete batch, or nil; omitted has the identities that it omits.
	snapshot  *snapshots.Snapshot
	omitted   map[deployments.Identity]bool
	names     *naming.Names
	budget    *quotas.Budget
	artifacts *schema.ArtifactFinder
	// newestByContent is the newest record of each content, with its artifact.
	newestByContent map[contentKey]deployments.Record
	// sets are the project sets of artifacts by id. The history adds those of the records that it reads.
	sets    map[string]int64
	history *history.Reader
	// observed is when the batch was observed. Its clock is read while the slots are locked (W6).
	observed deployments.Observation
	// deployed are the DEPLOYED records of each identity, newest first, as the batch has left them so far.
	deployed map[history.Identity][]deployments.Record
	// newestByKey are, by key, the newest records that have ended or that the batch has written.
	newestByKey map[history.Key]deployments.Record
	// latestCreatedAt is the creation time of the latest record of each slot.
	latestCreatedAt map[schema.Slot]time.Time
	// records are the records that the batch has changed or answers with, by id, in their current state.
	records map[string]deployments.Record
	// order are the ids of the records to write; isNew is true for those to insert and false for those to update.
	order []string
	isNew map[string]bool
	links *links.Changes
	// outcomes are what became of the items so far.
	outcomes *outcomes.Batch
}

func newWork(tx *gorm.DB, organization schema.Organization, batch deployments.Batch, o Options) *work {
	sets := make(map[string]int64)
	names := o.Names
	if batch.Snapshot != nil {
		names = nil // an empty snapshot refers to no row by the id of its environment, so nothing else shows that it is outdated
	}
	w := &work{
		Options: o, tx: tx, organizationID: organization.ID, batch: batch,
		names:           naming.New(tx, organization, names, o.NewID),
		budget:          quotas.NewBudget(tx, organization.ID, o.Quotas),
		artifacts:       schema.NewArtifactFinder(tx, organization.ID, o.NewID),
		newestByContent: make(map[contentKey]deployments.Record), sets: sets, history: history.NewReader(tx, organization.ID, sets),
		deployed: make(map[history.Identity][]deployments.Record), newestByKey: make(map[history.Key]deployments.Record), latestCreatedAt: make(map[schema.Slot]time.Time),
		records: make(map[string]deployments.Record), isNew: make(map[string]bool),
		links: links.NewChanges(tx), outcomes: outcomes.NewBatch(),
	}
	for _, batchItem := range batch.Items {
		w.items = append(w.items, &item{BatchItem: batchItem})
	}
	return w
}

// replannedItems is the number of items from which on a batch is worth new plans.
const replannedItems = 100

// replan discards cached plans before a large batch: those of single recordings are for a few rows.
func (w *work) replan() error { return w.replanFor(len(w.items)) }

// replanFor is replan for a number of slots.
func (w *work) replanFor(slots int) error {
	if slots < replannedItems {
		return nil
	}
	return database.Replan(w.tx)
}

// run records the batch. Its steps lock in the order of package schema.
func (w *work) run() (deployments.BatchResult, error) {
	for _, step := range []func() error{
		w.failOnViolations, w.replan, w.openSnapshot, w.resolveNames, w.failOnViolations, w.readOmitted, w.lockAndRead, w.checkSlotQuota, w.apply, w.failOnViolations,
	} {
		if err := step(); err != nil {
			return deployments.BatchResult{}, err
		}
	}
	result := deployments.BatchResult{Decommissioned: w.decommissionOmitted()}
	w.outcomes.Items[outcomes.Omitted] = int64(result.Decommissioned)
	if err := w.save(); err != nil {
		return deployments.BatchResult{}, err
	}
	if err := w.finishSnapshot(&result); err != nil {
		return deployments.BatchResult{}, err
	}
	if err := w.budget.Commit(w.names.Created()); err != nil {
		return deployments.BatchResult{}, err
	}
	for _, item := range w.items {
		answer := deployments.ItemResult{Violations: item.Violations}
		if len(item.Violations) == 0 {
			answer.Record = w.records[item.answer.ID]
		}
		result.Items = append(result.Items, answer)
	}
	return result, nil
}

// write sets the state of a record, for save.
func (w *work) write(record deployments.Record) {
	if _, ok := w.isNew[record.ID]; !ok {
		w.isNew[record.ID] = false
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
		row.ProjectSetID = w.sets[row.ArtifactID]
		if w.isNew[id] {
			added = append(added, row)
		} else {
			changed = append(changed, row)
		}
	}
	if err := database.CreateAll(w.tx, added); err != nil {
		return err
	}
	updates := clause.AssignmentColumns([]string{"artifact_id", "project_set_id", "status", "updated_at", "last_seen_at"})
	if err := database.Upsert(w.tx, changed, updates, ""); err != nil {
		return err
	}
	return schema.AdvanceSlots(w.tx, append(added, changed...))
}
