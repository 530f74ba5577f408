package snapshots

import (
	"encoding/json"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

const (
	// selectOmitted compares sets: the planner cannot know how many identities a JSON value has, and EXCEPT is fast for any
	// number of them.
	selectOmitted = `WITH named AS MATERIALIZED (?), deployed AS (?)
SELECT deployment_name, kind, logical_environment_name FROM deployed
EXCEPT
SELECT deployment_name, kind, logical_environment_name FROM named WHERE logical_environment_name IS NOT NULL
EXCEPT
SELECT named.deployment_name, named.kind, logical.name
FROM named CROSS JOIN (SELECT name FROM logical_environments WHERE organization_id = ? UNION ALL SELECT '') AS logical
WHERE named.logical_environment_name IS NULL`

	selectIdentities = `SELECT n.deployment_name, n.kind,
  coalesce((SELECT l.name FROM logical_environments l WHERE l.id = n.logical_environment_id), '') AS logical_environment_name FROM `
	environmentPostgreSQL = "(SELECT CAST(@environment AS uuid) AS environment_id) AS w"
	environmentSQLite     = "(SELECT @environment AS environment_id) AS w"

	namedPostgreSQL = `SELECT value->>0 AS deployment_name, CAST(value->>1 AS smallint) AS kind, value->>2 AS logical_environment_name FROM `
	namedSQLite     = `SELECT json_extract(value, '$[0]') AS deployment_name, json_extract(value, '$[1]') AS kind, json_extract(value, '$[2]') AS logical_environment_name FROM `

	batchPostgreSQL = namedPostgreSQL + `jsonb_array_elements(CAST(? AS jsonb)) AS value`
	batchSQLite     = namedSQLite + `json_each(?)`

	whereParts      = ` WHERE p.organization_id = ? AND p.snapshot_id = ?`
	partsPostgreSQL = namedPostgreSQL + `snapshot_parts p CROSS JOIN jsonb_array_elements(p.named) AS value` + whereParts
	partsSQLite     = namedSQLite + `snapshot_parts p CROSS JOIN json_each(p.named)` + whereParts
)

// named has the identities that items name.
type named struct {
	// identities are [deployment name, kind, logical environment]; the last is null if it may be any.
	identities [][3]any
	// all reports that an item may be about any identity.
	all bool
}

const noNames = "[]"

func namedBy(items []deployments.BatchItem) named {
	n := named{identities: make([][3]any, 0, len(items))}
	for _, item := range items {
		identities, all := item.Named()
		n.all = n.all || all
		for _, i := range identities {
			n.identities = append(n.identities, [3]any{i.DeploymentName, i.Kind, i.LogicalEnvironmentName})
		}
	}
	return n
}

func (n named) json() string {
	text, err := json.Marshal(n.identities)
	if err != nil {
		panic(err) // strings and numbers always have a JSON form
	}
	return string(text)
}

// Omitted returns the identities that have DEPLOYED records in the environment, that the snapshot covers and that no part of
// it names. There are none before the final part, after the snapshot is complete, and while parts are missing.
func (s *Snapshot) Omitted(environmentID string) (map[deployments.Identity]bool, error) {
	if s.named.all || s.Part != nil && (!s.Part.IsFinal() || s.isComplete() || len(s.missing) > 0) {
		return nil, nil
	}
	var rows []struct {
		DeploymentName         string
		Kind                   deployments.Kind
		LogicalEnvironmentName string
	}
	if err := s.tx.Raw(selectOmitted, s.selectNamed(), s.selectDeployed(environmentID), s.organizationID).Scan(&rows).Error; err != nil {
		return nil, err
	}
	omitted := make(map[deployments.Identity]bool, len(rows))
	for _, r := range rows {
		omitted[deployments.Identity{
			EnvironmentName: s.EnvironmentName, LogicalEnvironmentName: r.LogicalEnvironmentName, DeploymentName: r.DeploymentName, Kind: r.Kind,
		}] = true
	}
	return omitted, nil
}

// selectNamed selects the identities that the batch or, in its final part, the snapshot names.
func (s *Snapshot) selectNamed() any {
	if s.Part == nil {
		return database.NewJSONSet(s.named.identities, batchPostgreSQL, batchSQLite)
	}
	sql := partsPostgreSQL
	if database.DialectOf(s.tx) == database.SQLite {
		sql = partsSQLite
	}
	return clause.Expr{SQL: sql, Vars: []any{s.organizationID, s.Part.SnapshotID}}
}

// selectDeployed selects the identities with DEPLOYED records that the snapshot covers.
func (s *Snapshot) selectDeployed(environmentID string) *gorm.DB {
	dialect, environment := database.DialectOf(s.tx), environmentPostgreSQL
	if dialect == database.SQLite {
		environment = environmentSQLite
	}
	deployed := clause.NamedExpr{
		SQL: selectIdentities + environment +
			dialect.Join("n.deployment_name, n.kind, n.logical_environment_id", schema.DeployedInEnvironment(dialect)),
		Vars: []any{map[string]any{"environment": environmentID, "organization": s.organizationID}},
	}
	query := s.tx.Table("(?) AS deployed", deployed).Select("deployment_name, kind, logical_environment_name")
	if name := s.Scope.LogicalEnvironmentName; name != nil {
		query = query.Where("logical_environment_name = ?", *name)
	}
	if len(s.Scope.Kinds) > 0 {
		query = query.Where("kind IN ?", s.Scope.Kinds)
	}
	if prefix := s.Scope.DeploymentNamePrefix; prefix != "" {
		query = query.Where("substr(deployment_name, 1, length(CAST(? AS text))) = ?", prefix, prefix)
	}
	return query
}
