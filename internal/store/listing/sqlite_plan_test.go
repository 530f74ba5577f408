package listing_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/listing"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// SQLite has no statistics of a table that was never analyzed, as one is that only recordings fill.
func TestSQLiteListsAProjectByItsIndexWithoutStatistics(t *testing.T) {
	db := storetest.OpenDatabase(t, "sqlite://"+filepath.Join(t.TempDir(), "records.db"))
	lister := listing.New(db, listing.Options{})
	project, values := lister.Statement(t, storetest.Acme,
		deployments.Query{History: deployments.All, ProjectName: "web", Page: deployments.Page{Size: 20}})
	plan := strings.Join(storetest.SQLitePlan(t, db.Pool, project, values), "\n")
	if !strings.Contains(plan, "USING COVERING INDEX deployment_records_by_project_set (organization_id=?") {
		t.Errorf("the index alone does not answer:\n%s", plan)
	}
}

func TestSQLiteReadsThePageOfAnArtifactByItsIDs(t *testing.T) {
	db := storetest.OpenDatabase(t, "sqlite://"+filepath.Join(t.TempDir(), "records.db"))
	lister := listing.New(db, listing.Options{})
	for _, query := range []deployments.Query{{ArtifactDigest: "d"}, {ProjectName: "p", ProjectVersionName: "v"}} {
		for query.History, query.Page.Size = deployments.All, 20; query.Page.Number < 2; query.Page.Number++ {
			text, values := lister.Statement(t, storetest.Acme, query)
			plan := strings.Join(storetest.SQLitePlan(t, db.Pool, text, values), "\n")
			for _, search := range []string{
				"SEARCH deployment_records USING COVERING INDEX deployment_records_by_artifact (artifact_id=?",
				"SEARCH r USING INDEX sqlite_autoindex_deployment_records_1 (id=?)",
			} {
				if !strings.Contains(plan, search) {
					t.Errorf("%+v: the plan lacks %q:\n%s", query, search, plan)
				}
			}
		}
	}
}
