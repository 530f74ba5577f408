package deployrecordstest_test

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/deployrecordstest"
)

// get lists the deployments of a sandbox over a connection of its own.
func get(t *testing.T, s *deployrecordstest.SandboxServer, query string) (status int, body string, err error) {
	t.Helper()
	s.Client().CloseIdleConnections()
	response, err := s.Client().Get(s.URL + "/v1/deployments?" + query)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

func TestASandboxIsSteeredInTheProcess(t *testing.T) {
	t.Parallel()
	s := deployrecordstest.Sandbox(t, deployrecordstest.WithRecordsFile(file), deployrecordstest.WithNow(now), deployrecordstest.WithSeed(7))
	_, start, _ := get(t, s, "")

	s.Fail(deployrecordstest.Fault{Kind: deployrecordstest.ErrorStatus, Status: 429, Query: url.Values{"environment_name": {"prod-eu"}}})
	s.Fail(deployrecordstest.Fault{Kind: deployrecordstest.Truncate, Bytes: -1, Nth: 2})
	if status, _, err := get(t, s, "environment_name=prod-us"); status != 200 || err != nil {
		t.Errorf("another query: got %d, %v", status, err)
	}
	if status, _, err := get(t, s, "environment_name=prod-eu"); status != 429 || err != nil {
		t.Errorf("got %d, %v, want 429", status, err)
	}
	if _, body, err := get(t, s, ""); !errors.Is(err, io.ErrUnexpectedEOF) || body != "" {
		t.Errorf("got %q, %v", body, err)
	}
	s.Fail(deployrecordstest.Fault{Kind: deployrecordstest.ConnectionReset, Times: deployrecordstest.Always})
	for range 3 {
		if _, _, err := get(t, s, ""); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("got %v, want a reset", err)
		}
	}
	s.Recover()
	if found := s.Journal().Wait(deployrecordstest.RequestFilter{Status: 200}, 3, time.Second); len(found) != 3 || s.Journal().Dropped() != 0 {
		t.Errorf("got %+v", found)
	}

	s.Advance(time.Hour)
	if first := recordIn(t, s); !strings.Contains(first, `"created_at":"2026-11-01T10:30:00Z"`) {
		t.Errorf("after an hour: %s", first)
	}
	s.SetNow(now.AddDate(0, 0, 1))
	records, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Load(records); err != nil {
		t.Error(err)
	}
	if err := s.Load([]byte("{}\n")); err == nil || !strings.HasPrefix(err.Error(), "Load has faults:\n  line 1: id: is missing") {
		t.Errorf("got %v", err)
	}
	s.Journal().Clear()
	s.Reset()
	if _, body, err := get(t, s, ""); body != start || err != nil {
		t.Errorf("after a reset %s, %v, at the start %s", body, err, start)
	}
	first := recordIn(t, s)

	same := deployrecordstest.Sandbox(t, deployrecordstest.WithRecordsFile(file), deployrecordstest.WithNow(now), deployrecordstest.WithSeed(7))
	if got := recordIn(t, same); got != first {
		t.Errorf("the same seed: got %s, want %s", got, first)
	}
	other := deployrecordstest.Sandbox(t, deployrecordstest.WithRecordsFile(file), deployrecordstest.WithNow(now), deployrecordstest.WithSeed(8))
	if got := recordIn(t, other); got == first {
		t.Errorf("another seed has the same ids: %s", got)
	}
}

func recordIn(t *testing.T, s *deployrecordstest.SandboxServer) string {
	t.Helper()
	return record(t, s.Server, "new")
}

func TestInvalidUseOfASandboxEndsTheTest(t *testing.T) {
	t.Parallel()
	for want, use := range map[string]func(*deployrecordstest.SandboxServer){
		"Fail: kind: \"stauts\" is not one of status, delay,": func(s *deployrecordstest.SandboxServer) { s.Fail(deployrecordstest.Fault{Kind: "stauts"}) },
		"SetNow: 0001-01-01T00:00:00Z is not in the years":    func(s *deployrecordstest.SandboxServer) { s.SetNow(time.Time{}) },
		"Advance: 0s is not more than 0s":                     func(s *deployrecordstest.SandboxServer) { s.Advance(0) },
		"Mint: broken: \"x\" is not one of expired,":          func(s *deployrecordstest.SandboxServer) { s.Mint(deployrecordstest.TokenOptions{Broken: "x"}) },
		"Wait: 0 of 1 requests matched within 1ms": func(s *deployrecordstest.SandboxServer) {
			s.Journal().Wait(deployrecordstest.RequestFilter{}, 1, time.Millisecond)
		},
	} {
		failed := &failing{TB: t}
		func() {
			s := deployrecordstest.Sandbox(failed)
			defer func() { _ = recover() }()
			use(s)
		}()
		if !strings.HasPrefix(failed.message, "deployrecordstest: "+want) {
			t.Errorf("the test failed with %q, want %s", failed.message, want)
		}
	}
	if _, err := deployrecordstest.NewSandbox(deployrecordstest.WithRecordsFile("nowhere.ndjson")); err == nil || !strings.Contains(err.Error(), "nowhere.ndjson") {
		t.Errorf("got %v", err)
	}
}

// The server of Start has none of this.
func TestStartIgnoresTheHeaderPrefer(t *testing.T) {
	server := deployrecordstest.Start(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v1/deployments", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Prefer", "code=503")
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("got %s", response.Status)
	}
}
