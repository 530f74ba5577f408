package statements

import (
	"slices"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

func TestCheapListingsNeitherCountNorSkipTheirRecords(t *testing.T) {
	environmentAndProject := history(deployments.Query{EnvironmentName: "e", ProjectName: "p"})
	environmentAndStage := history(seek(deployments.Query{EnvironmentName: "e", LogicalEnvironmentName: "l"}))
	twoProjects := history(deployments.Query{ProjectName: "p of a token that is limited to q"})
	both, onPostgreSQL := []database.Dialect{database.PostgreSQL, database.SQLite}, []database.Dialect{database.PostgreSQL}
	for name, c := range map[string]struct {
		query deployments.Query
		cheap []database.Dialect
	}{
		"a first page":              {history(deployments.Query{}), both},
		"a later page":              {history(seek(deployments.Query{DeploymentName: "n", Status: deployments.Superseded})), both},
		"a later page of the slots": {seek(countedFilters), both},
		"a first page of a pair":    {environmentAndProject, both},
		"a later page with milestones that SQLite cannot read": {environmentAndStage, onPostgreSQL},
		"another such page": {seek(environmentAndProject), onPostgreSQL},
		"a later page of two projects, without milestones": {seek(twoProjects), nil},
		"a digest": {deployments.Query{ArtifactDigest: "d"}, nil},
		"a deployment name and a status among the slots": {deployments.Query{DeploymentName: "n", Status: deployments.Deployed}, nil},
	} {
		for _, dialect := range both {
			want := slices.Contains(c.cheap, dialect)
			scope := deployments.Scope{}
			if c.query.ProjectName == twoProjects.ProjectName {
				scope.Project = "q"
			}
			if got := NewShape(dialect, 1, scope, &c.query).IsCheap(); got != want {
				t.Errorf("%s, dialect %v: cheap is %t", name, dialect, got)
			}
		}
	}
}
