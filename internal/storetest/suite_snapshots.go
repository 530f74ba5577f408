package storetest

import (
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// chart is image for a Helm chart.
func chart(environment, deployment string, digest int) deployments.Recording {
	r := image(environment, deployment, digest)
	r.Kind = deployments.HelmChart
	return r
}

// in returns the recording in a logical environment.
func in(logicalEnvironment string, r deployments.Recording) deployments.Recording {
	r.LogicalEnvironmentName = logicalEnvironment
	return r
}

func testW8_ScopeLimitsWhatASnapshotDecommissions(t *testing.T, open Opener) {
	none, production := "", "production"
	for _, c := range []struct {
		name  string
		scope deployments.SnapshotScope
		ended []int // digests
	}{
		{"the environment", deployments.SnapshotScope{}, []int{1, 2, 3, 4, 5}},
		{"images", deployments.SnapshotScope{Kinds: []deployments.Kind{deployments.ContainerImage}}, []int{1, 3, 4, 5}},
		{"both kinds", deployments.SnapshotScope{Kinds: []deployments.Kind{deployments.ContainerImage, deployments.HelmChart}}, []int{1, 2, 3, 4, 5}},
		{"a logical environment", deployments.SnapshotScope{LogicalEnvironmentName: &production}, []int{3}},
		{"no logical environment", deployments.SnapshotScope{LogicalEnvironmentName: &none}, []int{1, 2, 4, 5}},
		{"a prefix", deployments.SnapshotScope{DeploymentNamePrefix: "shop/"}, []int{1, 2, 3}},
		{"a prefix of wildcards", deployments.SnapshotScope{DeploymentNamePrefix: "a_%"}, []int{5}},
		{"everything", deployments.SnapshotScope{LogicalEnvironmentName: &none, Kinds: []deployments.Kind{deployments.HelmChart}, DeploymentNamePrefix: "shop/"}, []int{2}},
		{"an unknown logical environment", deployments.SnapshotScope{LogicalEnvironmentName: new("staging")}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			want, byDigest := map[string]deployments.Status{}, map[int]string{}
			for i, r := range []deployments.Recording{
				image("eu", "shop/api", 1), chart("eu", "shop/api", 2), in("production", image("eu", "shop/api", 3)),
				image("eu", "a10", 4), image("eu", "a_%", 5), image("us", "shop/api", 6),
			} {
				id := record(t, s, r).ID
				want[id], byDigest[i+1] = deployments.Deployed, id
			}
			for _, digest := range c.ended {
				want[byDigest[digest]] = deployments.Decommissioned
			}
			result, err := s.Record(background, "acme", deployments.Batch{AutoCreate: true, Snapshot: &deployments.Snapshot{
				EnvironmentName: "eu", Scope: c.scope, ObservedAt: time.Now().Add(time.Second),
			}})
			if err != nil || result.Decommissioned != len(c.ended) {
				t.Errorf("got %+v, %v", result, err)
			}
			requireStatuses(t, s, want)
		})
	}
}
