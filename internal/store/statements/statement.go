package statements

import (
	"fmt"
	"strings"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// statement builds the one statement that reads a page and its total, so both come from one snapshot (L9). Each common table
// expression may read the earlier ones, and the functions below have the same order. testdata has the SQL of every kind of shape.
func (s Shape) statement(db *gorm.DB) *gorm.DB {
	var with commonTables
	with.add("names AS", s.names(db))
	if s.Projects > 0 {
		with.add("sets AS", s.projectSets(db))
	}
	// The total and the page both read matching. The planner inlines it in each of them.
	if s.ReadsArtifacts() {
		with.add("artifact_ids AS", s.artifactIDs(db))
		with.add("counted AS", s.counted(db))
		with.add("matching AS NOT MATERIALIZED", db.Scopes(s.history))
	} else {
		with.add("matching AS NOT MATERIALIZED", db.Scopes(s.history, s.filters, s.artifactFilters))
	}
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
	switch {
	case s.inIndexOrder():
		records = "page r"
	case s.ReadsArtifacts():
		// A record that refers to another organization's artifact, which no writer stores, is not theirs. The plus sign keeps SQLite
		// from reading all records of the organization by another index.
		records = "(page JOIN deployment_records r ON r.id = page.id AND +r.organization_id = " + named("organization_id") + ")"
	}
	// The outer join keeps the total of an empty page.
	return db.Raw("? SELECT total.n, r."+strings.Join(recordColumns, ", r.")+
		" FROM total LEFT JOIN "+records+" ON true ORDER BY r.created_at DESC, r.id DESC", with)
}

// names looks up names: it is one row with the ids of the organization, the environment, the logical environment and the project
// that the query names, or no row if one of these names is unknown (L5). In a scoped statement, the project is the scope's and an
// id of an unknown name is NULL.
func (s Shape) names(db *gorm.DB) *gorm.DB {
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
func (s Shape) projectSets(db *gorm.DB) *gorm.DB {
	db = db.Table("names").Select("project_set_id").Joins("JOIN project_set_members ON project_set_members.project_id = names.project_id")
	if s.Projects > 1 {
		db = db.Where("(SELECT 1 FROM project_set_members other WHERE other.project_set_id = project_set_members.project_set_id"+
			" AND other.project_id = coalesce((SELECT id FROM projects WHERE organization_id = "+named("organization_id")+" AND name = ?), 0)) = 1", projectName)
	}
	return db
}

// projectParameter is the scope's project, or the filter's if there is no project in the scope.
func (s Shape) projectParameter() parameter {
	if s.scoped {
		return scopeProject
	}
	return projectName
}

// history selects the set of records: all records, or the latest record of each slot (L1).
func (s Shape) history(db *gorm.DB) *gorm.DB {
	if s.Latest {
		return db.Model(&schema.CurrentSlot{}).Select("*, record_id AS id")
	}
	return db.Model(&schema.Record{}).Select("*")
}

// pending is the deltas that are not compacted into the counters yet.
func (s Shape) pending(db *gorm.DB) *gorm.DB {
	if s.ReadsArtifacts() {
		return s.pendingOfArtifacts(db)
	}
	db = s.filters(db.Table("list_changes").Select("created_at, record_id, n"))
	if s.Projects > 0 {
		db = db.Where("project_set_id IN (SELECT project_set_id FROM sets)")
	}
	return db.Where(fmt.Sprintf("latest = %t", s.Latest))
}

// total is the number of matching records: counters and pending deltas, or a count of the records.
func (s Shape) total(db *gorm.DB) *gorm.DB {
	if !s.readsCounter() {
		return db.Table(s.matchingRecords()).Select("count(*) AS n")
	}
	if s.ReadsArtifacts() {
		return s.totalOfArtifacts(db)
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
func (s Shape) counters(db *gorm.DB) *gorm.DB {
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
func (s Shape) page(db *gorm.DB) *gorm.DB {
	return s.read(db, window{
		columns: s.pageColumns(), condition: "(SELECT n FROM total) > 0", order: newestFirst, limit: fmt.Sprint(s.pageSize), offset: "0",
	})
}
