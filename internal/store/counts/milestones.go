package counts

import (
	"slices"
	"sort"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/store/database"
)

// DefaultMilestoneInterval is the number of records between two new milestones. A list, and a range of one, that exceeds two
// intervals is split, so a page lies at most one interval from a milestone.
const DefaultMilestoneInterval = 1024

// Position is the position of a record in the order of time, oldest first.
type Position struct {
	CreatedAt database.Timestamp `gorm:"primaryKey;autoCreateTime:false"`
	RecordID  string             `gorm:"primaryKey"`
}

// Before reports whether p comes before o.
func (p Position) Before(o Position) bool {
	if c := p.CreatedAt.Compare(o.CreatedAt.Time); c != 0 {
		return c < 0
	}
	return p.RecordID < o.RecordID
}

// Beginning is before all records, End after them.
var (
	Beginning = Position{database.Timestamp{Time: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)}, "00000000-0000-0000-0000-000000000000"}
	End       = Position{database.Timestamp{Time: time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)}, "ffffffff-ffff-ffff-ffff-ffffffffffff"}
)

// Sequence identifies the milestones of a list on one of two levels. The coarse ones are some of the fine ones: a page adds up the
// coarse ones before it, and then only the fine ones from the last of these on.
type Sequence struct {
	Key
	Coarse bool
}

// Milestone is a position in a list and the number of records from there to the next milestone of its level.
type Milestone struct {
	Position
	N int64
}

// Milestones are those of one Sequence in the order of time. The first is at Beginning.
type Milestones []Milestone

// index returns the index of the last milestone that is not after the position.
func (m Milestones) index(p Position) int {
	return sort.Search(len(m), func(i int) bool { return p.Before(m[i].Position) }) - 1
}

// Has reports whether there is a milestone at the position.
func (m Milestones) Has(p Position) bool {
	i := m.index(p)
	return i >= 0 && !m[i].Before(p)
}

// End returns where the range of a milestone ends.
func (m Milestones) End(i int) Position {
	if i+1 < len(m) {
		return m[i+1].Position
	}
	return End
}

// milestoneRow is a row of milestones.
type milestoneRow struct {
	OrganizationID int64 `gorm:"primaryKey;autoIncrement:false"`
	Columns
	ProjectID  int64  `gorm:"primaryKey;autoIncrement:false"`
	ArtifactID string `gorm:"primaryKey"`
	Coarse     bool   `gorm:"primaryKey"`
	Milestone
}

// TableName implements gorm's Tabler.
func (milestoneRow) TableName() string { return "list_positions" }

// maxDeleted bounds the parameters of a statement.
const maxDeleted = 500

// DeleteMilestones deletes some milestones of a Sequence.
func DeleteMilestones(tx *gorm.DB, organizationID int64, sequence Sequence, milestones Milestones) error {
	for some := range slices.Chunk(milestones, maxDeleted) {
		// SQLite compares no rows with a list of rows.
		positions := make([]clause.Expression, len(some))
		for i, milestone := range some {
			positions[i] = gorm.Expr("created_at = ? AND record_id = ?", milestone.CreatedAt, milestone.RecordID)
		}
		err := tx.Where(ofSequence, sequenceValues(organizationID, sequence)).Where(clause.Or(positions...)).Delete(&milestoneRow{}).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// ofSequence is the condition for the milestones of a Sequence.
const ofSequence = "(organization_id, " + listColumns + ", coarse) = ?"

// sequenceValues are the values of ofSequence, a row of SQL.
func sequenceValues(organizationID int64, s Sequence) []any {
	return []any{organizationID, s.EnvironmentID, s.LogicalEnvironmentID, s.DeploymentName, s.Status, s.Kind, s.ProjectID, s.ArtifactID, s.Coarse}
}

// SaveMilestones inserts milestones, or replaces their counts.
func SaveMilestones(tx *gorm.DB, organizationID int64, sequences map[Sequence]Milestones) error {
	var rows []milestoneRow
	for sequence, milestones := range sequences {
		for _, milestone := range milestones {
			rows = append(rows, milestoneRow{organizationID, sequence.Columns, sequence.ProjectID, sequence.ArtifactID, sequence.Coarse, milestone})
		}
	}
	return database.Upsert(tx, rows, clause.AssignmentColumns([]string{"n"}), "")
}
