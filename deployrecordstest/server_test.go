package deployrecordstest_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/deployrecords/deployrecords/deployrecordstest"
	"github.com/deployrecords/deployrecords/generated/client"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/contracttest"
)

var now = time.Date(2026, 11, 1, 9, 30, 0, 0, time.UTC)

const file = "testdata/records.ndjson"

// history lists all records of the server through a client that checks responses against the OpenAPI document.
func history(t *testing.T, server *deployrecordstest.Server) client.DeploymentRecordList {
	t.Helper()
	api, err := client.NewClientWithResponses(server.URL, client.WithHTTPClient(sending{contracttest.Client(t), server.Token}))
	if err != nil {
		t.Fatal(err)
	}
	all := true
	answer, err := api.ListDeploymentRecordsWithResponse(t.Context(), &client.ListDeploymentRecordsParams{FullHistory: &all})
	if err != nil || answer.JSON200 == nil {
		t.Fatalf("%v, %+v", err, answer)
	}
	return *answer.JSON200
}

type sending struct {
	*http.Client
	token string
}

func (s sending) Do(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "Bearer "+s.token)
	return s.Client.Do(r)
}

// record records a deployment and returns the Date header and the body of the response.
func record(t *testing.T, server *deployrecordstest.Server, environment string) string {
	t.Helper()
	body := `{"environment_name":"` + environment + `","deployment_name":"api","kind":"CONTAINER_IMAGE","artifact_digest":"sha256:6d474119abde5f03938587461518da550292aae2e86c60b840cfff878981f0c8"}`
	response, err := server.Client().Post(server.URL+contract.RecordingPath, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s %s, %v", response.Status, answer, err)
	}
	return response.Header.Get("Date") + "\n" + string(answer)
}

func TestParallelServersHaveSeparateRecords(t *testing.T) {
	var first string
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			server := deployrecordstest.Start(t, deployrecordstest.WithRecordsFile(file), deployrecordstest.WithNow(now))
			if i == 0 {
				first = record(t, server, "new")
				if !strings.HasPrefix(first, "Sun, 01 Nov 2026 09:30:00 GMT\n") || !strings.Contains(first, `"created_at":"2026-11-01T09:30:00Z"`) {
					t.Errorf("got %s", first)
				}
				return
			}
			t.Parallel()
			if got := record(t, server, "new"); got != first {
				t.Errorf("got %s, the first server answered %s", got, first)
			}
			if got := history(t, server); got.Pagination.TotalCount != 6 {
				t.Errorf("%d records, want 6", got.Pagination.TotalCount)
			}
		})
	}
}

func TestRecordOptionsAddUp(t *testing.T) {
	lines, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	first, rest, _ := bytes.Cut(lines, []byte("\n"))
	whole := history(t, deployrecordstest.Start(t, deployrecordstest.WithRecordsFile(file), deployrecordstest.WithNow(now)))
	last := whole.DeploymentRecords[0]
	server := deployrecordstest.Start(t,
		deployrecordstest.WithRecordsFrom(bytes.NewReader(first)),
		deployrecordstest.WithRecordsFrom(bytes.NewReader(rest)),
		// A record that exists already changes nothing. Its times and ids are optional.
		deployrecordstest.WithRecords(client.DeploymentRecord{
			Id: last.Id, EnvironmentName: last.EnvironmentName, LogicalEnvironmentName: last.LogicalEnvironmentName,
			DeploymentName: last.DeploymentName, Status: last.Status, Artifact: last.Artifact, CreatedAt: last.CreatedAt,
		}))
	if got := history(t, server); got.Pagination != whole.Pagination {
		t.Errorf("got %+v, want %+v", got.Pagination, whole.Pagination)
	}
	// Records of the API are accepted unchanged.
	copied := history(t, deployrecordstest.Start(t, deployrecordstest.WithRecords(whole.DeploymentRecords...)))
	if copied.Pagination != whole.Pagination || len(copied.DeploymentRecords) != 5 {
		t.Fatalf("got %+v", copied)
	}
	for i, got := range copied.DeploymentRecords {
		want := whole.DeploymentRecords[i]
		if got.Id != want.Id || got.EnvironmentId != want.EnvironmentId || got.ArtifactId != want.ArtifactId || !got.UpdatedAt.Equal(want.UpdatedAt) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

func TestInvalidOptionsAreReported(t *testing.T) {
	for want, options := range map[string][]deployrecordstest.Option{
		"WithRecordsFile: open nowhere.ndjson: no such file":                      {deployrecordstest.WithRecordsFile("nowhere.ndjson")},
		"WithRecordsFrom: broken":                                                 {deployrecordstest.WithRecordsFrom(iotest.ErrReader(errors.New("broken")))},
		"WithRecordsFrom has faults:\n  line 2: is a string":                      {deployrecordstest.WithRecordsFrom(strings.NewReader("\n\"x\"\n"))},
		"WithNow: 0001-01-01T00:00:00Z is not in the years 1970 to 9998":          {deployrecordstest.WithNow(time.Time{})},
		file + " has faults:\n  line 1: updated_at: 2026-10-15T14:20:00Z is more": {deployrecordstest.WithNow(now.AddDate(0, -1, 0)), deployrecordstest.WithRecordsFile(file)},
	} {
		server, err := deployrecordstest.New(options...)
		if err == nil || !strings.HasPrefix(err.Error(), "deployrecordstest: "+want) || server != nil {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	failed := &failing{TB: t}
	func() {
		defer func() { _ = recover() }()
		deployrecordstest.Start(failed, deployrecordstest.WithRecordsFile("nowhere.ndjson"))
	}()
	if !strings.Contains(failed.message, "nowhere.ndjson") {
		t.Errorf("the test failed with %q", failed.message)
	}
}

// failing is a test that keeps the message of Fatal.
type failing struct {
	testing.TB
	message string
}

func (f *failing) Fatal(args ...any) {
	f.message = fmt.Sprint(args...)
	panic("the end of the test")
}

func TestTheClientSendsTheTokenOnlyToItsServer(t *testing.T) {
	server := deployrecordstest.Start(t)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get("Authorization"))
	}))
	defer elsewhere.Close()
	get := func(url, authorization string) (int, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if authorization != "" {
			request.Header.Set("Authorization", authorization)
		}
		response, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		if got := request.Header.Get("Authorization"); got != authorization {
			t.Errorf("the caller's request was changed to %q", got)
		}
		return response.StatusCode, string(body)
	}
	if status, body := get(server.URL+"/v1/deployments", ""); status != http.StatusOK {
		t.Errorf("got %d %s", status, body)
	}
	if status, body := get(server.URL+"/v1/deployments", "Bearer another"); status != http.StatusUnauthorized {
		t.Errorf("got %d %s", status, body)
	}
	if _, body := get(elsewhere.URL, ""); body != "" {
		t.Errorf("elsewhere received %q", body)
	}
}

func TestAClosedServerDoesNotListen(t *testing.T) {
	server, err := deployrecordstest.New()
	if err != nil {
		t.Fatal(err)
	}
	if response, err := server.Client().Get(server.URL + "/readyz"); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("got %v, %v", response, err)
	}
	for range 2 {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}
	if response, err := http.Get(server.URL + "/healthz"); err == nil {
		t.Errorf("it answers %s", response.Status)
	}
}
