package statements

import (
	"fmt"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

// target is the ranks of the page's records, from low (inclusive) to high (exclusive), and the total. A rank is the number of older
// matching records.
func (s Shape) target(db *gorm.DB) *gorm.DB {
	return db.Table("total").Select(s.portable(fmt.Sprintf("n, greatest(n - ?, 0) AS high, greatest(n - ? - %d, 0) AS low", s.pageSize)), offset, offset)
}

// milestones is the milestones of the listing on a level. n counts the compacted records to the next one, upto those before the next.
func (s Shape) milestones(db *gorm.DB, coarse bool) *gorm.DB {
	db = db.Table("list_positions").Scopes(s.counters).Where(fmt.Sprintf("coarse = %t", coarse)).
		Select("created_at, record_id AS id, n, sum(n) OVER (ORDER BY created_at, record_id ROWS UNBOUNDED PRECEDING) AS upto")
	projectID, artifactID := "0", "'"+counts.AnyID+"'"
	if s.Projects > 0 {
		projectID = named("project_id")
	}
	if s.ReadsArtifacts() {
		artifactID = onlyArtifact
	}
	return db.Where("project_id = " + projectID).Where("artifact_id = " + artifactID)
}

// stretch is the last coarse milestone before high, and the number of compacted records before it.
func (s Shape) stretch(db *gorm.DB) *gorm.DB {
	return db.Table("coarse_milestones").Scopes(s.farFromEnds).Where("upto >= (SELECT high FROM target)").
		Select("created_at, id, upto - n AS before").Order("created_at, id LIMIT 1")
}

// farFromEnds narrows milestones to none for a page within an interval of either end: the end itself is the anchor.
func (s Shape) farFromEnds(db *gorm.DB) *gorm.DB {
	return db.Where(fmt.Sprintf("(SELECT high > %d AND n - high > %[1]d FROM target)", s.milestoneInterval))
}

// fineMilestones is the fine milestones from stretch on.
func (s Shape) fineMilestones(db *gorm.DB) *gorm.DB {
	fine := s.milestones(db, false)
	if s.readsCoarse() {
		return fine.Where("(created_at, record_id) >= (SELECT created_at, id FROM stretch)")
	}
	return fine.Scopes(s.farFromEnds)
}

// milestone is the milestone nearest to high, and its rank: the first whose range has its middle at or after high, where the
// running sum stops.
func (s Shape) milestone(db *gorm.DB) *gorm.DB {
	before := "0"
	if s.readsCoarse() {
		before = "(SELECT before FROM stretch)"
	}
	return db.Table("fine_milestones").
		Select("created_at, id, " + before + " + upto - n + coalesce((SELECT sum(pending.n) FROM pending" +
			" WHERE (pending.created_at, pending.record_id) < (fine_milestones.created_at, fine_milestones.id)), 0) AS rank").
		Where("2 * (" + before + " + upto) - n >= 2 * (SELECT high FROM target)").
		Order("created_at, id LIMIT 1")
}

// anchors is the positions whose rank is known: the beginning, the end and the nearest milestone.
func (s Shape) anchors(db *gorm.DB) *gorm.DB {
	anchors := "SELECT CAST(0 AS bigint) AS rank, " + s.position(counts.Beginning) + " UNION ALL SELECT n, " + s.position(counts.End) + " FROM target"
	if s.readsMilestones() {
		anchors += " UNION ALL SELECT rank, created_at, id FROM milestone"
	}
	return db.Raw(anchors)
}

// anchor is the anchor nearest to the target, and how many records the page skips and reads from there, forward in time
// and backward. The choice decides what a page costs and never its records: every rank is exact.
func (s Shape) anchor(db *gorm.DB) *gorm.DB {
	return db.Table("anchors, target").
		Select(s.portable("created_at, id" +
			", greatest(rank, low) - rank AS forward_skip, greatest(high - greatest(rank, low), 0) AS forward_rows" +
			", rank - least(rank, high) AS backward_skip, greatest(least(rank, high) - low, 0) AS backward_rows")).
		Order("abs(rank - high) LIMIT 1")
}

// direction is a side of the anchor, on which the page has records.
type direction struct{ name, fromAnchor, fromStart, order string }

// A record at the anchor itself is on the forward side.
var (
	forward  = direction{name: "forward", fromAnchor: ">=", fromStart: ">=", order: oldestFirst}
	backward = direction{name: "backward", fromAnchor: "<", fromStart: "<=", order: newestFirst}
)

// addSide adds the page's records in a direction. Where one index has the order of the listing, it skips in the index
// alone, up to the first record of the page, and reads whole records from there.
func (s Shape) addSide(db *gorm.DB, with *commonTables, d direction) {
	side := window{
		columns:   s.pageColumns(),
		condition: "(created_at, id) " + d.fromAnchor + " (SELECT created_at, id FROM anchor)",
		order:     d.order,
		limit:     "(SELECT " + d.name + "_rows FROM anchor)",
		offset:    "(SELECT " + d.name + "_skip FROM anchor)",
	}
	if s.inIndexOrder() {
		start := side
		start.columns, start.limit = "id, created_at", "1"
		with.add(d.name+"_start AS", s.read(db, start))
		side.condition = "(created_at, id) " + d.fromStart + " (SELECT created_at, id FROM " + d.name + "_start)"
		side.offset = "0"
	}
	with.add(d.name+" AS", s.read(db, side))
}

// window is some columns of the matching records that meet a condition, after an offset and up to a limit. GORM would
// bind limits and offsets, and PostgreSQL would not know that a page is small.
type window struct{ columns, condition, order, limit, offset string }

const (
	newestFirst = "created_at DESC, id DESC" // L6
	oldestFirst = "created_at, id"
)

// parts is the common table of the project sets or artifacts whose records the listing has, and their column; "" if matching has them.
func (s Shape) parts() (table, column string) {
	switch {
	case s.Projects > 0:
		return "sets", "project_set_id"
	case s.ReadsArtifacts():
		return "artifact_ids", "artifact_id"
	default:
		return "", ""
	}
}

// matchingRecords is matching, or its records in the parts.
func (s Shape) matchingRecords() string {
	parts, column := s.parts()
	switch {
	case parts == "":
		return "matching"
	case s.scoped && s.dialect == database.PostgreSQL: // the planner does not merge the subquery with the statement
		return "sets CROSS JOIN LATERAL (SELECT id FROM matching WHERE matching.project_set_id = sets.project_set_id OFFSET 0) AS of_part"
	case s.scoped: // SQLite keeps the order of the tables
		return "sets CROSS JOIN matching ON matching.project_set_id = sets.project_set_id"
	default:
		return fmt.Sprintf("%s JOIN matching ON matching.%s = %[1]s.%[2]s", parts, column)
	}
}

// read reads a window. In PostgreSQL, each part yields as many records as the window may have of it, in the order of its index. SQLite
// has no LATERAL and sorts the records of all parts.
func (s Shape) read(db *gorm.DB, w window) *gorm.DB {
	parts, column := s.parts()
	order := w.order + " LIMIT " + w.limit + " OFFSET " + w.offset
	if parts == "" || s.dialect == database.SQLite {
		return db.Table(s.matchingRecords()).Select(w.columns).Where(w.condition).Order(order)
	}
	ofPart := db.Table("matching").Select(w.columns).Where(fmt.Sprintf("matching.%s = %s.%[1]s", column, parts)).Where(w.condition).
		Order(fmt.Sprintf("%s LIMIT CASE WHEN %[2]s > 0 THEN %[2]s + %[3]s ELSE 0 END", w.order, w.limit, w.offset))
	return db.Table(parts+" CROSS JOIN LATERAL (?) AS of_part", ofPart).Select(w.columns).Order(order)
}
