package deployrecordstest_test

import (
	"context"
	"fmt"
	"log"
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

// This example tests a program that uses the generated client against a server with five records. Tests use Start instead of
// New and Close.
func Example() {
	server, err := deployrecordstest.New(
		deployrecordstest.WithRecordsFile("testdata/records.ndjson"),
		deployrecordstest.WithNow(time.Date(2026, 11, 1, 9, 30, 0, 0, time.UTC)))
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	api, err := client.NewClientWithResponses(server.URL, client.WithHTTPClient(server.Client()))
	if err != nil {
		log.Fatal(err)
	}
	running, err := whatRuns(context.Background(), api, "prod-eu")
	if err != nil {
		log.Fatal(err)
	}
	for _, deployment := range running {
		fmt.Println(deployment)
	}
	// Output:
	// api 1.2.0
	// monitoring 0.9.4
}
