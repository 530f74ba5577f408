// Package allocations counts what the server allocates for a request, and the client for a response. The race detector allocates too, so its tests run without.
package allocations

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/contracttest"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/httpserver"
	"github.com/deployrecords/deployrecords/internal/noracetest"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func TestMain(m *testing.M) { noracetest.Main(m) }

var secret = []byte("a secret of the tests, longer than 32 bytes")

// stubStore answers at once.
type stubStore struct {
	deployments.Store
	result deployments.Result
}

func (s stubStore) List(context.Context, deployments.Scope, deployments.Query) (deployments.Result, error) {
	return s.result, nil
}

func (stubStore) Ready(context.Context) error { return nil }

// listingRequest returns a function that handles one default listing of 20 records by the handler alone: a store that answers
// at once stands for the database.
func listingRequest(t testing.TB, change ...func(*httpserver.Options)) func() {
	t.Helper()
	var records []deployments.Record
	for i := range 20 {
		records = append(records, storetest.Entry(i+1, i, "production-eu", fmt.Sprint("shop/api-", i), storetest.WithIDs("acme"), storetest.WithDigest(i)).Record)
	}
	logger := slog.New(slog.DiscardHandler)
	verifier, err := auth.New(t.Context(), auth.Options{HMACSecrets: [][]byte{secret}, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	o := httpserver.Options{
		Store:    stubStore{result: deployments.Result{Records: records, Total: 20}},
		Verifier: verifier, Paging: deployments.DefaultPaging(), Document: contracttest.Base(),
		RecordingDocument: contract.RecordingOpenAPI(), Logger: logger, Limits: httpserver.DefaultLimits(),
	}
	for _, c := range change {
		c(&o)
	}
	handler, err := httpserver.New(o)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodGet, "/v1/deployments?pagination.page_size=20", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.RequestURI, request.RemoteAddr = request.URL.RequestURI(), "192.0.2.1:1"
	token, err := auth.Mint(secret, auth.MintRequest{Organization: "acme", Scopes: []auth.Scope{auth.ReadDeployments}, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept-Encoding", "gzip")
	w := &discardedResponse{header: make(http.Header)}
	return func() {
		clear(w.header)
		w.status = 0
		if handler.ServeHTTP(w, request); w.status != http.StatusOK {
			t.Fatalf("got %d", w.status)
		}
	}
}

// discardedResponse keeps the status of a response and drops its body.
type discardedResponse struct {
	header http.Header
	status int
}

func (d *discardedResponse) Header() http.Header         { return d.header }
func (d *discardedResponse) WriteHeader(status int)      { d.status = status }
func (d *discardedResponse) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkListing measures what a default listing takes besides the store.
func BenchmarkListing(b *testing.B) {
	list := listingRequest(b)
	list()
	b.ReportAllocs()
	for b.Loop() {
		list()
	}
}

func TestMetricsAndTracesThatAreOffAllocateNothing(t *testing.T) {
	// A default listing made 85 allocations before there were metrics and traces. The generated code makes some for each parameter.
	most := 85 + 3*float64(len(contracttest.Unsupported(t)))
	if got := testing.AllocsPerRun(200, listingRequest(t)); got > most {
		t.Errorf("a listing allocates %.0f times, want at most %.0f", got, most)
	}
}

// BenchmarkGzip measures what compression adds to a listing.
func BenchmarkGzip(b *testing.B) {
	for _, on := range []bool{false, true} {
		b.Run(fmt.Sprint(on), func(b *testing.B) {
			list := listingRequest(b, func(o *httpserver.Options) { o.Gzip = on })
			b.ReportAllocs()
			for b.Loop() {
				list()
			}
		})
	}
}
