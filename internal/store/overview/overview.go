package overview

import (
	"context"
	"fmt"
	"strings"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/listing"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// overview follows the common tables of listing.Select. Its rows are the columns of the matrix, its deployment names, then its
// groups, each with the totals. {columns} is the table of the columns and {column_id} the record's column for its ids.
const overview = `, counted AS (SELECT deployment_name, count(*) AS n FROM matching GROUP BY deployment_name)
, pages AS (SELECT deployment_name FROM counted ORDER BY deployment_name{bytes} LIMIT {size} OFFSET ?)
, filled AS (SELECT DISTINCT column_id FROM matching)
, visible AS (SELECT c.id, c.name, f.column_id IS NULL AS is_empty
FROM {columns} c LEFT JOIN filled f ON f.column_id = c.id WHERE c.organization_id = (SELECT id FROM organization){visible})
, shown AS (SELECT id, name FROM visible ORDER BY is_empty, name{bytes} LIMIT {column_size} OFFSET {column_offset})
, groups AS (SELECT deployment_name, column_id, artifact_id, status, count(*) AS n, max(created_at) AS newest
FROM matching WHERE deployment_name IN (SELECT deployment_name FROM pages) AND (column_id IS NULL OR column_id IN (SELECT id FROM shown))
GROUP BY deployment_name, column_id, artifact_id, status)
, ranked AS (SELECT g.deployment_name, g.column_id, a.kind, a.name, a.version, a.digest, g.status, g.n, g.newest,
count(*) OVER (PARTITION BY g.deployment_name, g.column_id, a.kind) AS versions,
row_number() OVER (PARTITION BY g.deployment_name, g.column_id, a.kind ORDER BY CASE g.status WHEN {deployed} THEN 0 ELSE 1 END,
  g.newest DESC, a.digest{bytes}, a.version{bytes}, a.name{bytes}, g.status) AS position
FROM groups g JOIN artifacts a ON a.id = g.artifact_id)
, totals AS (SELECT count(*) AS deployments, CAST(coalesce(sum(n), 0) AS bigint) AS records, (SELECT count(*) FROM visible) AS columns FROM counted)
, lines AS (
SELECT 0 AS line, name AS column_name, '' AS deployment_name, 0 AS kind, '' AS name, '' AS version, '' AS digest, 0 AS status, CAST(0 AS bigint) AS n, {no_time} AS newest, CAST(0 AS bigint) AS versions
FROM shown
UNION ALL
SELECT 1, '', deployment_name, 0, '', '', '', 0, 0, {no_time}, 0 FROM pages
UNION ALL
SELECT 2, coalesce(c.name, ''), g.deployment_name, g.kind, g.name, g.version, g.digest, g.status, g.n, g.newest, g.versions
FROM ranked g LEFT JOIN shown c ON c.id = g.column_id WHERE g.position <= {max_versions}
UNION ALL
SELECT 3, '', '', 0, '', '', '', 0, 0, {no_time}, 0)
SELECT totals.columns, totals.deployments, totals.records, line, column_name, deployment_name, kind, name, version, digest, status, n, newest, versions
FROM totals CROSS JOIN lines
ORDER BY line, deployment_name{bytes}, column_name{bytes}, kind, newest DESC, digest{bytes}, version{bytes}, name{bytes}, status`

// The conditions that narrow the columns to those that the scope may see: with a record of the organization, or with a matching
// record or a slot whose latest record is of the scope's project.
const (
	ofOrganization = ` AND EXISTS (SELECT 1 FROM deployment_records r WHERE r.organization_id = c.organization_id AND r.{column_id} = c.id)`
	ofProject      = ` AND (f.column_id IS NOT NULL OR EXISTS (SELECT 1 FROM current_slots s
WHERE s.organization_id = c.organization_id AND s.{column_id} = c.id AND s.project_set_id IN (SELECT project_set_id FROM scope_sets)))`
)

// groupings are the parts of the statement that depend on the grouping.
var groupings = map[deployments.Grouping]struct{ table, id string }{
	deployments.ByLogicalEnvironment: {schema.LogicalEnvironments, "logical_environment_id"},
	deployments.ByEnvironment:        {schema.Environments, "environment_id"},
}

// Overview implements deployments.Store.
func (r *Reader) Overview(ctx context.Context, scope deployments.Scope, query deployments.Query, columns deployments.Columns) (deployments.Overview, error) {
	by := groupings[columns.Grouping]
	visible := ofOrganization
	if scope.Project != "" {
		visible = ofProject
	}
	bytes, noTime := ` COLLATE "C"`, "CAST(NULL AS timestamptz)"
	if r.db.Dialect == database.SQLite {
		bytes, noTime = "", "NULL"
	}
	text := strings.NewReplacer("{columns}", by.table, "{column_id}", by.id, "{bytes}", bytes, "{no_time}", noTime,
		"{size}", fmt.Sprint(query.Page.Size), "{column_size}", fmt.Sprint(columns.Page.Size),
		"{deployed}", fmt.Sprint(int(deployments.Deployed)), "{max_versions}", fmt.Sprint(deployments.MaxVersions)).Replace(strings.Replace(overview, "{visible}", visible, 1))
	text, values, err := listing.Select(r.db, scope, query, "deployment_name, "+by.id+" AS column_id, artifact_id, status, created_at", text)
	if err != nil {
		return deployments.Overview{}, err
	}
	text, values = r.bindLast(text, "{column_offset}", values, columns.Page.Offset())
	return read(ctx, r, scope.Organization, statement[deployments.Overview]{text, values, scanOverview})
}

// scanOverview scans the rows of an overview.
func scanOverview(o *deployments.Overview) (destinations []any, add func()) {
	var (
		line     int
		group    deployments.Group
		newest   database.Timestamp
		versions int64
	)
	destinations = []any{
		&o.TotalColumns, &o.Deployments, &o.Records, &line, &group.Column, &group.DeploymentName, &group.Artifact.Kind, &group.Artifact.Name,
		&group.Artifact.Version, &group.Artifact.Digest, &group.Status, &group.Records, &newest, &versions,
	}
	return destinations, func() {
		switch line {
		case 0:
			o.Columns = append(o.Columns, group.Column)
		case 1:
			o.DeploymentNames = append(o.DeploymentNames, group.DeploymentName)
		case 2:
			group.Newest, group.Omitted = newest.Time, max(0, versions-deployments.MaxVersions)
			o.Groups = append(o.Groups, group)
		}
	}
}
