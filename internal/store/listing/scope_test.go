package listing_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/racetest"
	"github.com/deployrecords/deployrecords/internal/store/listing"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// outside are queries for something that exists only outside of a project, and the same queries for what exists nowhere.
func outside(value string) map[string]deployments.Query {
	return map[string]deployments.Query{
		"environment":         {EnvironmentName: value},
		"logical environment": {LogicalEnvironmentName: value},
		"deployment name":     {DeploymentName: value},
		"digest":              {ArtifactDigest: "sha256:" + value},
		"project":             {ProjectName: value},
		"project version":     {ProjectName: value, ProjectVersionName: value},
		"several": {
			EnvironmentName: value, LogicalEnvironmentName: value, DeploymentName: value, ArtifactKind: deployments.ContainerImage, Status: deployments.Deployed,
		},
	}
}

// The work of a query of a token that is limited to a project does not show what exists outside of the project (T5). A name that
// exists is one row more to look up than one that does not.
func TestT5_WorkDoesNotDependOnWhatIsOutsideOfTheProject(t *testing.T) {
	racetest.Skip(t)
	t.Parallel()
	const namesFound = 4
	s, db := openHistory(t, 20_000)
	// 5,000 records of 250 artifacts, each in the project outside and in one of its own: 250 project sets.
	for _, statement := range []string{
		`INSERT INTO environments SELECT gen_random_uuid(), 1, 'outside'`,
		`INSERT INTO logical_environments SELECT gen_random_uuid(), 1, 'outside'`,
		`INSERT INTO projects (organization_id, name) VALUES (1, 'outside')`,
		`INSERT INTO projects (organization_id, name) SELECT 1, 'own ' || i FROM generate_series(1, 250) i`,
		`INSERT INTO project_versions (project_id, name) SELECT id, 'outside' FROM projects WHERE name = 'outside' OR name LIKE 'own %'`,
		`INSERT INTO project_sets (organization_id, members) SELECT 1, p.id || ',' || own.id FROM projects p, projects own WHERE p.name = 'outside' AND own.name LIKE 'own %'`,
		`INSERT INTO project_set_members SELECT CAST(member AS bigint), s.id FROM project_sets s, unnest(string_to_array(s.members, ',')) member WHERE s.members LIKE '%,%'`,
		`INSERT INTO artifacts (id, organization_id, kind, name, version, digest, project_set_id)
SELECT gen_random_uuid(), 1, 1, 'n', id::text, 'sha256:outside', id FROM project_sets WHERE members LIKE '%,%'`,
		`INSERT INTO project_version_artifacts SELECT v.id, a.id FROM artifacts a JOIN project_set_members m ON m.project_set_id = a.project_set_id
JOIN project_versions v ON v.project_id = m.project_id WHERE v.name = 'outside' AND a.digest = 'sha256:outside'`,
		`INSERT INTO deployment_records
SELECT gen_random_uuid(), 1, e.id, l.id, 'outside', a.id, 1, 1, t, t, t, a.project_set_id
FROM environments e, logical_environments l, (SELECT * FROM artifacts WHERE digest = 'sha256:outside') a,
  (SELECT timestamptz '2026-11-01' + i * interval '1 s' AS t FROM generate_series(1, 20) i) moments
WHERE e.name = 'outside' AND l.name = 'outside'`,
		`INSERT INTO current_slots (organization_id, environment_id, deployment_name, record_id, logical_environment_id, artifact_id, kind, status, project_set_id, created_at, updated_at, last_seen_at)
SELECT organization_id, environment_id, deployment_name, id, logical_environment_id, artifact_id, kind, status, project_set_id, created_at, updated_at, last_seen_at
FROM deployment_records WHERE deployment_name = 'outside' ORDER BY created_at DESC, id DESC LIMIT 1`,
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if _, err := s.Compact(t.Context()); err != nil { // the pairs of what is outside have counters in each set
		t.Fatal(err)
	}
	if _, err := db.Exec("VACUUM ANALYZE"); err != nil {
		t.Fatal(err)
	}
	scope := deployments.Scope{Organization: "acme", Project: "project3"}
	nowhere := outside("nowhere")
	for name, query := range outside("outside") {
		for _, history := range []deployments.History{deployments.Latest, deployments.All} {
			for _, page := range []int32{0, 3} {
				measure := func(query deployments.Query, scope deployments.Scope) int64 {
					query.History, query.Page = history, deployments.Page{Size: 20, Number: page}
					buffers, _ := s.Buffers(t, scope, query)
					return buffers
				}
				if got := storetest.Ask(t, s, storetest.Acme, query).Total; got == 0 {
					t.Fatalf("%s: nothing is outside", name)
				}
				if got := storetest.Ask(t, s, scope, query).Total; got != 0 {
					t.Errorf("%s: %d records", name, got)
				}
				got, want := measure(query, scope), measure(nowhere[name], scope)
				t.Logf("%s, page %d of %v: %d buffers for what is outside, %d for what is nowhere", name, page, history, got, want)
				if got-want > namesFound || want-got > namesFound {
					t.Errorf("%s, page %d of %v: %d buffers for what is outside, %d for what is nowhere", name, page, history, got, want)
				}
			}
		}
	}
}

// A statement of a project's scope reads records by the index of project sets alone.
func TestT5_SQLiteReadsTheRecordsOfTheProjectAlone(t *testing.T) {
	db := storetest.OpenDatabase(t, "sqlite://"+filepath.Join(t.TempDir(), "records.db"))
	lister := listing.New(db, listing.Options{})
	search := regexp.MustCompile(`(SEARCH|SCAN) (deployment_records|current_slots) .*`)
	for name, query := range outside("outside") {
		for _, query.History = range []deployments.History{deployments.Latest, deployments.All} {
			query.Page.Size = 20
			text, values := lister.Statement(t, deployments.Scope{Organization: "acme", Project: "web"}, query)
			var searches []string
			for _, step := range storetest.SQLitePlan(t, db.Pool, text, values) {
				if search.MatchString(step) {
					searches = append(searches, step)
				}
			}
			for _, step := range searches {
				if !strings.Contains(step, "_by_project_set (organization_id=? AND project_set_id=?") {
					t.Errorf("%s: %s", name, step)
				}
			}
			if len(searches) == 0 {
				t.Errorf("%s: no search", name)
			}
		}
	}
}
