package control_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/contract"
)

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
		{"POST", "/sandboxes?now=0001-01-01T00:00:00Z", "", "", 400, "now: 0001-01-01T00:00:00Z is not in the years 1970 to 9998"},
		{"POST", "/sandboxes?no_w=2026-11-01T09:30:00Z", "", "", 400, "no_w: is not a parameter of POST /sandboxes; the nearest one is now"},
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

func TestTheDocumentIsServedByteForByteAndRevalidated(t *testing.T) {
	s := newStand(t)
	get := func(tag string) (*http.Response, string) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/openapi.control.yaml", nil)
		if err != nil {
			t.Fatal(err)
		}
		if tag != "" {
			request.Header.Set("If-None-Match", tag)
		}
		response, err := s.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response, string(text)
	}
	response, text := get("")
	if text != string(contract.ControlOpenAPI()) || response.Header.Get("Content-Type") != "application/yaml" || response.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("got %s %v %s", response.Status, response.Header, text)
	}
	if again, text := get(response.Header.Get("ETag")); again.StatusCode != http.StatusNotModified || text != "" {
		t.Errorf("with its ETag: got %s %s", again.Status, text)
	}
}
