package store_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/store"
)

// listedRecord is a row of deployment_records or a milestone: where it stands, and what filters it.
type listedRecord struct {
	micros               int64
	id                   string
	environment, logical string
	name                 string
	status, kind         int
	project, n           int    // of a milestone
	artifact             string // of a record
}

func (r listedRecord) before(o listedRecord) bool {
	return r.micros < o.micros || r.micros == o.micros && r.id < o.id
}

// in says that the record is in the list of the milestone, by the projects of each artifact.
func (r listedRecord) in(list listedRecord, projects map[string]string) bool {
	if list.project != 0 && !slices.Contains(strings.Split(projects[r.artifact], "+"), fmt.Sprint(list.project)) {
		return false
	}
	return (list.environment == store.AnyID || list.environment == r.environment) &&
		(list.logical == store.AnyID || list.logical == r.logical) &&
		(list.name == "" || list.name == r.name) && (list.status == 0 || list.status == r.status) && (list.kind == 0 || list.kind == r.kind)
}

func listedRecords(t testing.TB, db *sql.DB, query string) []listedRecord {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []listedRecord
	for rows.Next() {
		var r listedRecord
		var created any
		if err := rows.Scan(&created, &r.id, &r.environment, &r.logical, &r.name, &r.status, &r.kind, &r.project, &r.n, &r.artifact); err != nil {
			t.Fatal(err)
		}
		switch at := created.(type) {
		case time.Time:
			r.micros = at.UnixMicro()
		case int64:
			r.micros = at
		}
		all = append(all, r)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// wrongMilestones counts, record by record, what lies from each milestone to the next. Everything must have been folded.
func wrongMilestones(t testing.TB, db *sql.DB, organization string) []string {
	t.Helper()
	of := ` WHERE organization_id = (SELECT id FROM organizations WHERE key = '` + organization + `') ORDER BY 1, 2`
	records := listedRecords(t, db, `SELECT created_at, CAST(id AS text), CAST(environment_id AS text), coalesce(CAST(logical_environment_id AS text), ''), deployment_name, status, kind, 0, 1, CAST(artifact_id AS text)
FROM deployment_records`+of)
	marks := listedRecords(t, db, `SELECT created_at, CAST(record_id AS text), CAST(environment_id AS text), CAST(logical_environment_id AS text), deployment_name, status, kind, project_id, n, ''
FROM long_list_milestones`+of)
	projects := joined(t, db, `SELECT DISTINCT CAST(l.artifact_id AS text), CAST(v.project_id AS text)
FROM project_version_artifacts l JOIN project_versions v ON v.id = l.project_version_id`)
	var wrong []string
	for i, mark := range marks {
		list := mark
		next, found := listedRecord{}, false
		for _, later := range marks[i+1:] {
			if later.environment == list.environment && later.logical == list.logical && later.name == list.name && later.status == list.status && later.kind == list.kind && later.project == list.project {
				next, found = later, true
				break
			}
		}
		n := 0
		for _, r := range records {
			if r.in(list, projects) && !r.before(mark) && (!found || r.before(next)) {
				n++
			}
		}
		if n != mark.n {
			wrong = append(wrong, fmt.Sprintf("%+v: counted %d", mark, n))
		}
	}
	return wrong
}
