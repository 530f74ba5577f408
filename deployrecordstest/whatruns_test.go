package deployrecordstest_test

import (
	"slices"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/deployrecordstest"
	"github.com/deployrecords/deployrecords/generated/client"
)

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
