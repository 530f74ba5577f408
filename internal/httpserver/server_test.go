package httpserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/contracttest"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/httpserver"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

var secret = []byte("a secret of the tests, longer than 32 bytes")

// testServer is a server that listens on a port.
type testServer struct {
	t      testing.TB
	url    string
	client *http.Client
	log    *lockedBuffer
	// stop ends the server as a signal does and returns the error of Serve.
	stop func() error
}

// options configures a test's server.
type options struct {
	httpserver.Options
	auth auth.Options
	// client checks each response against the documents.
	client *http.Client
}

func newServer(t testing.TB, s interface {
	deployments.Store
	Ready(context.Context) error
}, change ...func(*options),
) *testServer {
	t.Helper()
	log := &lockedBuffer{}
	o := options{
		Options: httpserver.Options{
			Store:    s,
			Paging:   deployments.DefaultPaging(),
			Document: deployrecords.OpenAPI(),

			RecordingDocument: contract.RecordingOpenAPI(),
			AutoCreate:        true,
			Logger:            slog.New(slog.NewTextHandler(log, nil)),
			Limits:            httpserver.DefaultLimits(),
		},
		auth:   auth.Options{HMACSecrets: [][]byte{secret}},
		client: contracttest.Client(t),
	}
	for _, c := range change {
		c(&o)
	}
	if o.auth.Logger == nil {
		o.auth.Logger = o.Logger
	}
	var err error
	if o.Verifier, err = auth.New(t.Context(), o.auth); err != nil {
		t.Fatal(err)
	}
	handler, err := httpserver.New(o.Options)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- httpserver.Serve(ctx, listener, handler, o.Limits, o.Logger) }()
	end := sync.OnceValue(func() error {
		stop()
		return <-done
	})
	stopped := false
	t.Cleanup(func() {
		if err := end(); err != nil && !stopped {
			t.Errorf("serve: %v", err)
		}
	})
	return &testServer{t: t, url: "http://" + listener.Addr().String(), client: o.client, log: log, stop: func() error {
		stopped = true
		return end()
	}}
}

// token returns a token for the organization that may list.
func token(t testing.TB, organization string, change ...func(*auth.MintRequest)) string {
	t.Helper()
	r := auth.MintRequest{Organization: organization, Scopes: []auth.Scope{auth.ReadDeployments}, TTL: time.Hour}
	for _, c := range change {
		c(&r)
	}
	token, err := auth.Mint(secret, r)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// answer is a response.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// json decodes the body.
func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(a.body, &object); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
	return object
}

// details returns the details of an error body.
func (a answer) details(t testing.TB) []string {
	t.Helper()
	var body struct{ Details []string }
	if err := json.Unmarshal(a.body, &body); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
	return body.Details
}

// list is the body of a 200.
type list struct {
	DeploymentRecords []struct {
		ID              string `json:"id"`
		EnvironmentName string `json:"environment_name"`
	} `json:"deployment_records"`
	Pagination struct {
		Page       int `json:"page"`
		PageSize   int `json:"page_size"`
		TotalCount int `json:"total_count"`
		TotalPages int `json:"total_pages"`
	} `json:"pagination"`
}

func (a answer) list(t testing.TB) list {
	t.Helper()
	var l list
	if a.status != http.StatusOK {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	if err := json.Unmarshal(a.body, &l); err != nil {
		t.Fatal(err)
	}
	return l
}

// do sends a request with the headers, written "Name: value".
func (s *testServer) do(method, path string, headers ...string) answer {
	s.t.Helper()
	request, err := http.NewRequest(method, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.send(request, headers...)
}

func (s *testServer) send(request *http.Request, headers ...string) answer {
	s.t.Helper()
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		request.Header.Add(name, value)
	}
	response, err := s.client.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, body}
}

// get lists as acme.
func (s *testServer) get(query string) answer {
	s.t.Helper()
	return s.do(http.MethodGet, "/v1/deployments"+query, "Authorization: Bearer "+token(s.t, "acme"))
}

// onEachEngine runs a test with a server on an empty database of each engine.
func onEachEngine(t *testing.T, test func(t *testing.T, server *testServer, store deployments.Store), change ...func(*options)) {
	t.Helper()
	for _, engine := range storetest.Engines {
		t.Run(engine.Name, func(t *testing.T) {
			s := storetest.Open(t, engine.Migrated(t))
			test(t, newServer(t, s, change...), s)
		})
	}
}

// onSQLite returns a server for tests that do not depend on the database.
func onSQLite(t *testing.T, change ...func(*options)) (*testServer, deployments.Store) {
	t.Helper()
	s := storetest.Open(t, storetest.Engines[1].Migrated(t))
	return newServer(t, s, change...), s
}

// stubStore fails or panics where a real database cannot be made to.
type stubStore struct {
	deployments.Store
	list  func(context.Context) (deployments.Result, error)
	ready error
}

func (s stubStore) List(ctx context.Context, _ deployments.Scope, _ deployments.Query) (deployments.Result, error) {
	return s.list(ctx)
}

func (s stubStore) Ready(context.Context) error { return s.ready }

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
