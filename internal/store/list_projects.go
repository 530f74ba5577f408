package store

import (
	"slices"
	"strconv"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Lists of a project (L4, T5). Its records are those of its artifacts, and these grow as the history does. So
// artifacts, records and slots carry the set of all projects that the artifact belongs to, as one number: a project is
// in few sets, often in one, each of which an index gives in the order of lists and list_totals counts.

// byName stands for the id of a project that is asked for by its name, and for its sets.
const byName = -1

// projectsOf are the projects that a record's artifact must belong to, each by any of its versions.
func projectsOf(scope deployments.Scope, q deployments.Query) []string {
	var projects []string
	if q.ProjectName != "" && q.ProjectVersionName == "" {
		projects = append(projects, q.ProjectName)
	}
	if scope.Project != "" && !slices.Contains(projects, scope.Project) {
		projects = append(projects, scope.Project) // T5: in addition to any project that was asked for
	}
	return projects
}

// projectSets names the sets that contain each of the projects.
func (w *statement) projectSets(projects []string) {
	w.bySet = len(projects) > 0
	if !w.bySet {
		return
	}
	w.write("sets AS (SELECT m0.project_set_id FROM names")
	for i, name := range projects {
		n := strconv.Itoa(i)
		w.write(" JOIN projects p"+n+" ON p"+n+".organization_id = names.organization_id AND p"+n+".name = "+text+" JOIN project_set_members m"+n+
			" ON m"+n+".project_id = p"+n+".id", name)
		if i > 0 {
			w.write(" AND m" + n + ".project_set_id = m0.project_set_id")
		}
	}
	w.write("),\n")
}

// all are the rows that match, in no order.
func (w *statement) all() string {
	if w.bySet {
		return "sets JOIN matching ON matching.project_set_id = sets.project_set_id"
	}
	return "matching"
}

// ordered are the rows that match and meet a condition, in an order: some columns of those that a limit and an offset
// leave. Of several sets, each gives as many rows in the order of its index as may be among them. SQLite has no
// LATERAL and sorts them all.
func (w *statement) ordered(columns, condition, order, limit, offset string) string {
	cut := " ORDER BY " + order + " LIMIT " + limit + " OFFSET " + offset
	if !w.bySet || w.engine == sqLite {
		return "SELECT " + columns + " FROM " + w.all() + " WHERE " + condition + cut
	}
	return "SELECT " + columns + ` FROM sets CROSS JOIN LATERAL (
    SELECT ` + columns + ` FROM matching WHERE matching.project_set_id = sets.project_set_id AND ` + condition + `
    ORDER BY ` + order + ` LIMIT CASE WHEN ` + limit + " > 0 THEN " + limit + " + " + offset + ` ELSE 0 END) AS of_set` + cut
}
