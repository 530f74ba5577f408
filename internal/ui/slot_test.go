package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

func TestHistoryFindsEndsAndRollbacks(t *testing.T) {
	minute := func(n int) time.Time { return time.Unix(int64(60*n), 0).UTC() }
	record := func(n int, digest string, kind deployments.Kind, status deployments.Status, updated int) deployments.Record {
		return deployments.Record{
			DeploymentName: "api", EnvironmentName: "eu", Status: status, Artifact: deployments.Artifact{Kind: kind, Digest: digest},
			CreatedAt: minute(n), UpdatedAt: minute(updated),
		}
	}
	const image, chart = deployments.ContainerImage, deployments.HelmChart
	entries := history([]deployments.Record{ // newest first
		record(9, "a", image, deployments.Deployed, 9),
		record(8, "a", chart, deployments.Deployed, 8),
		record(7, "b", image, deployments.Superseded, 99),
		record(6, "a", image, deployments.Superseded, 99),
		record(5, "a", image, deployments.Decommissioned, 5),
	})
	var got []string
	for _, e := range entries {
		until := "now"
		if !e.Until.IsZero() {
			until = fmt.Sprint(e.Until.Unix() / 60)
		}
		if e.Rollback {
			until += " rollback"
		}
		got = append(got, until)
	}
	if want := "now rollback, now, 9, 7, 5"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
}
