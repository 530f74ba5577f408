package statements

import (
	"context"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// Select returns the text and the values of a statement about all records that a query selects (L1 to L4, T5). The statement
// that follows may read these common tables: organization (a row with its id, or none), scope_sets (the ids of the project
// sets that contain the scope's project, if it has one), and matching (the columns of the records, which current_slots must have).
func Select(db *database.DB, scope deployments.Scope, query deployments.Query, columns, following string) (text string, values []any, err error) {
	s := NewShape(db.Dialect, 0, scope, &query)
	session := db.WithContext(context.Background()).Session(&gorm.Session{DryRun: true, NewDB: true})
	var with commonTables
	with.add("names AS", s.names(session))
	with.add("organization AS", session.Model(&schema.Organization{}).Where("key = ?", organization).Select("id"))
	if s.Projects > 0 {
		with.add("sets AS", s.projectSets(session))
	}
	if scope.Project != "" {
		with.add("scope_sets AS", session.Table("organization").Select("project_set_id").
			Joins("JOIN projects ON projects.organization_id = organization.id AND projects.name = ?", scopeProject).
			Joins("JOIN project_set_members ON project_id = projects.id"))
	}
	with.add("matching AS "+s.materialized(), session.Scopes(s.history, s.filters, s.artifactFilters, func(db *gorm.DB) *gorm.DB {
		if s.Projects > 0 {
			db = db.Where("project_set_id IN (SELECT project_set_id FROM sets)")
		}
		return db.Select(columns)
	}))
	compiled, err := compileStatement(session.Raw("? "+following, append([]any{with}, offsets(following)...)...))
	if err != nil {
		return "", nil, err
	}
	return compiled.Text, compiled.Bind(scope, &query), nil
}

// materialized returns whether the records that match are read once for a statement that has them several times. Filters by the
// columns of a record alone are tested again instead: an index may have what a part of the statement needs. SQLite would then read
// all records to group the few of a rare status or kind.
func (s Shape) materialized() string {
	rare := s.dialect == database.SQLite && s.statusValue != deployments.Deployed && (s.Status || s.Kind)
	if s.Projects > 0 || s.artifactDigest || s.projectVersion || rare {
		return "MATERIALIZED"
	}
	return "NOT MATERIALIZED"
}

// offsets is a parameter for each ? of the statement: the number of rows before the query's page.
func offsets(following string) (parameters []any) {
	for _, c := range following {
		if c == '?' {
			parameters = append(parameters, offset)
		}
	}
	return parameters
}
