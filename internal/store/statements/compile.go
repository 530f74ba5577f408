package statements

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// parameter is a value of the scope or the query that a statement binds. A statement may bind one at several positions.
type parameter uint8

const (
	organization parameter = iota
	environmentName
	logicalEnvironmentName
	deploymentName
	artifactDigest
	projectName
	projectVersionName
	scopeProject
	offset // the only number
)

// GormValue implements gorm.Valuer: GORM writes the parameter with its type. SQLite takes a bare parameter for a value
// that it may plan by, once a table was analyzed, and would prepare the statement again for each value that is bound.
func (p parameter) GormValue(context.Context, *gorm.DB) clause.Expr {
	if p == offset {
		return clause.Expr{SQL: "CAST(? AS bigint)", Vars: []any{placeholder{p}}}
	}
	return clause.Expr{SQL: "CAST(? AS text)", Vars: []any{placeholder{p}}}
}

// placeholder stands for a parameter among the variables of a GORM statement.
type placeholder struct{ parameter parameter }

// Statement is the text of a shape's statement and its parameters in the order of the text.
type Statement struct {
	Text       string
	parameters []parameter
}

// Compile renders the statement of a shape. It takes GORM a thousand allocations, so each shape is compiled once.
func Compile(db *gorm.DB, s Shape) (*Statement, error) {
	return compileStatement(s.statement(db.Session(&gorm.Session{DryRun: true, NewDB: true})))
}

// compileStatement renders a statement of a session in dry run.
func compileStatement(rendered *gorm.DB) (*Statement, error) {
	compiled := &Statement{Text: rendered.Statement.SQL.String()}
	for _, variable := range rendered.Statement.Vars {
		compiled.parameters = append(compiled.parameters, variable.(placeholder).parameter)
	}
	return compiled, rendered.Error
}

// Bind returns the values of the statement's parameters.
func (s *Statement) Bind(scope deployments.Scope, query *deployments.Query) []any {
	texts := [...]string{
		organization:           scope.Organization,
		environmentName:        query.EnvironmentName,
		logicalEnvironmentName: query.LogicalEnvironmentName,
		deploymentName:         query.DeploymentName,
		artifactDigest:         query.ArtifactDigest,
		projectName:            query.ProjectName,
		projectVersionName:     query.ProjectVersionName,
		scopeProject:           scope.Project,
	}
	values := make([]any, len(s.parameters))
	for i, parameter := range s.parameters {
		if parameter == offset {
			values[i] = query.Page.Offset()
		} else {
			values[i] = texts[parameter]
		}
	}
	return values
}

// commonTables are the common table expressions of a statement, as an expression of GORM.
type commonTables []commonTable

type commonTable struct {
	name  string // with AS and its options
	query *gorm.DB
}

func (c *commonTables) add(name string, query *gorm.DB) { *c = append(*c, commonTable{name, query}) }

// Build implements clause.Expression.
func (c commonTables) Build(builder clause.Builder) {
	for i, table := range c {
		if i == 0 {
			_, _ = builder.WriteString("WITH ")
		} else {
			_, _ = builder.WriteString(", ")
		}
		_, _ = builder.WriteString(table.name + " (")
		builder.AddVar(builder, table.query)
		_ = builder.WriteByte(')')
	}
}
