package control_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/generated/control/client"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/httpserver"
)

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
	if text, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK || !strings.Contains(string(text), `"deployment_name":"deployment_name"`) {
		t.Errorf("dynamic=false: got %s %s", response.Status, text)
	}
}

// A document describes the errors of an operation. Clients need not understand others.
func TestAFaultHasAStatusOfItsOperation(t *testing.T) {
	s := newStand(t)
	box := s.create("")
	batch := contract.RecordingPath + "/batch"
	for body, want := range map[string]string{
		`{"kind":"status","status":422,"match":{"path":"` + batch + `"}}`:                  "status: 422 is not an error of POST " + batch + ": those are 400, 401, 403, 409, 413, 415, 429, 431, 500, 503, 504",
		`{"kind":"status","status":404,"match":{"method":"POST"}}`:                         "status: 404 is not an error of POST " + contract.RecordingPath + " or POST " + batch + ": those are 400, 401, 403, 409,",
		`{"kind":"status","status":404,"match":{"path":"/v1/deployments","method":"GET"}}`: "",
		`{"kind":"status","status":404,"match":{"path":"/v1/nothing"}}`:                    "",
	} {
		status, got := s.send(http.MethodPost, "/sandboxes/"+box.Organization+"/faults", "application/json", body)
		if (status == http.StatusOK) != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: got %d %s", body, status, got)
		}
	}
	if r, err := s.api.RemoveFaultsWithResponse(t.Context(), box.Organization); err != nil || r.StatusCode() != http.StatusNoContent {
		t.Errorf("got %v, %v", r, err)
	}
	if added, err := s.api.AddFaultWithResponse(t.Context(), box.Organization, client.Fault{Kind: "status", Status: new(int32(422))}); err != nil || added.JSON200 == nil {
		t.Fatalf("%v, %s", err, added.Body)
	}
	for _, c := range []struct {
		path string
		want int
	}{{batch, 400}, {contract.RecordingPath, 422}, {contract.RecordingPath, 400}} {
		if got, body := s.request(http.MethodPost, box.Url+c.path, box.Token, "{}"); got != c.want {
			t.Errorf("%s: got %d %s, want %d", c.path, got, body, c.want)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, box.Url+batch, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Prefer", "code=422")
	response, err := s.checked.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, _ := io.ReadAll(response.Body); !strings.Contains(string(text), "Prefer: code=422 is not an error of POST "+batch+": those are 400,") {
		t.Errorf("got %s %s", response.Status, text)
	}
}

// Half of a compressed body would be no JSON at all.
func TestDamagedBodiesAreNotCompressed(t *testing.T) {
	s := newStandOf(t, false, func(o *httpserver.Options) { o.Gzip = true })
	box := s.create(records(t))
	get := func() (encoding, text string, err error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, box.Url+"/v1/deployments", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+box.Token)
		request.Header.Set("Accept-Encoding", "gzip")
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		read, err := io.ReadAll(response.Body)
		return response.Header.Get("Content-Encoding"), string(read), err
	}
	_, whole := s.request(http.MethodGet, box.Url+"/v1/deployments", box.Token, "")
	if encoding, _, _ := get(); encoding != "gzip" {
		t.Fatalf("without a fault, the encoding is %q", encoding)
	}
	for kind, want := range map[string]struct {
		text string
		err  error
	}{
		"malformed-json": {whole[:len(whole)/2], nil},
		"truncate":       {whole[:len(whole)/2], io.ErrUnexpectedEOF},
		"trickle":        {whole, nil},
	} {
		fault := client.Fault{Kind: kind}
		if kind == "trickle" {
			fault.Bytes, fault.Pause = new(int32(1000)), new("1ms")
		}
		if added, err := s.api.AddFaultWithResponse(t.Context(), box.Organization, fault); err != nil || added.JSON200 == nil {
			t.Fatalf("%v, %s", err, added.Body)
		}
		if encoding, text, err := get(); encoding != "" || text != want.text || !errors.Is(err, want.err) {
			t.Errorf("%s: got %q, %v, encoding %q", kind, text, err, encoding)
		}
	}
}
