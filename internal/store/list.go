package store

import (
	"context"
	"database/sql"
	"strconv"

	"golang.org/x/sync/semaphore"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

// lister implements List.
type lister struct {
	db    *database.DB
	names *names
	// reading has maxLists places, one for each list that is read. Who waits for one gets it in turn.
	reading  *semaphore.Weighted
	maxLists int
	spacing  int64
}

func newLister(db *database.DB, maxLists int, spacing int64) *lister {
	return &lister{db: db, names: newNames(maxNames), reading: semaphore.NewWeighted(int64(maxLists)), maxLists: maxLists, spacing: spacing}
}

// List implements deployments.Store. Page and total come from one statement, and so from one snapshot (L9).
func (s *lister) List(ctx context.Context, scope deployments.Scope, query deployments.Query) (deployments.Result, error) {
	done, err := s.turn(ctx, scope, query)
	if err != nil {
		return deployments.Result{}, database.MapError(ctx, err)
	}
	defer done()
	rows, err := listStatement(engine(s.db.Dialect), s.spacing, scope, query).run(ctx, s.db.Prepared(ctx))
	if err != nil {
		return deployments.Result{}, database.MapError(ctx, err)
	}
	defer rows.Close()
	result, err := scanResult(rows, query.Page.Size)
	if err == nil {
		_ = rows.Close() // the connection is free for what names need
		err = s.name(ctx, scope.Organization, result.Records)
	}
	if err != nil {
		return deployments.Result{}, database.MapError(ctx, err)
	}
	return result, nil
}

// listStatement writes the statement for a question: one text for each set of filters, status, kind and page size, so
// that databases plan it once. Values are always parameters, except for numbers that the planner must know: the page's
// size, to see that few rows are wanted, and status and kind, some of which nearly all records have and others few.
func listStatement(engine engine, spacing int64, scope deployments.Scope, q deployments.Query) *statement {
	w := newStatement(engine)
	w.names(scope, q)
	w.projectSets(projectsOf(scope, q))
	list, kept := listOf(scope, q)
	w.columns = "id, created_at"
	if kept && list.marked() && list.indexed() && !w.bySet && q.Status == deployments.AnyStatus && q.ArtifactKind == deployments.AnyKind {
		// The page is read where the index points to. Looked up by id, each record would be somewhere else in the index
		// of ids, which takes most of the time of a page of a long history. Of a status or a kind that many records have,
		// the planner would rather read the index of all; and of project sets, each would have a page of records read.
		w.columns = storedColumns
	}
	w.matching(q)
	if kept {
		w.keptTotal(list, q)
	} else {
		w.write(",\ntotal AS (SELECT count(*) AS n FROM " + w.all() + ")")
	}
	if offset := q.Page.Offset(); offset == 0 {
		// An index has no filter for each combination: nothing is sought where nothing is.
		w.write(",\npage AS (" + w.ordered(w.columns, "(SELECT n FROM total) > 0", newestFirst, strconv.Itoa(int(q.Page.Size)), "0") + ")")
	} else {
		w.pageFromNearest(offset, int64(q.Page.Size), spacing, list, kept && list.marked(), projectsOf(scope, q))
	}
	records := "page AS r"
	if w.columns != storedColumns {
		records = "(page JOIN deployment_records r ON r.id = page.id)"
	}
	w.write(`
SELECT total.n, ` + ownColumns + `
FROM total LEFT JOIN ` + records + ` ON true
ORDER BY r.created_at DESC, r.id DESC`)
	return w
}

// The order of lists (L6), and the other way round.
const (
	newestFirst = "created_at DESC, id DESC"
	oldestFirst = "created_at, id"
)

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
		w.write(" JOIN environments e ON e.organization_id = o.id AND e.name = "+text, q.EnvironmentName)
	}
	if q.LogicalEnvironmentName != "" {
		w.write(" JOIN logical_environments l ON l.organization_id = o.id AND l.name = "+text, q.LogicalEnvironmentName)
	}
	w.write(" WHERE o.key = "+text+"),\n", scope.Organization)
}

// matching names the set that is asked about, filtered: the filters narrow the set of L1 and never choose it.
// NOT MATERIALIZED lets each of its uses, the count and the page, be planned as if it were written out there.
func (w *statement) matching(q deployments.Query) {
	source := "SELECT r.record_id AS id, r.created_at, r.project_set_id FROM current_slots r"
	if q.History == deployments.All {
		source = "SELECT r.* FROM deployment_records r" // of which its uses take what they name
	}
	w.write("matching AS NOT MATERIALIZED (" + source + " WHERE ")
	w.filters("r", q)
	if q.ArtifactDigest != "" {
		w.write(` AND r.artifact_id IN (
  SELECT id FROM artifacts WHERE organization_id = (SELECT organization_id FROM names) AND digest = `+text+")", q.ArtifactDigest)
	}
	if q.ProjectVersionName != "" {
		w.ofVersion(q.ProjectName, q.ProjectVersionName)
	}
	if w.bySet {
		w.write(" AND r.project_set_id > 0") // what the index has
	}
	w.write(")")
}

// filters is the condition that a row under the alias belongs to the organization and passes the filters that every
// row has a column for.
func (w *statement) filters(alias string, q deployments.Query) {
	w.write(alias + ".organization_id = (SELECT organization_id FROM names)")
	if q.EnvironmentName != "" {
		w.write(" AND " + alias + ".environment_id = (SELECT environment_id FROM names)")
	}
	if q.LogicalEnvironmentName != "" {
		w.write(" AND " + alias + ".logical_environment_id = (SELECT logical_environment_id FROM names)")
	}
	if q.DeploymentName != "" {
		w.write(" AND "+alias+".deployment_name = "+text, q.DeploymentName)
	}
	if q.Status != deployments.AnyStatus {
		w.write(" AND " + alias + ".status = " + strconv.Itoa(int(q.Status)))
	}
	if q.ArtifactKind != deployments.AnyKind {
		w.write(" AND " + alias + ".kind = " + strconv.Itoa(int(q.ArtifactKind)))
	}
}

// ofVersion keeps the records whose artifact belongs to the version of the project (L4).
func (w *statement) ofVersion(project, version string) {
	w.write(` AND r.artifact_id IN (
  SELECT pva.artifact_id
  FROM projects p JOIN project_versions pv ON pv.project_id = p.id JOIN project_version_artifacts pva ON pva.project_version_id = pv.id
  WHERE p.organization_id = (SELECT organization_id FROM names) AND p.name = `+text+" AND pv.name = "+text+")", project, version)
}

// scanResult reads the total, which every row repeats, and the records; a single row without a record is an empty
// page and its total.
func scanResult(rows *sql.Rows, size int32) (deployments.Result, error) {
	// A setting may allow large pages: let the slice grow to them rather than reserve one for each request.
	result := deployments.Result{Records: make([]deployments.Record, 0, min(size, 128))}
	scan := scanOwn(&result.Total)
	for rows.Next() {
		record, found, err := scan.next(rows)
		if err != nil {
			return deployments.Result{}, err
		}
		if found {
			result.Records = append(result.Records, record)
		}
	}
	return result, rows.Err()
}
