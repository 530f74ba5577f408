package milestones

import (
	"database/sql"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

// selectRange numbers the records of a part of a list, and selects every n-th with the number of records before it. The
// counters lack the pending deltas, so these are subtracted. One statement reads both, and so from one snapshot.
const selectRange = `WITH part AS (?), pending AS (?),
whole AS (SELECT (SELECT count(*) FROM part) - (SELECT coalesce(sum(n), 0) FROM pending) AS n)
SELECT whole.n, part.created_at, part.record_id,
  part.before - (SELECT coalesce(sum(n), 0) FROM pending p WHERE (p.created_at, p.record_id) < (part.created_at, part.record_id))
FROM whole LEFT JOIN part ON part.before > 0 AND part.before % ? = 0 ORDER BY part.before`

// buildRange returns fine milestones of a part of a list by its records. The first is at the part's beginning, and may exist.
func (b *Builder) buildRange(key counts.Key, from, to counts.Position, interval int64) (counts.Milestones, error) {
	part := b.tx.Table("deployment_records").Scopes(b.inRange(key, from, to, "id")).
		Select("created_at, id AS record_id, row_number() OVER (ORDER BY created_at, id) - 1 AS before")
	pending := b.tx.Table("list_changes").Where("NOT latest").Scopes(b.inRange(key, from, to, "record_id")).
		Select("created_at, record_id, n")
	built := counts.Milestones{{Position: from}}
	var counted, whole int64 // before the last milestone, and in the whole part
	err := database.ForEachRow(b.tx.Raw(selectRange, part, pending, interval), func(rows *sql.Rows) error {
		var recordID sql.Null[string]
		var createdAt database.Timestamp
		var before sql.Null[int64]
		if err := rows.Scan(&whole, &createdAt, &recordID, &before); err != nil || !recordID.Valid {
			return err // without a record, the part is too short for a second milestone
		}
		built[len(built)-1].N = before.V - counted
		counted = before.V
		built = append(built, counts.Milestone{Position: counts.Position{CreatedAt: createdAt, RecordID: recordID.V}})
		return nil
	})
	built[len(built)-1].N = whole - counted
	return built, err
}

// inRange is a scope: the rows of a list from one position to before another. id is the column of the record's id.
func (b *Builder) inRange(key counts.Key, from, to counts.Position, id string) func(*gorm.DB) *gorm.DB {
	return func(tx *gorm.DB) *gorm.DB {
		tx = tx.Where("organization_id = ?", b.organizationID)
		for _, condition := range key.Conditions() {
			tx = tx.Where(condition.Column+" = ?", condition.Value)
		}
		if key.ProjectID != 0 {
			tx = tx.Where("project_set_id > 0 AND project_set_id IN (SELECT project_set_id FROM project_set_members WHERE project_id = ?)", key.ProjectID)
		}
		if key.ArtifactID != counts.AnyID {
			tx = tx.Where("artifact_id = ?", key.ArtifactID)
		}
		return tx.Where("(created_at, "+id+") >= (?, ?) AND (created_at, "+id+") < (?, ?)",
			from.CreatedAt, from.RecordID, to.CreatedAt, to.RecordID)
	}
}
