package counts

import (
	"sort"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/store/database"
)

// DefaultMilestoneInterval is the number of records between two new milestones. A range of more than twice as many is split,
// so a page lies at most one interval from a milestone. A listing of ten million records adds up about a thousand milestones.
// Skipping an index entry costs a fraction of adding up a milestone, so a shorter interval gains nothing.
const DefaultMilestoneInterval = 8192

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

// Milestone is a position in a list and the number of records from there to the next milestone.
type Milestone struct {
	Position
	N int64
}

// Milestones are those of one list in the order of time. The first is at Beginning.
type Milestones []Milestone

// index returns the index of the last milestone that is not after the position.
func (m Milestones) index(p Position) int {
	return sort.Search(len(m), func(i int) bool { return p.Before(m[i].Position) }) - 1
}

// end returns where the range of a milestone ends.
func (m Milestones) end(i int) Position {
	if i+1 < len(m) {
		return m[i+1].Position
	}
	return End
}

// milestoneRow is a row of list_ranges.
type milestoneRow struct {
	OrganizationID int64 `gorm:"primaryKey;autoIncrement:false"`
	Columns
	ProjectID int64 `gorm:"primaryKey;autoIncrement:false"`
	Milestone
}

// TableName implements gorm's Tabler.
func (milestoneRow) TableName() string { return "list_ranges" }

// ReadMilestones returns the stored milestones of an organization.
func ReadMilestones(tx *gorm.DB, organizationID int64) (map[Key]Milestones, error) {
	var rows []milestoneRow
	err := tx.Where("organization_id = ?", organizationID).Order("created_at, record_id").Find(&rows).Error
	stored := make(map[Key]Milestones)
	for _, row := range rows {
		key := Key{Dimensions: Dimensions{Columns: row.Columns}, ProjectID: row.ProjectID}
		stored[key] = append(stored[key], row.Milestone)
	}
	return stored, err
}

// saveMilestones inserts milestones of lists, or replaces their counts.
func (c *Compaction) saveMilestones(lists map[Key]Milestones) error {
	var rows []milestoneRow
	for key, milestones := range lists {
		for _, milestone := range milestones {
			rows = append(rows, milestoneRow{c.organizationID, key.Columns, key.ProjectID, milestone})
		}
	}
	return database.Upsert(c.tx, rows, clause.AssignmentColumns([]string{"n"}), "")
}
