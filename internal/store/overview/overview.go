package overview

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
	"github.com/deployrecords/deployrecords/internal/store/statements"
)

// The kinds of rows of an overview.
const (
	totalsRow = iota
	columnRow
	deploymentNameRow
	groupRow
)

// statement follows the common tables of statements.Select. It has a row with the totals, and rows for the columns of the matrix, its
// deployment names and its groups. {columns} is the table of the columns and {column_id} the record's column for its ids. Groups
// have ids, since joining the names of artifacts takes longer than the rest of the statement. Columns with a matching record are found
// only if they do not fit on a page.
const statement = `, counted AS (SELECT deployment_name, count(*) AS n FROM matching GROUP BY deployment_name)
, pages AS (SELECT deployment_name FROM counted ORDER BY deployment_name{bytes} LIMIT {size} OFFSET ?)
, visible AS (SELECT c.id, c.name FROM {columns} c WHERE c.organization_id = (SELECT id FROM organization) AND {visible})
, filled AS (SELECT DISTINCT column_id FROM matching WHERE (SELECT count(*) FROM visible) > {column_size})
, shown AS (SELECT id, name FROM visible
ORDER BY CASE WHEN id IN (SELECT column_id FROM filled) THEN 0 ELSE 1 END, name{bytes} LIMIT {column_size} OFFSET {column_offset})
, groups AS (SELECT deployment_name, column_id, artifact_id, kind, status, count(*) AS n, max(created_at) AS newest
FROM matching WHERE deployment_name IN (SELECT deployment_name FROM pages) AND (column_id IS NULL OR column_id IN (SELECT id FROM shown))
GROUP BY deployment_name, column_id, artifact_id, kind, status)
, ranked AS (SELECT groups.*, count(*) OVER (PARTITION BY deployment_name, column_id, kind) AS versions,
row_number() OVER (PARTITION BY deployment_name, column_id, kind
  ORDER BY CASE status WHEN {deployed} THEN 0 ELSE 1 END, newest DESC, artifact_id, status) AS position
FROM groups)
SELECT {totals_row} AS line, (SELECT count(*) FROM visible) AS columns, (SELECT count(*) FROM counted) AS deployments,
CAST((SELECT coalesce(sum(n), 0) FROM counted) AS bigint) AS n, '' AS name, '' AS column_id, '' AS artifact_id, 0 AS status, {no_time} AS newest
UNION ALL
SELECT {column_row}, 0, 0, 0, name, '', '', 0, {no_time} FROM shown
UNION ALL
SELECT {deployment_name_row}, 0, 0, 0, deployment_name, '', '', 0, {no_time} FROM pages
UNION ALL
SELECT {group_row}, versions, 0, n, deployment_name, coalesce(CAST(column_id AS text), ''), CAST(artifact_id AS text), status, newest
FROM ranked WHERE position <= {max_versions}`

// The conditions that narrow the columns to those that the scope may see: with a record of the organization, or with a matching
// record or a slot whose latest record is of the scope's project.
const (
	ofOrganization = `EXISTS (SELECT 1 FROM deployment_records r WHERE r.organization_id = c.organization_id AND r.{column_id} = c.id)`
	ofProject      = `(c.id IN (SELECT column_id FROM matching) OR EXISTS (SELECT 1 FROM current_slots s
WHERE s.organization_id = c.organization_id AND s.{column_id} = c.id AND s.project_set_id IN (SELECT project_set_id FROM scope_sets)))`
)

// groupings are the parts of the statement that depend on the grouping, and the fields of a record for its column.
var groupings = map[deployments.Grouping]struct {
	table, id string
	fields    func(*deployments.Record) (id, name *string)
}{
	deployments.ByLogicalEnvironment: {
		schema.LogicalEnvironments, "logical_environment_id",
		func(r *deployments.Record) (id, name *string) {
			return &r.LogicalEnvironmentID, &r.LogicalEnvironmentName
		},
	},
	deployments.ByEnvironment: {
		schema.Environments, "environment_id",
		func(r *deployments.Record) (id, name *string) { return &r.EnvironmentID, &r.EnvironmentName },
	},
}

// Overview implements deployments.Store.
func (r *Reader) Overview(ctx context.Context, scope deployments.Scope, query deployments.Query, columns deployments.Columns) (deployments.Overview, error) {
	text, values, err := r.overview(scope, query, columns)
	if err != nil {
		return deployments.Overview{}, err
	}
	return read(ctx, r, scope.Organization, func(tx *gorm.DB) (deployments.Overview, error) {
		overview, records, err := scanOverview(ctx, tx, text, values, columns.Grouping)
		if err == nil {
			err = r.options.Names.Complete(ctx, tx, scope.Organization, records)
		}
		if err != nil {
			return deployments.Overview{}, err
		}
		arrange(&overview, records, columns.Grouping)
		return overview, nil
	})
}

// overview returns the text and the values of the statement of an overview.
func (r *Reader) overview(scope deployments.Scope, query deployments.Query, columns deployments.Columns) (text string, values []any, err error) {
	by := groupings[columns.Grouping]
	visible := ofOrganization
	if scope.Project != "" {
		visible = ofProject
	}
	bytes, noTime := ` COLLATE "C"`, "CAST(NULL AS timestamptz)"
	if r.db.Dialect == database.SQLite {
		bytes, noTime = "", "NULL"
	}
	text = strings.NewReplacer("{columns}", by.table, "{column_id}", by.id, "{bytes}", bytes, "{no_time}", noTime,
		"{totals_row}", fmt.Sprint(totalsRow), "{column_row}", fmt.Sprint(columnRow),
		"{deployment_name_row}", fmt.Sprint(deploymentNameRow), "{group_row}", fmt.Sprint(groupRow),
		"{size}", fmt.Sprint(query.Page.Size), "{column_size}", fmt.Sprint(columns.Page.Size),
		"{deployed}", fmt.Sprint(int(deployments.Deployed)), "{max_versions}", fmt.Sprint(deployments.MaxVersions)).Replace(strings.Replace(statement, "{visible}", visible, 1))
	text, values, err = statements.Select(r.db, scope, query, "deployment_name, "+by.id+" AS column_id, artifact_id, kind, status, created_at", text)
	if err != nil {
		return "", nil, err
	}
	text, values = r.bindLast(text, "{column_offset}", values, columns.Page.Offset())
	return text, values, nil
}

// scanOverview returns an overview without names and artifacts of its groups, and for each group a record with their ids.
func scanOverview(
	ctx context.Context, tx *gorm.DB, text string, values []any, grouping deployments.Grouping,
) (o deployments.Overview, records []deployments.Record, err error) {
	var (
		line                 int
		columns, names, n    int64
		name                 string
		columnID, artifactID string
		status               deployments.Status
		newest               database.Timestamp
	)
	destinations := []any{&line, &columns, &names, &n, &name, &columnID, &artifactID, &status, &newest}
	err = scan(ctx, tx, text, values, destinations, func() {
		switch line {
		case totalsRow:
			o.TotalColumns, o.Deployments, o.Records = columns, names, n
		case columnRow:
			o.Columns = append(o.Columns, name)
		case deploymentNameRow:
			o.DeploymentNames = append(o.DeploymentNames, name)
		case groupRow:
			record := deployments.Record{ArtifactID: artifactID}
			id, _ := groupings[grouping].fields(&record)
			*id = columnID
			records = append(records, record)
			o.Groups = append(o.Groups, deployments.Group{
				DeploymentName: name, Status: status, Records: n, Newest: newest.Time, Omitted: max(0, columns-deployments.MaxVersions),
			})
		}
	})
	return o, records, err
}

// arrange sets the columns and the artifacts of the groups to those of the records, and sorts the overview.
func arrange(o *deployments.Overview, records []deployments.Record, grouping deployments.Grouping) {
	for i := range o.Groups {
		_, column := groupings[grouping].fields(&records[i])
		o.Groups[i].Column, o.Groups[i].Artifact = *column, records[i].Artifact
	}
	slices.Sort(o.Columns)
	slices.Sort(o.DeploymentNames)
	slices.SortFunc(o.Groups, func(a, b deployments.Group) int {
		return cmp.Or(
			cmp.Compare(a.DeploymentName, b.DeploymentName), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Artifact.Kind, b.Artifact.Kind),
			b.Newest.Compare(a.Newest), cmp.Compare(a.Artifact.Digest, b.Artifact.Digest), cmp.Compare(a.Artifact.Version, b.Artifact.Version),
			cmp.Compare(a.Artifact.Name, b.Artifact.Name), cmp.Compare(a.Status, b.Status),
		)
	})
}
