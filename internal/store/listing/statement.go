package listing

import (
	"fmt"
	"strings"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// statement builds the one statement that reads a page and its total, so both come from one snapshot (L9). Each common table
// expression may read the earlier ones, and the functions below have the same order. testdata/statements has the SQL of every
// kind of shape.
func (s shape) statement(db *gorm.DB) *gorm.DB {
	var with commonTables
	with.add("names AS", s.names(db))
	if s.Projects > 0 {
		with.add("sets AS", s.projectSets(db))
	}
	// The total and the page both read matching. The planner inlines it in each of them.
	with.add("matching AS NOT MATERIALIZED", db.Scopes(s.history, s.filters, s.artifactFilters))
	if s.readsCounter() {
		with.add("pending AS", s.pending(db))
	}
	with.add("total AS", s.total(db))
	if !s.seek {
		with.add("page AS", s.page(db))
	} else {
		with.add("target AS", s.target(db))
		if s.readsMilestones() {
			if s.readsCoarse() {
				with.add("coarse_milestones AS", s.milestones(db, true))
				with.add("stretch AS", s.stretch(db))
			}
			with.add("fine_milestones AS", s.fineMilestones(db))
			with.add("milestone AS", s.milestone(db))
		}
		with.add("anchors AS", s.anchors(db))
		with.add("anchor AS", s.anchor(db))
		s.addSide(db, &with, forward)
		s.addSide(db, &with, backward)
		with.add("page AS", db.Raw(fmt.Sprintf("SELECT * FROM forward UNION ALL SELECT * FROM backward LIMIT %d", s.pageSize)))
	}
	records := "(page JOIN deployment_records r ON r.id = page.id)"
	if s.inIndexOrder() {
		records = "page r"
	}
	// The outer join keeps the total of an empty page.
	return db.Raw("? SELECT total.n, r."+strings.Join(recordColumns, ", r.")+
		" FROM total LEFT JOIN "+records+" ON true ORDER BY r.created_at DESC, r.id DESC", with)
}

// names looks up names: it is one row with the ids of the organization, the environment, the logical environment and the project
// that the query names, or no row if one of these names is unknown (L5). In a scoped statement, the project is the scope's and an
// id of an unknown name is NULL.
func (s shape) names(db *gorm.DB) *gorm.DB {
	columns, join := "organizations.id AS organization_id", "JOIN "
	if s.scoped {
		join = "LEFT JOIN "
	}
	db = db.Model(&schema.Organization{}).Where("key = ?", organization)
	if s.Environment {
		columns += ", environments.id AS environment_id"
		db = db.Joins(join+"environments ON environments.organization_id = organizations.id AND environments.name = ?", environmentName)
	}
	if s.LogicalEnvironment {
		columns += ", logical_environments.id AS logical_environment_id"
		db = db.Joins(join+"logical_environments ON logical_environments.organization_id = organizations.id"+
			" AND logical_environments.name = ?", logicalEnvironmentName)
	}
	if s.Projects > 0 {
		columns += ", projects.id AS project_id"
		db = db.Joins(join+"projects ON projects.organization_id = organizations.id AND projects.name = ?", s.projectParameter())
	}
	return db.Select(columns)
}

// named is an id in the row of names. Qualified, a column that names lacks is an error; unqualified, it would be the outer
// query's.
func named(column string) string { return "(SELECT names." + column + " FROM names)" }

// projectSets selects the ids of the project sets that contain the scope's project and the filter's (T5, L4). It begins with the
// scope's.
func (s shape) projectSets(db *gorm.DB) *gorm.DB {
	db = db.Table("names").Select("project_set_id").Joins("JOIN project_set_members ON project_set_members.project_id = names.project_id")
	if s.Projects > 1 {
		db = db.Where("(SELECT 1 FROM project_set_members other WHERE other.project_set_id = project_set_members.project_set_id"+
			" AND other.project_id = coalesce((SELECT id FROM projects WHERE organization_id = "+named("organization_id")+" AND name = ?), 0)) = 1", projectName)
	}
	return db
}

// projectParameter is the scope's project, or the filter's if there is no project in the scope.
func (s shape) projectParameter() parameter {
	if s.scoped {
		return scopeProject
	}
	return projectName
}

// history selects the set of records: all records, or the latest record of each slot (L1).
func (s shape) history(db *gorm.DB) *gorm.DB {
	if s.Latest {
		return db.Model(&schema.CurrentSlot{}).Select("*, record_id AS id")
	}
	return db.Model(&schema.Record{}).Select("*")
}

// pending is the deltas that are not compacted into the counters yet.
func (s shape) pending(db *gorm.DB) *gorm.DB {
	db = s.filters(db.Table("list_changes").Select("created_at, record_id, n"))
	if s.Projects > 0 {
		db = db.Where("project_set_id IN (SELECT project_set_id FROM sets)")
	}
	return db.Where(fmt.Sprintf("latest = %t", s.Latest))
}

// total is the number of matching records: counters and pending deltas, or a count of the records.
func (s shape) total(db *gorm.DB) *gorm.DB {
	if !s.readsCounter() {
		return db.Table(s.matchingRecords()).Select("count(*) AS n")
	}
	counters := db.Table("list_totals").Select("n").Scopes(s.counters).Where(fmt.Sprintf("latest = %t", s.Latest))
	if s.Projects == 0 {
		counters = counters.Where("project_set_id = 0")
	} else { // one look-up for each set, so that the work does not show other sets (T5)
		counters = db.Table("sets").Select("sum((?))", counters.Where("list_totals.project_set_id = sets.project_set_id"))
	}
	return db.Raw("SELECT CAST(coalesce((?), 0) + coalesce((SELECT sum(n) FROM pending), 0) AS bigint) AS n", counters)
}

// counters narrows totals and milestones to those of the filters. The deployment name is bound even without a filter. If the
// text had an empty literal, which most rows match, PostgreSQL would sort the milestones instead of reading them in index
// order.
func (s shape) counters(db *gorm.DB) *gorm.DB {
	environmentID, logicalEnvironmentID := "'"+counts.AnyID+"'", "'"+counts.AnyID+"'"
	if s.Environment {
		environmentID = named("environment_id")
	}
	if s.LogicalEnvironment {
		logicalEnvironmentID = named("logical_environment_id")
	}
	return db.Where("organization_id = "+named("organization_id")).
		Where("environment_id = "+environmentID).Where("logical_environment_id = "+logicalEnvironmentID).
		Where(fmt.Sprintf("status = %d", s.statusValue)).Where(fmt.Sprintf("kind = %d", s.kindValue)).
		Where("deployment_name = ?", deploymentName)
}

// page is the first page. If the total is zero it reads nothing: no index covers every combination of filters, so finding
// nothing could mean reading everything.
func (s shape) page(db *gorm.DB) *gorm.DB {
	return s.read(db, window{
		columns: s.pageColumns(), condition: "(SELECT n FROM total) > 0", order: newestFirst, limit: fmt.Sprint(s.pageSize), offset: "0",
	})
}

// target is the ranks of the page's records, from low (inclusive) to high (exclusive). A rank is the number of older matching
// records.
func (s shape) target(db *gorm.DB) *gorm.DB {
	return db.Table("total").Select(s.portable(fmt.Sprintf("greatest(n - ?, 0) AS high, greatest(n - ? - %d, 0) AS low", s.pageSize)), offset, offset)
}

// milestones is the milestones of the listing on a level. n counts the compacted records to the next one, upto those before the next.
func (s shape) milestones(db *gorm.DB, coarse bool) *gorm.DB {
	db = db.Table("milestones").Scopes(s.counters).Where(fmt.Sprintf("coarse = %t", coarse)).
		Select("created_at, record_id AS id, n, sum(n) OVER (ORDER BY created_at, record_id ROWS UNBOUNDED PRECEDING) AS upto")
	if s.Projects > 0 {
		return db.Where("project_id = " + named("project_id"))
	}
	return db.Where("project_id = 0")
}

// stretch is the last coarse milestone before high, and the number of compacted records before it.
func (s shape) stretch(db *gorm.DB) *gorm.DB {
	return db.Table("coarse_milestones").Scopes(s.farFromEnds).Where("upto >= (SELECT high FROM target)").
		Select("created_at, id, upto - n AS before").Order("created_at, id LIMIT 1")
}

// farFromEnds narrows milestones to none for a page within an interval of either end: the end itself is the anchor.
func (s shape) farFromEnds(db *gorm.DB) *gorm.DB {
	return db.Where(fmt.Sprintf("(SELECT high FROM target) > %d", s.milestoneInterval)).
		Where(fmt.Sprintf("(SELECT total.n - target.high FROM total, target) > %d", s.milestoneInterval))
}

// fineMilestones is the fine milestones from stretch on.
func (s shape) fineMilestones(db *gorm.DB) *gorm.DB {
	fine := s.milestones(db, false)
	if s.readsCoarse() {
		return fine.Where("(created_at, record_id) >= (SELECT created_at, id FROM stretch)")
	}
	return fine.Scopes(s.farFromEnds)
}

// milestone is the milestone nearest to high, and its rank: the first whose range has its middle at or after high, where the
// running sum stops.
func (s shape) milestone(db *gorm.DB) *gorm.DB {
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
func (s shape) anchors(db *gorm.DB) *gorm.DB {
	anchors := "SELECT CAST(0 AS bigint) AS rank, " + s.position(counts.Beginning) + " UNION ALL SELECT n, " + s.position(counts.End) + " FROM total"
	if s.readsMilestones() {
		anchors += " UNION ALL SELECT rank, created_at, id FROM milestone"
	}
	return db.Raw(anchors)
}

// anchor is the anchor nearest to the target, and how many records the page skips and reads from there, forward in time
// and backward. The choice decides what a page costs and never its records: every rank is exact.
func (s shape) anchor(db *gorm.DB) *gorm.DB {
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
func (s shape) addSide(db *gorm.DB, with *commonTables, d direction) {
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

// matchingRecords is matching, or its records in the project sets.
func (s shape) matchingRecords() string {
	switch {
	case s.Projects == 0:
		return "matching"
	case s.scoped && s.dialect == database.PostgreSQL: // the planner does not merge the subquery with the statement
		return "sets CROSS JOIN LATERAL (SELECT id FROM matching WHERE matching.project_set_id = sets.project_set_id OFFSET 0) AS of_set"
	case s.scoped: // SQLite keeps the order of the tables
		return "sets CROSS JOIN matching ON matching.project_set_id = sets.project_set_id"
	default:
		return "sets JOIN matching ON matching.project_set_id = sets.project_set_id"
	}
}

// read reads a window. In PostgreSQL, each project set yields as many records as the window may have of it, in the
// order of its index. SQLite has no LATERAL and sorts the records of all sets.
func (s shape) read(db *gorm.DB, w window) *gorm.DB {
	order := w.order + " LIMIT " + w.limit + " OFFSET " + w.offset
	if s.Projects == 0 || s.dialect == database.SQLite {
		return db.Table(s.matchingRecords()).Select(w.columns).Where(w.condition).Order(order)
	}
	ofSet := db.Table("matching").Select(w.columns).Where("matching.project_set_id = sets.project_set_id").Where(w.condition).
		Order(fmt.Sprintf("%s LIMIT CASE WHEN %[2]s > 0 THEN %[2]s + %[3]s ELSE 0 END", w.order, w.limit, w.offset))
	return db.Table("sets CROSS JOIN LATERAL (?) AS of_set", ofSet).Select(w.columns).Order(order)
}
