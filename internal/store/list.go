package store

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// List implements deployments.Store. Page and total come from one statement, and so from one snapshot (L9).
func (s *Store) List(ctx context.Context, scope deployments.Scope, query deployments.Query) (deployments.Result, error) {
	text, args := listStatement(scope, query)
	rows, err := s.lists.WithContext(ctx).Raw(text, args...).Rows()
	if err != nil {
		return deployments.Result{}, databaseError(ctx, err)
	}
	defer rows.Close()
	result, err := scanResult(rows, query.Page.Size)
	return result, databaseError(ctx, err)
}

// listStatement writes the statement for a question: one text for each set of filters and page size, so that
// databases plan it once. Values are always parameters, except for the page's size, a number that the planner must
// know to see that few rows are wanted.
func listStatement(scope deployments.Scope, q deployments.Query) (string, []any) {
	w := &statement{}
	w.names(scope, q)
	w.matching(scope, q)
	w.write(`,
total AS (SELECT count(*) AS n FROM matching),
`)
	if offset := q.Page.Offset(); offset == 0 {
		w.write("page AS (" + newestFirst + " LIMIT " + strconv.Itoa(int(q.Page.Size)) + ")")
	} else {
		w.fromNearerEnd(offset, int64(q.Page.Size))
	}
	w.write(`
SELECT total.n, ` + recordColumns + `
FROM total LEFT JOIN (
  page
  JOIN deployment_records r ON r.id = page.id` + recordJoins + `
) ON true
ORDER BY page.created_at DESC, page.id DESC`)
	return w.text.String(), w.args
}

// newestFirst and oldestFirst read the matching records from either end of their order (L6).
const (
	newestFirst = "SELECT id, created_at FROM matching ORDER BY created_at DESC, id DESC"
	oldestFirst = "SELECT id, created_at FROM matching ORDER BY created_at, id"
)

// statement collects SQL and the arguments of its question marks, which stand in the same order.
type statement struct {
	text strings.Builder
	args []any
}

func (w *statement) write(sql string, args ...any) {
	w.text.WriteString(sql)
	w.args = append(w.args, args...)
}

// names begins the statement with one row of the ids behind the organization's key and the names that are asked
// for, or no row if one of them matches nothing (L5).
func (w *statement) names(scope deployments.Scope, q deployments.Query) {
	w.write("WITH names AS (SELECT o.id AS organization_id")
	if q.EnvironmentName != "" {
		w.write(", e.id AS environment_id")
	}
	if q.LogicalEnvironmentName != "" {
		w.write(", l.id AS logical_environment_id")
	}
	w.write(" FROM organizations o")
	if q.EnvironmentName != "" {
		w.write(" JOIN environments e ON e.organization_id = o.id AND e.name = ?", q.EnvironmentName)
	}
	if q.LogicalEnvironmentName != "" {
		w.write(" JOIN logical_environments l ON l.organization_id = o.id AND l.name = ?", q.LogicalEnvironmentName)
	}
	w.write(" WHERE o.key = ?),\n", scope.Organization)
}

// matching names the set that is asked about, filtered: the filters narrow the set of L1 and never choose it.
// NOT MATERIALIZED lets each of its uses, the count and the page, be planned as if it were written out there.
func (w *statement) matching(scope deployments.Scope, q deployments.Query) {
	source := "SELECT r.record_id AS id, r.created_at FROM current_slots r"
	if q.History == deployments.All {
		source = "SELECT r.id, r.created_at FROM deployment_records r"
	}
	w.write("matching AS NOT MATERIALIZED (" + source + " WHERE r.organization_id = (SELECT organization_id FROM names)")
	if q.EnvironmentName != "" {
		w.write(" AND r.environment_id = (SELECT environment_id FROM names)")
	}
	if q.LogicalEnvironmentName != "" {
		w.write(" AND r.logical_environment_id = (SELECT logical_environment_id FROM names)")
	}
	if q.DeploymentName != "" {
		w.write(" AND r.deployment_name = ?", q.DeploymentName)
	}
	if q.Status != deployments.AnyStatus {
		w.write(" AND r.status = ?", int(q.Status))
	}
	if q.ArtifactKind != deployments.AnyKind {
		w.write(" AND r.kind = ?", int(q.ArtifactKind))
	}
	if q.ArtifactDigest != "" {
		w.write(` AND r.artifact_id IN (
  SELECT id FROM artifacts WHERE organization_id = (SELECT organization_id FROM names) AND digest = ?)`, q.ArtifactDigest)
	}
	if q.ProjectName != "" {
		w.ofProject(q.ProjectName, q.ProjectVersionName)
	}
	if scope.Project != "" {
		w.ofProject(scope.Project, "") // T5: in addition to any project that was asked for
	}
	w.write(")")
}

// ofProject keeps the records whose artifact belongs to a version of the project, or to the named one (L4).
func (w *statement) ofProject(project, version string) {
	w.write(` AND r.artifact_id IN (
  SELECT pva.artifact_id
  FROM projects p JOIN project_versions pv ON pv.project_id = p.id JOIN project_version_artifacts pva ON pva.project_version_id = pv.id
  WHERE p.organization_id = (SELECT organization_id FROM names) AND p.name = ?`, project)
	if version != "" {
		w.write(" AND pv.name = ?", version)
	}
	w.write(")")
}

// fromNearerEnd reads a page by skipping the records before it or, if those are fewer, the records after it: the
// last page of a long history costs what the first does. The branch that is not taken has LIMIT 0 and reads nothing.
func (w *statement) fromNearerEnd(offset, size int64) {
	w.write(`asked AS (SELECT CAST(? AS bigint) AS skip, CAST(? AS bigint) AS size),
cut AS (
  SELECT skip,
    CASE WHEN skip <= n - skip - size THEN size ELSE 0 END AS front_rows,
    CASE WHEN skip <= n - skip - size OR skip >= n THEN 0 WHEN n - skip < size THEN n - skip ELSE size END AS back_rows,
    CASE WHEN n - skip < size THEN 0 ELSE n - skip - size END AS back_skip
  FROM total, asked
),
page AS (SELECT id, created_at FROM (
  SELECT * FROM (`+newestFirst+` LIMIT (SELECT front_rows FROM cut) OFFSET (SELECT skip FROM cut)) AS front
  UNION ALL
  SELECT * FROM (`+oldestFirst+` LIMIT (SELECT back_rows FROM cut) OFFSET (SELECT back_skip FROM cut)) AS back
) AS nearer LIMIT `+strconv.FormatInt(size, 10)+")", offset, size)
}

// scanResult reads the total, which every row repeats, and the records; a single row without a record is an empty
// page and its total.
func scanResult(rows *sql.Rows, size int32) (deployments.Result, error) {
	// A setting may allow large pages: let the slice grow to them rather than reserve one for each request.
	result := deployments.Result{Records: make([]deployments.Record, 0, min(size, 128))}
	for rows.Next() {
		record, found, err := scanRecord(rows, &result.Total)
		if err != nil {
			return deployments.Result{}, err
		}
		if found {
			result.Records = append(result.Records, record)
		}
	}
	return result, rows.Err()
}
