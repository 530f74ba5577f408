package sandbox

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/fixture"
	"github.com/deployrecords/deployrecords/internal/httpserver"
)

// newSet returns a set whose sandboxes may take some bytes together.
func newSet(t *testing.T, limit int64) *Set {
	t.Helper()
	main, err := New(t.Context(), Options{Organization: "test"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSet(main, httpserver.Options{
		Paging: deployments.DefaultPaging(), Document: deployrecords.OpenAPI(), RecordingDocument: contract.RecordingOpenAPI(),
		AutoCreate: true, Logger: slog.New(slog.DiscardHandler), Limits: httpserver.DefaultLimits(),
	}, nil, "127.0.0.1", nil)
	if err != nil {
		t.Fatal(err)
	}
	s.records.limit = limit
	t.Cleanup(func() {
		s.Close()
		_ = main.Store.Close()
		if held := s.records.held.Load(); held != 0 {
			t.Errorf("without sandboxes, the budget holds %d bytes", held)
		}
	})
	return s
}

// history returns a file of n records of one slot.
func history(n int) fixture.File {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `{"id":"%08x-0000-4000-8000-000000000000","environment_name":"prod-eu","deployment_name":"api","status":"SUPERSEDED",`+
			`"created_at":"2026-10-15T14:20:00.%06dZ","artifact":{"kind":"CONTAINER_IMAGE","digest":"sha256:%064x"}}`+"\n", i+1, i, i+1)
	}
	return fixture.File{Name: "history", Data: []byte(text.String())}
}

func zipped(t *testing.T, file fixture.File) fixture.File {
	t.Helper()
	var data bytes.Buffer
	w := gzip.NewWriter(&data)
	if _, err := w.Write(file.Data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return fixture.File{Name: file.Name, Data: data.Bytes()}
}

func requireFull(t *testing.T, what string, err error) {
	t.Helper()
	problem, ok := errors.AsType[*api.Problem](err)
	if !ok || problem.Status != http.StatusTooManyRequests || problem.RetryAfter == 0 ||
		!strings.Contains(problem.Message, "more than the limit of 4 MiB; DELETE /sandboxes/{organization} of the control API ends a sandbox") {
		t.Errorf("%s: got %v", what, err)
	}
}

func TestTheRecordsOfAllSandboxesAreBounded(t *testing.T) {
	s := newSet(t, 4<<20)
	file := history(500)
	first, err := s.Create(t.Context(), Options{Files: []fixture.File{file}})
	if err != nil {
		t.Fatal(err)
	}
	took := s.records.held.Load()
	if most := importBytes(file, maxRecordsBytes) + 1<<20; took < int64(2*len(file.Data)) || took > most {
		t.Errorf("a sandbox with %d bytes of records takes %d, want at most %d", len(file.Data), took, most)
	}
	full, created := err, []*Sandbox{first}
	for n := 0; full == nil && n < 20; n++ {
		var next *Sandbox
		if next, full = s.Create(t.Context(), Options{Files: []fixture.File{zipped(t, file)}}); full == nil {
			created = append(created, next)
		}
	}
	requireFull(t, "create", full)
	if held := s.records.held.Load(); held > 4<<20 || len(created) < 2 {
		t.Errorf("%d sandboxes take %d bytes", len(created), held)
	}
	_, err = first.Load(t.Context(), zipped(t, history(3000)))
	requireFull(t, "load", err)
	if err := first.Reset(t.Context()); err != nil {
		t.Errorf("reset: %v", err)
	}

	batch := deployments.Batch{AutoCreate: true, Single: true, Items: []deployments.BatchItem{{Recording: deployments.Recording{
		EnvironmentName: "asia", DeploymentName: "api", Kind: deployments.HelmChart, Digest: "sha256:" + strings.Repeat("0", 64), Status: deployments.Deployed,
	}}}}
	rest := 4<<20 - s.records.held.Load()
	s.records.add(rest)
	_, err = first.Store.Record(t.Context(), first.Organization, batch)
	requireFull(t, "record", err)
	_, err = first.Store.RecordIdempotent(t.Context(), first.Organization, deployments.IdempotencyKey{Key: "k"}, batch)
	requireFull(t, "record with a key", err)
	s.records.add(-rest)
	if _, err := first.Store.Record(t.Context(), first.Organization, batch); err != nil {
		t.Error(err)
	}

	for _, one := range created[1:] {
		if err := s.Delete(one.Organization); err != nil {
			t.Fatal(err)
		}
	}
	if held := s.records.held.Load(); held > took+took/2 {
		t.Errorf("one sandbox takes %d bytes, and at first it took %d", held, took)
	}
	if _, err := s.Create(t.Context(), Options{Files: []fixture.File{file}}); err != nil {
		t.Errorf("after others ended: %v", err)
	}
}
