package store

import (
	"strconv"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// keptTotal takes the total from the list's count and the changes that are not folded into it.
func (w *statement) keptTotal(list listKey, q deployments.Query) {
	w.write(",\npending AS (SELECT c.created_at, c.record_id, c.n FROM list_changes c WHERE ")
	w.filters("c", q)
	ofSets := " AND t.project_set_id = 0"
	if w.bySet {
		ofSets = " AND t.project_set_id IN (SELECT project_set_id FROM sets)"
		w.write(" AND c.project_set_id IN (SELECT project_set_id FROM sets)")
	}
	w.write(" AND c.latest = " + strconv.FormatBool(list.latest) + `),
total AS (SELECT CAST(
  coalesce((SELECT sum(t.n) FROM list_totals t WHERE t.latest = ` + strconv.FormatBool(list.latest) + ofSets + " AND ")
	w.inList("t", list)
	w.write("), 0) + coalesce((SELECT sum(p.n) FROM pending p), 0) AS bigint) AS n)")
}

// inList is the condition that a row of counts is of the list.
func (w *statement) inList(alias string, list listKey) {
	w.write(alias + ".organization_id = (SELECT organization_id FROM names) AND " + alias + ".environment_id = ")
	w.idOf("environment_id", list.environmentID)
	w.write(" AND " + alias + ".logical_environment_id = ")
	w.idOf("logical_environment_id", list.logicalEnvironmentID)
	w.write(" AND "+alias+".deployment_name = "+text, list.deploymentName)
	w.write(" AND " + alias + ".status = " + strconv.Itoa(int(list.status)) + " AND " + alias + ".kind = " + strconv.Itoa(int(list.kind)))
}

func (w *statement) idOf(column, id string) {
	if id == anyID {
		w.write("'" + anyID + "'")
		return
	}
	w.write("(SELECT " + column + " FROM names)")
}

// pageFromNearest reads a page from the nearest place whose rank, the number of matching records before it in the
// order of time, is known: the beginning, the end, or a milestone of the list. From there it skips what lies between,
// up or down. Which place is taken decides what the page costs, never what is in it: each rank is exact.
func (w *statement) pageFromNearest(skip, size, spacing int64, list listKey, marked bool, projects []string) {
	constant := w.engine.place()
	// The page's records have the ranks from low to before high.
	w.write(`,
asked AS (SELECT
    CASE WHEN total.n > q.skip THEN total.n - q.skip ELSE 0 END AS high,
    CASE WHEN total.n - q.skip > q.size THEN total.n - q.skip - q.size ELSE 0 END AS low
  FROM total, (SELECT CAST(? AS bigint) AS skip, CAST(? AS bigint) AS size) AS q),
known AS (
  SELECT CAST(0 AS bigint) AS rank, b.* FROM (SELECT `+constant+`) AS b
  UNION ALL SELECT total.n, e.* FROM total, (SELECT `+constant+`) AS e`,
		skip, size, beginning.CreatedAt, beginning.RecordID, end.CreatedAt, end.RecordID)
	if marked {
		w.milestone(spacing, list, projects)
	}
	w.write(`
),
nearest AS (
  SELECT created_at, id, up_from - rank AS up_skip, CASE WHEN high > up_from THEN high - up_from ELSE 0 END AS up_rows,
    rank - down_from AS down_skip, CASE WHEN down_from > low THEN down_from - low ELSE 0 END AS down_rows
  FROM (
    SELECT known.*, asked.*, CASE WHEN rank > low THEN rank ELSE low END AS up_from, CASE WHEN rank < high THEN rank ELSE high END AS down_from
    FROM known, asked ORDER BY abs(rank - high) LIMIT 1
  ) AS k
)`)
	up, upSkip := ">= (SELECT created_at, id FROM nearest)", "(SELECT up_skip FROM nearest)"
	down, downSkip := "< (SELECT created_at, id FROM nearest)", "(SELECT down_skip FROM nearest)"
	if w.columns == storedColumns {
		// What is skipped is read in the index alone, up to the first record of the page on either side.
		w.write(`,
first_up AS (` + w.ordered("id, created_at", "(created_at, id) "+up, oldestFirst, "1", upSkip) + `),
first_down AS (` + w.ordered("id, created_at", "(created_at, id) "+down, newestFirst, "1", downSkip) + ")")
		up, upSkip = ">= (SELECT created_at, id FROM first_up)", "0"
		down, downSkip = "<= (SELECT created_at, id FROM first_down)", "0"
	}
	w.write(`,
page AS (SELECT ` + w.columns + ` FROM (
  SELECT * FROM (
    ` + w.ordered(w.columns, "(created_at, id) "+up, oldestFirst, "(SELECT up_rows FROM nearest)", upSkip) + `) AS up
  UNION ALL
  SELECT * FROM (
    ` + w.ordered(w.columns, "(created_at, id) "+down, newestFirst, "(SELECT down_rows FROM nearest)", downSkip) + `) AS down
) AS around LIMIT ` + strconv.FormatInt(size, 10) + ")")
}

// milestone adds that of the list which is nearest to what is asked for, to the places whose rank is known. From the
// beginning, the milestones are added up to the first before or at which the middle of the records that it begins is:
// those asked for are then nearer to it than to any other. Near the beginning or the end, none is much nearer than these,
// and none is added up.
func (w *statement) milestone(spacing int64, list listKey, projects []string) {
	apart := strconv.FormatInt(spacing, 10)
	w.write(`
  UNION ALL SELECT m.before + coalesce((SELECT sum(p.n) FROM pending p WHERE (p.created_at, p.record_id) < (m.created_at, m.record_id)), 0), m.created_at, m.record_id
  FROM (
    SELECT s.created_at, s.record_id, s.upto - s.n AS before FROM (
      SELECT m.created_at, m.record_id, m.n, sum(m.n) OVER (ORDER BY m.created_at, m.record_id ROWS UNBOUNDED PRECEDING) AS upto
      FROM long_list_milestones m WHERE `)
	w.inList("m", list)
	if list.projectID == 0 {
		w.write(" AND m.project_id = 0")
	} else {
		w.write(" AND m.project_id = (SELECT p.id FROM projects p WHERE p.organization_id = (SELECT organization_id FROM names) AND p.name = "+text+")", projects[0])
	}
	w.write(`
    ) AS s WHERE 2 * s.upto - s.n >= 2 * (SELECT high FROM asked)
      AND (SELECT high FROM asked) > ` + apart + ` AND (SELECT total.n - asked.high FROM total, asked) > ` + apart + `
    ORDER BY s.created_at, s.record_id LIMIT 1
  ) AS m`)
}
