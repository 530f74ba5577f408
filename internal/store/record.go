package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Record implements deployments.Store.
func (s *Store) Record(ctx context.Context, organization string, batch deployments.Batch) (deployments.BatchResult, error) {
	batch.Validate()
	var result deployments.BatchResult
	err := s.writeAgain(ctx, func(tx *gorm.DB) error {
		work, err := s.beginRecording(tx, organization, batch)
		if err != nil {
			return err
		}
		result, err = work.run()
		return err
	})
	if err != nil {
		return deployments.BatchResult{}, databaseError(ctx, err)
	}
	return result, nil
}

// RecordIdempotent implements deployments.Store.
func (s *Store) RecordIdempotent(ctx context.Context, organization string, key deployments.IdempotencyKey, item deployments.Recording, autoCreate bool) (deployments.Record, error) {
	batch := deployments.Batch{Items: []deployments.BatchItem{{Recording: item}}, Single: true, AutoCreate: autoCreate}
	batch.Validate()
	var record deployments.Record
	err := s.writeAgain(ctx, func(tx *gorm.DB) error {
		work, err := s.beginRecording(tx, organization, batch)
		if err != nil {
			return err
		}
		known, err := work.claim(key)
		if err != nil {
			return err
		}
		if known != "" {
			record, err = work.byID(known)
			return err
		}
		result, err := work.run()
		if err != nil {
			return err
		}
		record = result.Items[0].Record
		return work.keep(key, record.ID)
	})
	if err != nil {
		return deployments.Record{}, databaseError(ctx, err)
	}
	return record, nil
}

// writeAgain tries a transaction again that ran into another writer (W5). Each try begins anew, so nothing is done
// twice.
func (s *Store) writeAgain(ctx context.Context, do func(tx *gorm.DB) error) error {
	for attempt := 1; ; attempt++ {
		err := s.write(ctx, do)
		if err == nil || !isConflict(err) {
			return err
		}
		if attempt == 10 {
			return fmt.Errorf("%w: %w", deployments.ErrConflict, err)
		}
		pause := time.Duration(rand.Int64N(int64(attempt) * int64(20*time.Millisecond)))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// isConflict says that another transaction was in the way and that the same may work when tried again.
func isConflict(err error) bool {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		switch pgErr.Code {
		case "40001", "40P01", "23505": // serialization failure, deadlock, a name that two made at once
			return true
		}
		return false
	}
	return isBusy(err)
}

// recording is one batch under way, in its transaction.
type recording struct {
	tx             *gorm.DB
	engine         engine
	organizationID int64
	batch          deployments.Batch
	items          []*recordingItem
	// now is the database's clock, read once the slots are held (W6).
	now        time.Time
	ownClock   func() time.Time
	newID      func() string
	identities map[identityKey]*identityState
	// latest is when the latest record of a slot was created.
	latest    map[slotKey]time.Time
	artifacts *knownArtifacts
	// records are those that the batch has come upon, by id, as they are from now on. order are the ids of those to
	// be written, added of those that are new.
	records map[string]deployments.Record
	order   []string
	added   map[string]bool
	links   []projectVersionArtifactRow
}

// recordingItem is an item with the ids of its names.
type recordingItem struct {
	deployments.BatchItem
	environmentID        string
	logicalEnvironmentID string
	versionIDs           []int64
	answer               deployments.Record
}

func (i *recordingItem) slot() slotKey {
	return slotKey{environmentID: i.environmentID, deploymentName: i.DeploymentName}
}

func (i *recordingItem) identity() identityKey {
	return identityKey{slot: i.slot(), logicalEnvironmentID: i.logicalEnvironmentID, kind: i.Kind}
}

// beginRecording finds or makes the organization.
func (s *Store) beginRecording(tx *gorm.DB, organization string, batch deployments.Batch) (*recording, error) {
	row := organizationRow{Key: organization}
	err := tx.Where("key = ?", organization).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		if err = tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&row).Error; err == nil {
			err = tx.Where("key = ?", organization).Take(&row).Error
		}
	}
	work := &recording{
		tx: tx, engine: s.engine, organizationID: row.ID, batch: batch, ownClock: s.ownClock, newID: s.newID,
		identities: make(map[identityKey]*identityState),
		latest:     make(map[slotKey]time.Time),
		records:    make(map[string]deployments.Record),
		added:      make(map[string]bool),
	}
	for _, item := range batch.Items {
		work.items = append(work.items, &recordingItem{BatchItem: item})
	}
	return work, err
}

// run does the whole of it: names, slots, artifacts, clock, records, rules, tables. The order is that of locks: whoever
// holds a slot asks for no more names, and whoever holds a record for no more artifacts but those made at this moment.
// A link's change of the project set goes from the artifact to records and then to rows of current_slots, of any slot.
func (w *recording) run() (deployments.BatchResult, error) {
	if err := w.refused(); err != nil {
		return deployments.BatchResult{}, err
	}
	if err := w.names(); err != nil {
		return deployments.BatchResult{}, err
	}
	if err := w.refused(); err != nil {
		return deployments.BatchResult{}, err
	}
	environmentID, err := w.hold()
	if err != nil {
		return deployments.BatchResult{}, err
	}
	if err := w.apply(); err != nil {
		return deployments.BatchResult{}, err
	}
	if err := w.refused(); err != nil {
		return deployments.BatchResult{}, err
	}
	result := deployments.BatchResult{Decommissioned: w.decommissionMissed(environmentID)}
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

// refused ends a batch that is not partial as soon as an item is at fault.
func (w *recording) refused() error {
	if w.batch.Partial {
		return nil
	}
	var faults []deployments.Violation
	for i, item := range w.items {
		for _, fault := range item.Violations {
			if !w.batch.Single {
				fault.Field = deployments.ItemField(i, fault.Field)
			}
			faults = append(faults, fault)
		}
	}
	if len(faults) > 0 {
		return &deployments.BatchError{Violations: faults}
	}
	return nil
}

// sound are the items that are not refused.
func (w *recording) sound() []*recordingItem {
	sound := make([]*recordingItem, 0, len(w.items))
	for _, item := range w.items {
		if len(item.Violations) == 0 {
			sound = append(sound, item)
		}
	}
	return sound
}

// write notes a record as it is from now on.
func (w *recording) write(record deployments.Record) {
	w.records[record.ID] = record
	w.order = append(w.order, record.ID)
}

// current is a record that was read, as the batch has left it so far.
func (w *recording) current(record deployments.Record) deployments.Record {
	if now, ok := w.records[record.ID]; ok {
		return now
	}
	return record
}

// save writes what was decided: artifacts before the records that have them, the links that make their project sets
// before the records that carry these, records before their slots.
func (w *recording) save() error {
	if err := w.artifacts.save(w); err != nil {
		return err
	}
	if err := w.artifacts.link(w); err != nil {
		return err
	}
	var added, changed []recordRow
	for _, id := range distinct(w.order) {
		row := rowOf(w.organizationID, w.records[id])
		row.ProjectSetID = w.artifacts.sets[row.ArtifactID]
		if w.added[id] {
			added = append(added, row)
		} else {
			changed = append(changed, row)
		}
	}
	if err := createAll(w.tx, added); err != nil {
		return err
	}
	err := createAll(w.tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "id"}},
		DoUpdates: clause.AssignmentColumns([]string{"status", "updated_at", "last_seen_at"}),
	}), changed)
	if err != nil {
		return err
	}
	written := append(added, changed...)
	slices.SortFunc(written, func(a, b recordRow) int { return a.slot().compare(b.slot()) }) // as others hold their rows
	return forwardSlots(w.tx, written)
}
