package store

import (
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/counts"
)

// A bare parameter has SQLite plan the whole statement again for each value (see text), and has PostgreSQL guess its type.
func TestValuesOfListsAreParametersWithAType(t *testing.T) {
	all := deployments.Query{
		EnvironmentName: "it's", LogicalEnvironmentName: "it's", DeploymentName: "it's", ArtifactDigest: "it's",
		ProjectName: "it's", ProjectVersionName: "it's", Status: deployments.Deployed, ArtifactKind: deployments.ContainerImage,
	}
	// Without a project, digest and version, these have totals and milestones.
	kept := []deployments.Query{
		{}, {DeploymentName: "it's"}, {EnvironmentName: "it's"}, {LogicalEnvironmentName: "it's", Status: deployments.Deployed},
	}
	for i, q := range append(kept, all, deployments.Query{DeploymentName: "it's"}) {
		scope := deployments.Scope{Organization: "it's"}
		if i >= len(kept) {
			scope.Project = "it's"
		}
		for _, history := range []deployments.History{deployments.Latest, deployments.All} {
			for _, number := range []int32{0, 3} {
				for _, engine := range []engine{postgreSQL, sqLite} {
					q.History, q.Page = history, deployments.Page{Number: number, Size: 20}
					list := listStatement(engine, counts.DefaultMilestoneInterval, scope, q)
					sql, mark := list.text.String(), map[bool]string{true: "?", false: "$"}[engine == sqLite]
					if marks := strings.Count(sql, mark); marks != strings.Count(sql, "CAST("+mark) || marks != len(list.args) {
						t.Errorf("%d marks for %d values, each of which has a type:\n%s", marks, len(list.args), sql)
					}
					if strings.Contains(sql, "it's") || strings.Contains(sql, "it''s") {
						t.Errorf("a value is in the text:\n%s", sql)
					}
				}
			}
		}
	}
}
