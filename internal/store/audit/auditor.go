// Package audit verifies the counters, the latest records and the project sets of an organization against its records, and
// its times against the clock, and repairs them.
package audit

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/compaction"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// Auditor verifies and repairs organizations.
type Auditor struct {
	db        *database.DB
	compactor *compaction.Compactor
}

// New returns an auditor.
func New(db *database.DB, compactor *compaction.Compactor) *Auditor { return &Auditor{db, compactor} }

// Verification is the result of verifying one organization.
type Verification struct {
	Organization string
	// Records and Slots are the numbers of rows. Totals and Milestones are the numbers of compared counters. Pending is the
	// number of deltas that were not compacted.
	Records, Slots, Totals, Milestones, Pending int64
	// Faults describe at most maxFaults differences, each in a sentence. Found is the number of all differences.
	Faults []string
	Found  int64
	// Ahead is how many of these differences are records with updated_at or last_seen_at ahead of the clock (I1).
	Ahead int64
	// Notices describe at most maxFaults records with created_at ahead of the clock. Repair leaves them: created_at is their
	// place in the history. Noticed is the number of all such records.
	Notices []string
	Noticed int64
}

const maxFaults = 20

func (v *Verification) add(format string, args ...any) {
	if v.Found++; v.Found <= maxFaults {
		v.Faults = append(v.Faults, fmt.Sprintf(format, args...))
	}
}

// addSorted adds differences that were found in the random order of a map.
func (v *Verification) addSorted(faults []string) {
	slices.Sort(faults)
	for _, fault := range faults {
		v.add("%s", fault)
	}
}

func (v *Verification) notice(format string, args ...any) {
	if v.Noticed++; v.Noticed <= maxFaults {
		v.Notices = append(v.Notices, fmt.Sprintf(format, args...))
	}
}

// Verify recomputes everything from the records of an organization and compares: the latest record of each slot, the total
// of each list, the counts of milestones, and the project set of each record. It reports times ahead of the clock. It reads one snapshot and blocks no writer. Its
// memory grows with the number of slots and lists, not of records. It returns nil for an organization that does not exist.
func (a *Auditor) Verify(ctx context.Context, organization string) (*Verification, error) {
	var result *Verification
	err := a.db.Snapshot(ctx, func(tx *gorm.DB) error {
		id, err := schema.FindOrganization(tx, organization)
		if err != nil || id == 0 {
			return err
		}
		v := &verifier{tx: tx, organizationID: id, result: &Verification{Organization: organization}}
		result = v.result
		return v.run()
	})
	if err != nil {
		return nil, a.db.MapError(ctx, err)
	}
	return result, nil
}

// Organizations returns the keys of all organizations, in order.
func (a *Auditor) Organizations(ctx context.Context) ([]string, error) {
	var keys []string
	err := a.db.WithContext(ctx).Model(&schema.Organization{}).Order("key").Pluck("key", &keys).Error
	return keys, a.db.MapError(ctx, err)
}
