package deployrecordstest_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/deployrecords/deployrecords/deployrecordstest"
	"github.com/deployrecords/deployrecords/generated/client"
)

// This example tests a program that uses the generated client against a server with five records. Tests use Start instead of
// New and Close. whatRuns is the program under test, in whatruns_test.go.
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
