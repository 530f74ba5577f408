package control_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/generated/control/client"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/contracttest"
	"github.com/deployrecords/deployrecords/internal/control"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/faults"
	"github.com/deployrecords/deployrecords/internal/httpserver"
	"github.com/deployrecords/deployrecords/internal/sandbox"
)

// stand is a program whose sandboxes are steered by the control API.
type stand struct {
	t       *testing.T
	url     string
	handler http.Handler
	// client checks each response of the control API against its document, and api uses it.
	client *http.Client
	api    *client.ClientWithResponses
	// checked checks each response of a sandbox against the documents of the API.
	checked *http.Client
}

// newStand starts a program. Its main sandbox has no listener.
func newStand(t *testing.T) *stand {
	t.Helper()
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	main, err := sandbox.New(t.Context(), sandbox.Options{Organization: "test"})
	if err != nil {
		t.Fatal(err)
	}
	examples, err := faults.ReadExamples(deployrecords.OpenAPI(), contract.RecordingOpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	set, err := sandbox.NewSet(main, httpserver.Options{
		Paging: deployments.DefaultPaging(), Document: deployrecords.OpenAPI(), RecordingDocument: contract.RecordingOpenAPI(),
		AutoCreate: true, Logger: logger, Limits: httpserver.DefaultLimits(),
	}, httpserver.New, "127.0.0.1", examples)
	if err != nil {
		t.Fatal(err)
	}
	handler, err := control.New(set, logger)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(func() {
		server.Close()
		set.Close()
		_ = main.Store.Close()
	})
	checking := contracttest.ClientOf(t, contract.ControlOpenAPI())
	api, err := client.NewClientWithResponses(server.URL, client.WithHTTPClient(checking))
	if err != nil {
		t.Fatal(err)
	}
	return &stand{t, server.URL, handler, checking, api, contracttest.Client(t)}
}

func records(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../deployrecordstest/testdata/records.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var now = time.Date(2026, 11, 1, 9, 30, 0, 0, time.UTC)

// create creates a sandbox with the records.
func (s *stand) create(ndjson string) *client.Sandbox {
	s.t.Helper()
	response, err := s.api.CreateSandboxWithBodyWithResponse(context.Background(), &client.CreateSandboxParams{Now: &now, Seed: new(int64(7))}, "application/x-ndjson", strings.NewReader(ndjson))
	if err != nil || response.JSON200 == nil {
		s.t.Fatalf("%v, %s", err, response.Body)
	}
	return response.JSON200
}

// request sends a request to a sandbox with a token and returns the status and the body.
func (s *stand) request(method, url, token, body string) (int, string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := s.checked.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// list returns the first page of a sandbox.
func (s *stand) list(box *client.Sandbox) string {
	s.t.Helper()
	status, body := s.request(http.MethodGet, box.Url+"/v1/deployments?full_history=true", box.Token, "")
	if status != http.StatusOK {
		s.t.Errorf("got %d %s", status, body)
	}
	return body
}

// record records a deployment in a sandbox and returns the response.
func (s *stand) record(box *client.Sandbox) string {
	s.t.Helper()
	status, body := s.request(http.MethodPost, box.Url+contract.RecordingPath, box.Token,
		`{"environment_name":"new","deployment_name":"api","kind":"CONTAINER_IMAGE","artifact_digest":"sha256:6d474119abde5f03938587461518da550292aae2e86c60b840cfff878981f0c8"}`)
	if status != http.StatusOK {
		s.t.Errorf("got %d %s", status, body)
	}
	return body
}

func TestSandboxesAreSeparateAndTheSameInEveryRun(t *testing.T) {
	s := newStand(t)
	one, other := s.create(records(t)), s.create(records(t))
	start := s.list(one)
	if one.Organization == other.Organization || one.Url == other.Url || start != s.list(other) || !strings.Contains(start, `"total_count":5`) {
		t.Errorf("%+v and %+v start with\n%s and\n%s", one, other, start, s.list(other))
	}
	first := s.record(one)
	if !strings.Contains(first, `"created_at":"2026-11-01T09:30:00Z"`) || s.list(one) == start || s.list(other) != start {
		t.Errorf("recorded %s", first)
	}
	if second := s.record(other); second != first {
		t.Errorf("the same request was answered by\n%s and\n%s", first, second)
	}
	if status, body := s.request(http.MethodGet, other.Url+"/v1/deployments", one.Token, ""); status != http.StatusUnauthorized {
		t.Errorf("the token of another sandbox: %d %s", status, body)
	}

	// A reset restores the start, byte for byte, with the clock and generated ids.
	if r, err := s.api.SetClockWithResponse(t.Context(), one.Organization, client.ClockChange{Advance: new("36h")}); err != nil || r.JSON200 == nil || !r.JSON200.Now.Equal(now.Add(36*time.Hour)) {
		t.Errorf("got %v, %v", r, err)
	}
	if r, err := s.api.LoadRecordsWithBodyWithResponse(t.Context(), one.Organization, "application/x-ndjson", strings.NewReader(records(t))); err != nil || r.JSON200 == nil || r.JSON200.Unchanged != 5 {
		t.Errorf("got %v, %v", r, err)
	}
	if r, err := s.api.ResetSandboxWithResponse(t.Context(), one.Organization); err != nil || r.JSON200 == nil || !r.JSON200.Now.Equal(now) || r.JSON200.Token != one.Token {
		t.Errorf("got %v, %v", r, err)
	}
	if got := s.list(one); got != start {
		t.Errorf("after a reset\n%s, at the start\n%s", got, start)
	}
	if again := s.record(one); again != first {
		t.Errorf("after a reset\n%s, at the start\n%s", again, first)
	}

	if r, err := s.api.ListSandboxesWithResponse(t.Context()); err != nil || r.JSON200 == nil || len(r.JSON200.Sandboxes) != 3 || r.JSON200.Sandboxes[0].Organization != "test" {
		t.Errorf("got %v, %v", r, err)
	}
	if r, err := s.api.DeleteSandboxWithResponse(t.Context(), one.Organization); err != nil || r.StatusCode() != http.StatusNoContent {
		t.Errorf("got %v, %v", r, err)
	}
	if response, err := http.Get(one.Url + "/healthz"); err == nil {
		t.Errorf("after its end, the sandbox answers %s", response.Status)
	}
	s.list(other)
}

func TestEveryErrorOfAFaultPassesBothValidators(t *testing.T) {
	s := newStand(t)
	box := s.create("")
	for _, c := range []struct {
		method, path string
		statuses     []int32
	}{
		{http.MethodGet, "/v1/deployments", []int32{400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 431, 500, 501, 503, 504}},
		{http.MethodPost, contract.RecordingPath, []int32{400, 401, 403, 409, 413, 415, 422, 429, 431, 500, 503, 504}},
		{http.MethodPost, contract.RecordingPath + "/batch", []int32{400, 401, 403, 409, 413, 415, 429, 431, 500, 503, 504}},
	} {
		for _, status := range c.statuses {
			added, err := s.api.AddFaultWithResponse(t.Context(), box.Organization, client.Fault{Kind: "status", Status: &status, Match: &client.Match{Method: &c.method}})
			if err != nil || added.JSON200 == nil {
				t.Fatalf("%v, %s", err, added.Body)
			}
			if got, body := s.request(c.method, box.Url+c.path, box.Token, ""); got != int(status) {
				t.Errorf("%s %s: got %d %s, want %d", c.method, c.path, got, body, status)
			}
		}
	}
	faults, err := s.api.ListFaultsWithResponse(t.Context(), box.Organization)
	if err != nil || faults.JSON200 == nil || len(faults.JSON200.Faults) != 38 {
		t.Fatalf("got %v, %v", faults, err)
	}
	for _, fault := range faults.JSON200.Faults {
		if fault.Used != 1 {
			t.Errorf("%s was used %d times", fault.Id, fault.Used)
		}
	}
	// The journal has every request with its fault.
	journal, err := s.api.ReadJournalWithResponse(t.Context(), box.Organization, &client.ReadJournalParams{Status: new(int32(503)), AtLeast: new(int32(3))})
	if err != nil || journal.JSON200 == nil || journal.JSON200.Count != 3 || *journal.JSON200.Requests[0].Fault == "" {
		t.Errorf("got %v, %v", journal, err)
	}
	if r, err := s.api.RemoveFaultWithResponse(t.Context(), box.Organization, "fault-1"); err != nil || r.StatusCode() != http.StatusNoContent {
		t.Errorf("got %v, %v", r, err)
	}
	if r, err := s.api.RemoveFaultsWithResponse(t.Context(), box.Organization); err != nil || r.StatusCode() != http.StatusNoContent {
		t.Errorf("got %v, %v", r, err)
	}
	if r, err := s.api.ClearJournalWithResponse(t.Context(), box.Organization); err != nil || r.StatusCode() != http.StatusNoContent {
		t.Errorf("got %v, %v", r, err)
	}
	if r, err := s.api.ReadJournalWithResponse(t.Context(), box.Organization, &client.ReadJournalParams{}); err != nil || r.JSON200 == nil || r.JSON200.Count != 0 {
		t.Errorf("got %v, %v", r, err)
	}
}

func TestMintedTokensHaveTheStatusesOfR4(t *testing.T) {
	s := newStand(t)
	box := s.create(records(t))
	for _, c := range []struct {
		request     client.TokenRequest
		read, write int
	}{
		{client.TokenRequest{}, 200, 403},
		{client.TokenRequest{Scopes: &[]string{"deployments:write"}}, 403, 200},
		{client.TokenRequest{Scopes: &[]string{"deployments:read", "deployments:write"}, Ttl: new("10m"), Subject: new("a")}, 200, 200},
		{client.TokenRequest{Project: new("another")}, 200, 403},
		{client.TokenRequest{Broken: new("expired")}, 401, 401},
		{client.TokenRequest{Broken: new("wrong-key")}, 401, 401},
		{client.TokenRequest{Broken: new("wrong-audience")}, 401, 401},
		{client.TokenRequest{Broken: new("no-scope")}, 403, 403},
	} {
		minted, err := s.api.MintTokenWithResponse(t.Context(), box.Organization, c.request)
		if err != nil || minted.JSON200 == nil {
			t.Fatalf("%+v: %v, %s", c.request, err, minted.Body)
		}
		read, list := s.request(http.MethodGet, box.Url+"/v1/deployments", minted.JSON200.Token, "")
		write, _ := s.request(http.MethodPost, box.Url+contract.RecordingPath, minted.JSON200.Token,
			`{"environment_name":"new","deployment_name":"api","kind":"CONTAINER_IMAGE","artifact_digest":"sha256:6d474119abde5f03938587461518da550292aae2e86c60b840cfff878981f0c8"}`)
		if read != c.read || write != c.write {
			t.Errorf("%+v: got %d and %d, want %d and %d", c.request, read, write, c.read, c.write)
		}
		if c.request.Project != nil && !strings.Contains(list, `"total_count":0`) {
			t.Errorf("%+v: lists %s", c.request, list)
		}
	}
}

// send sends a request to the control API that the generated client cannot make, and returns the status and the body.
func (s *stand) send(method, path, contentType, body string) (int, string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := s.client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}

func TestInvalidRequestsAreReported(t *testing.T) {
	s := newStand(t)
	const ndjson, json = "application/x-ndjson", "application/json"
	for _, c := range []struct {
		method, path, contentType, body string
		status                          int
		want                            string
	}{
		{"POST", "/sandboxes", ndjson, records(t) + "{}\n", 400, `["line 6: id: is missing","line 6: environment_name: is missing"`},
		{"POST", "/sandboxes", ndjson, "\x1f\x8b", 400, "body: line 1 could not be read"},
		{"POST", "/sandboxes", "text/csv", "a,b", 415, `Content-Type: \"text/csv\" is not application/x-ndjson`},
		{"POST", "/sandboxes?now=1969-01-01T00:00:00Z", "", "", 400, "now: 1969-01-01T00:00:00Z is not in the years 1970 to 9998"},
		{"POST", "/sandboxes?nowe=2026-11-01T09:30:00Z", "", "", 400, "nowe: is not a parameter of POST /sandboxes; the nearest one is now"},
		{"POST", "/sandboxes?seed=x", "", "", 400, `seed: \"x\" is not a whole decimal number`},
		{"GET", "/sandboxes/sandbox-1", "", "", 404, `there is no sandbox \"sandbox-1\"`},
		{"DELETE", "/sandboxes/test", "", "", 409, "the server of DEPLOYRECORDS_URL ends with the program"},
		{"POST", "/sandboxes/test/records", ndjson, "{}", 400, "line 1: id: is missing"},
		{"PUT", "/sandboxes/test/clock", json, `{}`, 400, "body: has not exactly one of now and advance"},
		{"PUT", "/sandboxes/test/clock", json, `{"advance":"yesterday"}`, 400, `advance: \"yesterday\" is not a duration such as 300ms or 24h`},
		{"PUT", "/sandboxes/test/clock", json, `{"advance":"-1h"}`, 400, `advance: \"-1h\" is not more than 0s`},
		{"PUT", "/sandboxes/test/clock", json, `{"advance":"2000000h","now":"2026-11-01T09:30:00Z"}`, 400, "exactly one of now and advance"},
		{"PUT", "/sandboxes/test/clock", "text/plain", `{}`, 415, "is not application/json in UTF-8"},
		{"POST", "/sandboxes/test/faults", json, `{"kind":"stauts"}`, 400, "the nearest one is status"},
		{"POST", "/sandboxes/test/faults", json, `{}`, 400, "kind: is missing"},
		{"POST", "/sandboxes/test/faults", json, `{"kind":"delay","delay":{"fixed":"soon"}}`, 400, `delay.fixed: \"soon\" is not a duration`},
		{"POST", "/sandboxes/test/faults", json, `{"kind":"reset","match":{"query":"%zz"}}`, 400, `match.query: \"%zz\" is not a query such as environment_name=prod-eu`},
		{"POST", "/sandboxes/test/faults", json, `{"kind":"reset","count":3}`, 400, "count: is not a member that the contract knows"},
		{"DELETE", "/sandboxes/test/faults/fault-9", "", "", 404, `there is no fault \"fault-9\"`},
		{"POST", "/sandboxes/test/tokens", json, `{"broken":"expird"}`, 400, "broken: \\\"expird\\\" is not one of expired, wrong-key, wrong-audience, no-scope; the nearest one is expired"},
		{"POST", "/sandboxes/test/tokens", json, `{"scopes":["read"],"ttl":"1d"}`, 400, `ttl: \"1d\" is not a duration`},
		{"GET", "/sandboxes/test/journal?at_least=1&within=1ms", "", "", 504, "0 of 1 requests matched within 1ms"},
		{"GET", "/sandboxes/test/journal?within=2m&at_least=1", "", "", 400, "within: 2m0s is more than 1m0s"},
		{"GET", "/sandboxes/test/journal?within=2s", "", "", 400, "within: goes with at_least only"},
		{"GET", "/sandboxes/test/jurnal", "", "", 404, "there is nothing at this path"},
		{"PATCH", "/sandboxes", "", "", 405, "PATCH is not a method of this path"},
	} {
		if status, body := s.send(c.method, c.path, c.contentType, c.body); status != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s %s %s: got %d %s, want %d %s", c.method, c.path, c.body, status, body, c.status, c.want)
		}
	}
	if r, err := s.api.ListSandboxesWithResponse(t.Context()); err != nil || len(r.JSON200.Sandboxes) != 1 {
		t.Errorf("an invalid request created a sandbox: %v, %v", r, err)
	}
}

func TestPagesOfAnotherOriginCannotSteer(t *testing.T) {
	s := newStand(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/sandboxes", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("got %s", response.Status)
	}
}

// The sandboxes of --control 0.0.0.0:80 listen on every address.
func TestClientsOfAnotherMachineGetAnAddressThatTheyReach(t *testing.T) {
	s := newStand(t)
	box := s.create("")
	r := httptest.NewRequest(http.MethodGet, "/sandboxes/"+box.Organization, nil)
	r = r.WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(203, 0, 113, 7), Port: 80}))
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if want := strings.Replace(box.Url, "127.0.0.1", "203.0.113.7", 1); !strings.Contains(w.Body.String(), `"url":"`+want+`"`) {
		t.Errorf("got %s, want %s", w.Body, want)
	}
}

func TestTheHeaderPreferSelectsErrorsInTheirSchemas(t *testing.T) {
	s := newStand(t)
	box := s.create(records(t))
	for _, c := range []struct {
		prefer string
		status int
		want   string
	}{
		{"code=400", 400, `"code":3`},
		{"code=401", 401, `"code":16`},
		{"code=403", 403, `"code":7`},
		{"code=500", 500, `"code":13`},
		{"code=503", 503, `"code":14`},
		{"code=299", 400, `Prefer: code=\"299\" is neither 200 nor an error of the API`},
		{"code=200", 200, `"total_count":4`},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, box.Url+"/v1/deployments", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+box.Token)
		request.Header.Set("Prefer", c.prefer)
		response, err := s.checked.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != c.status || !strings.Contains(string(text), c.want) {
			t.Errorf("%s: got %s %s", c.prefer, response.Status, text)
		}
	}
	// The example of the document is of other records.
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, box.Url+"/v1/deployments", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+box.Token)
	request.Header.Set("Prefer", "dynamic=false")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, _ := io.ReadAll(response.Body); response.StatusCode != 200 || !strings.Contains(string(text), `"deployment_name":"deployment_name"`) {
		t.Errorf("dynamic=false: got %s %s", response.Status, text)
	}
}

func TestTheDocumentIsServedByteForByte(t *testing.T) {
	response, err := http.Get(newStand(t).url + "/openapi.control.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(response.Body); err != nil || string(text) != string(contract.ControlOpenAPI()) || response.Header.Get("Content-Type") != "application/yaml" {
		t.Errorf("got %s %s, %v", response.Status, text, err)
	}
}
