package deployments

import (
	"slices"
	"testing"
)

func TestW8_AnItemOutsideTheScopeIsAViolationThatNamesTheField(t *testing.T) {
	none, production := "", "production"
	inside := Recording{
		EnvironmentName: "eu", LogicalEnvironmentName: "production", DeploymentName: "shop/api", Kind: ContainerImage,
		Digest: "sha256:2e7d2c03a9507ae265ecf5b5356885a53393a2029d241394997265a1a25aefc6", Status: Deployed,
	}
	for name, c := range map[string]struct {
		scope  SnapshotScope
		change func(*Recording)
		fields []string
	}{
		"no scope":                     {SnapshotScope{}, func(*Recording) {}, nil},
		"all of it":                    {SnapshotScope{&production, []Kind{ContainerImage}, "shop/"}, func(*Recording) {}, nil},
		"another environment":          {SnapshotScope{}, func(r *Recording) { r.EnvironmentName = "us" }, []string{"environment_name"}},
		"another logical environment":  {SnapshotScope{LogicalEnvironmentName: &production}, func(r *Recording) { r.LogicalEnvironmentName = "Production" }, []string{"logical_environment_name"}},
		"no logical environment":       {SnapshotScope{LogicalEnvironmentName: &production}, func(r *Recording) { r.LogicalEnvironmentName = "" }, []string{"logical_environment_name"}},
		"a logical environment":        {SnapshotScope{LogicalEnvironmentName: &none}, func(*Recording) {}, []string{"logical_environment_name"}},
		"without logical environments": {SnapshotScope{LogicalEnvironmentName: &none}, func(r *Recording) { r.LogicalEnvironmentName = "" }, nil},
		"another kind":                 {SnapshotScope{Kinds: []Kind{HelmChart}}, func(*Recording) {}, []string{"kind"}},
		"one of the kinds":             {SnapshotScope{Kinds: []Kind{ContainerImage, HelmChart}}, func(r *Recording) { r.Kind = HelmChart }, nil},
		"another prefix":               {SnapshotScope{DeploymentNamePrefix: "shop/"}, func(r *Recording) { r.DeploymentName = "Shop/api" }, []string{"deployment_name"}},
		"the prefix is no pattern":     {SnapshotScope{DeploymentNamePrefix: "%"}, func(*Recording) {}, []string{"deployment_name"}},
		"everything":                   {SnapshotScope{&none, []Kind{HelmChart}, "a"}, func(*Recording) {}, []string{"logical_environment_name", "kind", "deployment_name"}},
	} {
		r := inside
		c.change(&r)
		batch := Batch{Items: []BatchItem{{Recording: r}}, Snapshot: &Snapshot{EnvironmentName: "eu", Scope: c.scope}}
		batch.AddViolations()
		var fields []string
		for _, violation := range batch.Items[0].Violations {
			fields = append(fields, violation.Field)
		}
		if !slices.Equal(fields, c.fields) {
			t.Errorf("%s: got %v, want %q", name, batch.Items[0].Violations, c.fields)
		}
		if r.EnvironmentName == "eu" && c.scope.Covers(r.Identity()) != (c.fields == nil) {
			t.Errorf("%s: Covers disagrees", name)
		}
	}
}
