package control_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/generated/control/client"
	"github.com/deployrecords/deployrecords/internal/contract"
)

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

// The sandboxes of --control 0.0.0.0:80 listen on every address.
func TestClientsOfAnotherMachineGetAnAddressThatTheyReach(t *testing.T) {
	s := newStand(t)
	box := s.create("")
	r := httptest.NewRequest(http.MethodGet, "http://localhost/sandboxes/"+box.Organization, nil)
	r = r.WithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(203, 0, 113, 7), Port: 80}))
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	if want := strings.Replace(box.Url, "127.0.0.1", "203.0.113.7", 1); !strings.Contains(w.Body.String(), `"url":"`+want+`"`) {
		t.Errorf("got %s, want %s", w.Body, want)
	}
}

func TestARequestFromBeforeAResetLeavesNoTrace(t *testing.T) {
	s := newStand(t)
	box := s.create(records(t))
	start := s.list(box)
	delay := client.Fault{Kind: "delay", Delay: &client.Delay{Fixed: new("10m")}}
	if added, err := s.api.AddFaultWithResponse(t.Context(), box.Organization, delay); err != nil || added.JSON200 == nil {
		t.Fatalf("%v, %s", err, added.Body)
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		s.request(http.MethodPost, box.Url+contract.RecordingPath, box.Token,
			`{"environment_name":"new","deployment_name":"api","kind":"CONTAINER_IMAGE","artifact_digest":"sha256:6d474119abde5f03938587461518da550292aae2e86c60b840cfff878981f0c8"}`)
	}()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		faults, err := s.api.ListFaultsWithResponse(t.Context(), box.Organization)
		if err != nil || faults.JSON200 == nil || time.Now().After(deadline) {
			t.Fatalf("got %v, %v", faults, err)
		}
		if faults.JSON200.Faults[0].Used == 1 {
			break
		}
	}
	if r, err := s.api.ResetSandboxWithResponse(t.Context(), box.Organization); err != nil || r.JSON200 == nil {
		t.Errorf("got %v, %v", r, err)
	}
	<-answered
	journal, err := s.api.ReadJournalWithResponse(t.Context(), box.Organization, &client.ReadJournalParams{})
	if err != nil || journal.JSON200 == nil || journal.JSON200.Count != 0 {
		t.Errorf("the journal has %s, %v", journal.Body, err)
	}
	if got := s.list(box); got != start {
		t.Errorf("after the reset\n%s, at the start\n%s", got, start)
	}
}

// The sandbox ends while it is reset.
func TestAResetOfAnEndedSandboxIsA404(t *testing.T) {
	s := newStand(t)
	box := s.create("")
	ending, err := s.set.Get(box.Organization)
	if err != nil {
		t.Fatal(err)
	}
	if err := ending.Store.Close(); err != nil {
		t.Fatal(err)
	}
	if r, err := s.api.ResetSandboxWithResponse(t.Context(), box.Organization); err != nil || r.StatusCode() != http.StatusNotFound {
		t.Errorf("got %v, %v", r, err)
	}
}

// A small body may have many records.
func TestRecordsBeyondTheLimitOfAllSandboxesAreA429(t *testing.T) {
	s := newStand(t)
	box := s.create("")
	var part bytes.Buffer
	w := gzip.NewWriter(&part)
	if _, err := w.Write(bytes.Repeat([]byte("\n"), 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	zipped := strings.Repeat(part.String(), 200)
	for _, path := range []string{"/sandboxes", "/sandboxes/" + box.Organization + "/records"} {
		status, body := s.send(http.MethodPost, path, "application/x-ndjson", zipped)
		if status != http.StatusTooManyRequests || !strings.Contains(body, "more than the limit of 1024 MiB; DELETE /sandboxes/{organization} of the control API ends a sandbox") {
			t.Errorf("%s: got %d %s", path, status, body)
		}
	}
}
