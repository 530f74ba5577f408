package deployrecordstest_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/deployrecordstest"
	"github.com/deployrecords/deployrecords/generated/client"
)

// whatRuns is the program under test. It lists the deployed records of an environment.
func whatRuns(ctx context.Context, api client.ClientWithResponsesInterface, environment string) ([]string, error) {
	var running []string
	status, history, size := client.ListDeploymentRecordsParamsStatusDEPLOYED, true, int32(1)
	for page, pages := int32(0), int32(1); page < pages; page++ {
		answer, err := api.ListDeploymentRecordsWithResponse(ctx, &client.ListDeploymentRecordsParams{
			EnvironmentName: &environment, Status: &status, FullHistory: &history, Page: &page, PageSize: &size,
		})
		if err != nil {
			return nil, err
		}
		if answer.JSON200 == nil {
			return nil, fmt.Errorf("%s: %s", answer.Status(), answer.Body)
		}
		for _, record := range answer.JSON200.DeploymentRecords {
			running = append(running, record.DeploymentName+" "+record.Artifact.Version)
		}
		pages = answer.JSON200.Pagination.TotalPages
	}
	return running, nil
}

func TestWhatRuns(t *testing.T) {
	server := deployrecordstest.Start(t,
		deployrecordstest.WithRecordsFile("testdata/records.ndjson"),
		deployrecordstest.WithNow(time.Date(2026, 11, 1, 9, 30, 0, 0, time.UTC)))

	api, err := client.NewClientWithResponses(server.URL, client.WithHTTPClient(server.Client()))
	if err != nil {
		t.Fatal(err)
	}
	running, err := whatRuns(t.Context(), api, "prod-eu")
	if want := []string{"api 1.2.0", "monitoring 0.9.4"}; err != nil || !slices.Equal(running, want) {
		t.Errorf("got %q, %v, want %q", running, err, want)
	}
}
