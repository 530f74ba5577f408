package counts

import (
	"database/sql"
	"sort"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/store/database"
)

// DefaultMilestoneInterval is the shortest number of records between two new milestones. A list, and a range of one, that exceeds
// two intervals is split, so a page lies at most one interval from a milestone.
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

// End returns where the range of a milestone ends.
func (m Milestones) End(i int) Position {
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

// selectMilestones selects the milestones whose ranges may contain a time or later ones, and the number of records of their list up
// to the ends of the ranges. The windows have the order of the primary key, so that PostgreSQL need not sort.
const (
	selectMilestones = `SELECT ` + listColumns + `, created_at, record_id, n, upto FROM (
  SELECT ` + listColumns + `, created_at, record_id, n, sum(n) OVER list AS upto, lead(created_at) OVER list AS next
  FROM list_ranges WHERE organization_id = ?
  WINDOW list AS (PARTITION BY ` + listColumns + ` ORDER BY created_at, record_id ROWS UNBOUNDED PRECEDING)) AS ranges
WHERE next IS NULL OR next >= ? ORDER BY created_at, record_id`

	listColumns = "environment_id, logical_environment_id, deployment_name, status, kind, project_id"
)

// ReadMilestones returns the stored milestones of an organization, without those whose ranges end before a position, and the
// lengths of their lists without pending deltas.
func ReadMilestones(tx *gorm.DB, organizationID int64, from Position) (stored map[Key]Milestones, lengths map[Key]int64, err error) {
	stored, lengths = make(map[Key]Milestones), make(map[Key]int64)
	err = database.ForEachRow(tx.Raw(selectMilestones, organizationID, from.CreatedAt), func(rows *sql.Rows) error {
		key, milestone, upto := Key{}, Milestone{}, int64(0)
		err := rows.Scan(&key.EnvironmentID, &key.LogicalEnvironmentID, &key.DeploymentName, &key.Status, &key.Kind, &key.ProjectID,
			&milestone.CreatedAt, &milestone.RecordID, &milestone.N, &upto)
		stored[key] = append(stored[key], milestone)
		lengths[key] = upto
		return err
	})
	return stored, lengths, err
}

// SaveMilestones inserts milestones of lists, or replaces their counts.
func SaveMilestones(tx *gorm.DB, organizationID int64, lists map[Key]Milestones) error {
	var rows []milestoneRow
	for key, milestones := range lists {
		for _, milestone := range milestones {
			rows = append(rows, milestoneRow{organizationID, key.Columns, key.ProjectID, milestone})
		}
	}
	return database.Upsert(tx, rows, clause.AssignmentColumns([]string{"n"}), "")
}
