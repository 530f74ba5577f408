package ui

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// counting is a store that counts its calls, and what Allow got.
type counting struct {
	calls    int
	allowed  []string
	overview deployments.Overview
}

func (s *counting) List(context.Context, deployments.Scope, deployments.Query) (deployments.Result, error) {
	s.calls++
	return deployments.Result{Records: []deployments.Record{}}, nil
}

func (s *counting) Overview(context.Context, deployments.Scope, deployments.Query, deployments.Columns) (deployments.Overview, error) {
	s.calls++
	return s.overview, nil
}

func (s *counting) Search(context.Context, deployments.Scope, string) (deployments.Matches, error) {
	s.calls++
	return deployments.Matches{}, nil
}

// open returns a function that gets a page from a store.
func open(t *testing.T, s *counting) func(path string) *httptest.ResponseRecorder {
	t.Helper()
	u, token := newUI(t, s)
	return func(path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		u.ServeHTTP(w, r)
		return w
	}
}

// newUI returns pages from a store, and a token that opens them.
func newUI(t testing.TB, s *counting) (u *UI, token string) {
	t.Helper()
	secret := []byte("a secret of the tests, longer than 32 bytes")
	verifier, err := auth.New(t.Context(), auth.Options{HMACSecrets: [][]byte{secret}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	token, err = auth.Mint(secret, auth.MintRequest{Organization: "acme", Subject: "ann", Scopes: []auth.Scope{auth.ReadDeployments}, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	u, err = New(Options{
		Allow: func(organization, subject string) error {
			s.allowed = append(s.allowed, organization+"/"+subject)
			return nil
		},
		Store: s, Verifier: verifier, Paging: deployments.DefaultPaging(), Logger: slog.New(slog.DiscardHandler),
		ParseQuery: func(string) (deployments.Query, []string, error) {
			return deployments.Query{Page: deployments.DefaultPaging().Page(0, 0)}, nil, nil
		},
		Describe: func(err error) (int, string, time.Duration) { return http.StatusInternalServerError, err.Error(), 0 },
	})
	if err != nil {
		t.Fatal(err)
	}
	return u, token
}

func TestPagesCountTowardsTheLimitOfTheirSubject(t *testing.T) {
	t.Parallel()
	s := &counting{}
	u, token := newUI(t, s)
	send := func(method, path, cookie string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(url.Values{"token": {token}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		u.ServeHTTP(w, r)
		return w
	}
	cookie, _, _ := strings.Cut(send("POST", "/login", "").Header().Get("Set-Cookie"), ";")
	for _, path := range []string{"/login", u.renderer.Assets.Path("favicon.svg"), "/favicon.ico", "/docs/", "/nothing"} {
		send("GET", path, cookie)
	}
	if len(s.allowed) > 0 {
		t.Errorf("what asks no store counts: %q", s.allowed)
	}
	send("GET", "/records", "") // leads to the login
	open(t, s)("/")
	for _, path := range []string{"/", "/records/csv", "/search?q=x"} {
		if w := send("GET", path, cookie); w.Code != http.StatusOK {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if want := []string{"acme/ann", "acme/ann", "acme/ann", "acme/ann"}; !slices.Equal(s.allowed, want) {
		t.Errorf("got %q, want %q", s.allowed, want)
	}
}

func TestEachPageAsksTheStoreOnce(t *testing.T) {
	t.Parallel()
	s := &counting{}
	get := open(t, s)
	for _, path := range []string{
		"/", "/?by=environment", "/records", "/records/csv", "/slot?environment_name=e&deployment_name=d", "/environment?environment_name=e", "/artifact?artifact_digest=d", "/search?q=x",
	} {
		s.calls = 0
		if w := get(path); w.Code != http.StatusOK || s.calls != 1 {
			t.Errorf("%s: %d, %d calls", path, w.Code, s.calls)
		}
	}
}

func TestMatrixOf200EnvironmentsIsBelowTwoMegabytes(t *testing.T) {
	t.Parallel()
	s := &counting{}
	for i := range 200 {
		s.overview.Columns = append(s.overview.Columns, fmt.Sprintf("edge-store-%03d", i))
	}
	for row := range rowsByEnvironment {
		s.overview.DeploymentNames = append(s.overview.DeploymentNames, fmt.Sprintf("payment-gateway-%02d", row))
		for _, column := range s.overview.Columns {
			s.overview.Groups = append(s.overview.Groups, deployments.Group{
				DeploymentName: fmt.Sprintf("payment-gateway-%02d", row), Column: column, Status: deployments.Deployed, Records: 1, Newest: time.Now(),
				Artifact: deployments.Artifact{
					Kind: deployments.ContainerImage, Name: "registry.example.com/payments/gateway", Version: "12.34.56",
					Digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
				},
			})
		}
	}
	if w := open(t, s)("/?by=environment"); w.Code != http.StatusOK || w.Body.Len() > 2_000_000 {
		t.Errorf("%d, %d bytes", w.Code, w.Body.Len())
	}
}
