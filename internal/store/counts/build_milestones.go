package counts

import (
	"database/sql"
	"slices"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/database"
)

const (
	// selectLongProjects selects the long lists by a project that get milestones (Filters.HasMilestones).
	selectLongProjects = `SELECT m.project_id, ` + projectColumns + `, CAST(sum(t.n) AS bigint) AS n
FROM list_totals t JOIN project_set_members m ON m.project_set_id = t.project_set_id
WHERE t.organization_id = ? AND t.latest = false AND t.project_set_id > 0
GROUP BY m.project_id, ` + projectColumns + ` HAVING sum(t.n) > ?`
	projectColumns = "t.environment_id, t.logical_environment_id, t.deployment_name, t.status, t.kind"

	// selectAllRecords reads records and pending deltas in one statement, and so from one snapshot.
	selectAllRecords = `SELECT false AS pending, ` + selectMembers + ` AS members, false AS latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, id AS record_id, CAST(1 AS smallint) AS n
FROM deployment_records WHERE organization_id = ?
UNION ALL
SELECT true, ` + selectMembers + `, false, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n
FROM list_changes WHERE organization_id = ? AND NOT latest
ORDER BY created_at, record_id`

	// selectRange numbers the records of a part of a list, and selects every n-th with the number of records before it. The
	// counters lack the pending deltas, so these are subtracted. One statement reads both, and so from one snapshot.
	selectRange = `WITH part AS (?), pending AS (?),
whole AS (SELECT (SELECT count(*) FROM part) - (SELECT coalesce(sum(n), 0) FROM pending) AS n)
SELECT whole.n, part.created_at, part.record_id,
  part.before - (SELECT coalesce(sum(n), 0) FROM pending p WHERE (p.created_at, p.record_id) < (part.created_at, part.record_id))
FROM whole LEFT JOIN part ON part.before > 0 AND part.before % ? = 0 ORDER BY part.before`
)

// onePass is the threshold for building milestones in one pass through all records: the lists to build have together more
// than onePass times as many records. Otherwise, reading each list is faster, because the database counts a record in a
// fraction of the time of sending it.
const onePass = 5

// BuildMilestones builds the milestones of lists that have become long, and splits ranges that have. It reads all counters.
func (c *Compaction) BuildMilestones() error {
	if err := c.readMilestones(Beginning); err != nil {
		return err
	}
	if err := c.buildLongLists(); err != nil {
		return err
	}
	return c.SplitMilestones()
}

// SplitMilestones splits the ranges that have become long, of those that were read.
func (c *Compaction) SplitMilestones() error {
	for key, milestones := range c.milestones {
		interval := intervalOf(c.lengths[key], c.milestoneInterval)
		for i, milestone := range slices.Backward(milestones) {
			if milestone.N <= 2*interval {
				continue
			}
			built, err := c.buildRange(key, milestone.Position, milestones.end(i), interval)
			if err != nil {
				return err
			}
			milestones = slices.Replace(milestones, i, i+1, built...)
		}
		c.milestones[key] = milestones
	}
	return nil
}

// buildLongLists builds the milestones of long lists that have none.
func (c *Compaction) buildLongLists() error {
	long, records, err := c.longLists()
	if err != nil {
		return err
	}
	var listed int64
	for _, n := range long {
		listed += n
	}
	if listed > onePass*records {
		return c.buildAll(long)
	}
	for key, n := range long {
		if c.milestones[key], err = c.buildRange(key, Beginning, End, intervalOf(n, c.milestoneInterval)); err != nil {
			return err
		}
		c.lengths[key] = n
	}
	return nil
}

// longLists returns the sizes of the lists that need milestones and have none, and the number of all records.
func (c *Compaction) longLists() (lists map[Key]int64, records int64, err error) {
	var totals []total
	err = c.tx.Where("organization_id = ? AND NOT latest AND n > ?", c.organizationID, 2*c.milestoneInterval).Find(&totals).Error
	if err != nil {
		return nil, 0, err
	}
	var projects []struct {
		ProjectID, N int64
		Columns
	}
	err = c.tx.Raw(selectLongProjects, c.organizationID, 2*c.milestoneInterval).Scan(&projects).Error
	lists = make(map[Key]int64)
	for _, total := range totals {
		key := Key{Dimensions: total.Dimensions}
		if key == allKey(false) {
			records = total.N
		}
		if key.hasMilestones() && c.milestones[key] == nil {
			lists[key] = total.N
		}
	}
	for _, project := range projects {
		key := Key{Dimensions: Dimensions{Columns: project.Columns}, ProjectID: project.ProjectID}
		if c.milestones[key] == nil {
			lists[key] = project.N
		}
	}
	return lists, records, err
}

// buildAll builds the milestones of whole lists in one pass through all records.
func (c *Compaction) buildAll(lists map[Key]int64) error {
	unbuilt := make(map[Key]Milestones)
	for key := range lists {
		unbuilt[key] = Milestones{{Position: Beginning}}
	}
	sums := NewAggregator(unbuilt, Beginning)
	for key, r := range sums.ranges {
		r.interval = intervalOf(lists[key], c.milestoneInterval)
	}
	var pending []Delta
	err := database.ForEachRow(c.tx.Raw(selectAllRecords, c.organizationID, c.organizationID), func(rows *sql.Rows) error {
		var isPending bool
		var members string
		delta, err := ScanDelta(rows, &isPending, &members)
		sums.AddSet(delta.ProjectSetID, members)
		if isPending {
			delta.N = -delta.N
			pending = append(pending, delta)
			return err
		}
		sums.forEachList(delta, func(r *ranges) { r.grow(delta.Position) })
		return err
	})
	if err != nil {
		return err
	}
	// Milestones are at records, so the range of a delta is known only when all of them are set.
	for _, delta := range pending {
		sums.forEachList(delta, func(r *ranges) { r.add(delta) })
	}
	built := make(map[Key]Milestones, len(sums.ranges))
	for key, r := range sums.ranges {
		for i, n := range r.sums {
			r.milestones[i].N = n
		}
		c.milestones[key], built[key] = r.milestones, r.milestones
		c.lengths[key] = lists[key]
	}
	return c.saveMilestones(built)
}

// buildRange builds the milestones of a part of a list by its records. The first is at the part's beginning, and may exist.
func (c *Compaction) buildRange(key Key, from, to Position, interval int64) (Milestones, error) {
	part := c.tx.Table("deployment_records").Scopes(c.inRange(key, from, to, "id")).
		Select("created_at, id AS record_id, row_number() OVER (ORDER BY created_at, id) - 1 AS before")
	pending := c.tx.Table("list_changes").Where("NOT latest").Scopes(c.inRange(key, from, to, "record_id")).
		Select("created_at, record_id, n")
	built := Milestones{{Position: from}}
	var counted, whole int64 // before the last milestone, and in the whole part
	err := database.ForEachRow(c.tx.Raw(selectRange, part, pending, interval), func(rows *sql.Rows) error {
		var recordID sql.Null[string]
		var createdAt database.Timestamp
		var before sql.Null[int64]
		if err := rows.Scan(&whole, &createdAt, &recordID, &before); err != nil || !recordID.Valid {
			return err // without a record, the part is too short for a second milestone
		}
		built[len(built)-1].N = before.V - counted
		counted = before.V
		built = append(built, Milestone{Position: Position{createdAt, recordID.V}})
		return nil
	})
	if err != nil {
		return nil, err
	}
	built[len(built)-1].N = whole - counted
	return built, c.saveMilestones(map[Key]Milestones{key: built})
}

// inRange is a scope: the rows of a list from one position to before another. id is the column of the record's id.
func (c *Compaction) inRange(key Key, from, to Position, id string) func(*gorm.DB) *gorm.DB {
	return func(tx *gorm.DB) *gorm.DB {
		tx = tx.Where("organization_id = ?", c.organizationID)
		for _, condition := range key.Conditions() {
			tx = tx.Where(condition.Column+" = ?", condition.Value)
		}
		if key.ProjectID != 0 {
			tx = tx.Where("project_set_id > 0 AND project_set_id IN (SELECT project_set_id FROM project_set_members WHERE project_id = ?)", key.ProjectID)
		}
		return tx.Where("(created_at, "+id+") >= (?, ?) AND (created_at, "+id+") < (?, ?)",
			from.CreatedAt, from.RecordID, to.CreatedAt, to.RecordID)
	}
}
