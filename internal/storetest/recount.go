package storetest

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/counts"
)

// RequireExactCounts compares Verify's result and all counters of an organization with counts of its records, made one by
// one in the plainest way. It compacts first. It shares nothing with package counts.
func RequireExactCounts(t Failer, s *store.Store, db *sql.DB, organization string) {
	t.Helper()
	RequireVerified(t, s, organization)
	if _, err := s.Compact(background); err != nil {
		t.Fatal(err)
	}
	RequireVerified(t, s, organization)
	if got, want := storedTotals(t, db, organization), countedTotals(t, db, organization); !maps.Equal(got, want) {
		t.Fatalf("the totals are\n%v, counted\n%v", got, want)
	}
	if wrong := wrongArtifacts(t, db, organization); wrong > 0 {
		t.Fatalf("%d artifacts have wrong totals", wrong)
	}
	if wrong := wrongMilestones(t, db, organization); len(wrong) > 0 {
		t.Fatalf("milestones: %s", strings.Join(wrong, "\n"))
	}
}

// countedTotals counts every list of an organization from its records. The keys describe filters.
func countedTotals(t Failer, db *sql.DB, organization string) map[string]int {
	totals := make(map[string]int)
	projects := joinValues(t, db, `SELECT DISTINCT CAST(l.artifact_id AS text), p.name FROM project_version_artifacts l
JOIN project_versions v ON v.id = l.project_version_id JOIN projects p ON p.id = v.project_id`)
	for set, table := range map[string]string{"all": "deployment_records", "latest": "current_slots"} {
		for _, r := range readCounted(t, db, `SELECT created_at, '', CAST(environment_id AS text), coalesce(CAST(logical_environment_id AS text), ''), deployment_name, status, kind, 0, 1, CAST(artifact_id AS text), ''
FROM `+table+ofOrganization(organization)) {
			countPairs(totals, set, r, projects[r.artifact])
			for by := range 16 {
				key := set
				if by&1 != 0 {
					key += " e=" + r.environment
				}
				if by&2 != 0 {
					if r.logical == "" {
						continue
					}
					key += " l=" + r.logical
				}
				if by&4 != 0 {
					key += fmt.Sprint(" s=", r.status)
				}
				if by&8 != 0 {
					key += fmt.Sprint(" k=", r.kind)
				}
				totals[key]++
			}
		}
	}
	return totals
}

// countPairs counts the lists of a record by its name or its projects: alone, and in the full history with one more filter.
func countPairs(totals map[string]int, set string, r counted, projects string) {
	name, of := " name="+r.name, " projects="+projects
	filters := []string{" e=" + r.environment, " l=" + r.logical, name, fmt.Sprint(" s=", r.status), fmt.Sprint(" k=", r.kind), of} // as storedTotals
	filters = slices.DeleteFunc(filters, func(filter string) bool { return filter == " l=" || filter == " projects=" })
	for i, filter := range filters {
		if filter == name || filter == of {
			totals[set+filter]++
		}
		for _, other := range filters[i+1:] {
			if set == "all" && (filter == name || other == name || other == of) {
				totals[set+filter+other]++
			}
		}
	}
}

// storedTotals reads the stored totals, with the keys of countedTotals.
func storedTotals(t Failer, db *sql.DB, organization string) map[string]int {
	projects := joinValues(t, db, "SELECT CAST(m.project_set_id AS text), p.name FROM project_set_members m JOIN projects p ON p.id = m.project_id")
	rows, err := db.Query(`SELECT latest, CAST(environment_id AS text), CAST(logical_environment_id AS text), deployment_name, status, kind, CAST(project_set_id AS text), n
FROM list_totals` + ofOrganization(organization))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	totals := make(map[string]int)
	for rows.Next() {
		var latest bool
		var environment, logical, name, set string
		var status, kind, n int
		if err := rows.Scan(&latest, &environment, &logical, &name, &status, &kind, &set, &n); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			continue
		}
		key := "all"
		if latest {
			key = "latest"
		}
		if environment != counts.AnyID {
			key += " e=" + environment
		}
		if logical != counts.AnyID {
			key += " l=" + logical
		}
		if name != "" {
			key += " name=" + name
		}
		if status != 0 {
			key += fmt.Sprint(" s=", status)
		}
		if kind != 0 {
			key += fmt.Sprint(" k=", kind)
		}
		if set != "0" {
			key += " projects=" + projects[set]
		}
		totals[key] = n
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return totals
}

// wrongArtifacts counts the counted artifacts with another number of records.
func wrongArtifacts(t Failer, db *sql.DB, organization string) (n int) {
	err := db.QueryRow(`SELECT count(*) FROM counted_artifacts c JOIN organizations o ON o.id = c.organization_id
WHERE o.key = '` + organization + `' AND c.n <> (SELECT count(*) FROM deployment_records r WHERE r.artifact_id = c.artifact_id)`).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// ofOrganization is the condition of an organization's rows, whose key needs no quoting.
func ofOrganization(key string) string {
	return " WHERE organization_id = (SELECT id FROM organizations WHERE key = '" + key + "') ORDER BY 1, 2"
}

// counted is a record, or a milestone and the filters of its list.
type counted struct {
	micros               int64
	id                   string
	environment, logical string
	name                 string
	status, kind         int
	project, n           int    // of a milestone
	artifact             string // of a record, or of a milestone's list
	coarse               string // of a milestone: "true" or "false"
}

func (c counted) before(o counted) bool {
	return c.micros < o.micros || c.micros == o.micros && c.id < o.id
}

// ofListOf reports whether two milestones are of one list.
func (c counted) ofListOf(o counted) bool {
	return c.environment == o.environment && c.logical == o.logical && c.name == o.name && c.status == o.status && c.kind == o.kind &&
		c.project == o.project && c.artifact == o.artifact
}

// in reports whether the record is in the list of a milestone, by the projects of each artifact.
func (c counted) in(list counted, projects map[string]string) bool {
	if list.project != 0 && !slices.Contains(strings.Split(projects[c.artifact], "+"), fmt.Sprint(list.project)) {
		return false
	}
	return (list.artifact == counts.AnyID || list.artifact == c.artifact) && (list.environment == counts.AnyID || list.environment == c.environment) &&
		(list.logical == counts.AnyID || list.logical == c.logical) &&
		(list.name == "" || list.name == c.name) && (list.status == 0 || list.status == c.status) && (list.kind == 0 || list.kind == c.kind)
}

func readCounted(t Failer, db *sql.DB, query string) []counted {
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []counted
	for rows.Next() {
		var c counted
		var createdAt any
		if err := rows.Scan(&createdAt, &c.id, &c.environment, &c.logical, &c.name, &c.status, &c.kind, &c.project, &c.n, &c.artifact, &c.coarse); err != nil {
			t.Fatal(err)
		}
		switch at := createdAt.(type) {
		case time.Time:
			c.micros = at.UnixMicro()
		case int64:
			c.micros = at
		}
		all = append(all, c)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// wrongMilestones counts, record by record, the range from each milestone to the next.
func wrongMilestones(t Failer, db *sql.DB, organization string) []string {
	records := readCounted(t, db, `SELECT created_at, CAST(id AS text), CAST(environment_id AS text), coalesce(CAST(logical_environment_id AS text), ''), deployment_name, status, kind, 0, 1, CAST(artifact_id AS text), ''
FROM deployment_records`+ofOrganization(organization))
	milestones := readCounted(t, db, `SELECT created_at, CAST(record_id AS text), CAST(environment_id AS text), CAST(logical_environment_id AS text), deployment_name, status, kind, project_id, n, CAST(artifact_id AS text), CASE WHEN coarse THEN 'true' ELSE 'false' END
FROM list_positions`+ofOrganization(organization))
	projects := joinValues(t, db, `SELECT DISTINCT CAST(l.artifact_id AS text), CAST(v.project_id AS text)
FROM project_version_artifacts l JOIN project_versions v ON v.id = l.project_version_id`)
	var wrong []string
	for i, milestone := range milestones {
		next, found := counted{}, false
		for _, later := range milestones[i+1:] {
			if later.coarse == milestone.coarse && later.ofListOf(milestone) {
				next, found = later, true
				break
			}
		}
		isFine := func(m counted) bool {
			return m.coarse == "false" && m.micros == milestone.micros && m.id == milestone.id && m.ofListOf(milestone)
		}
		if !slices.ContainsFunc(milestones, isFine) {
			wrong = append(wrong, fmt.Sprintf("%+v: no fine milestone is at the coarse one", milestone))
		}
		n := 0
		for _, r := range records {
			if r.in(milestone, projects) && !r.before(milestone) && (!found || r.before(next)) {
				n++
			}
		}
		if n != milestone.n {
			wrong = append(wrong, fmt.Sprintf("%+v: counted %d", milestone, n))
		}
	}
	return wrong
}
