package conformance_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/conformance"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/contracttest"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/httpserver"
	"github.com/deployrecords/deployrecords/internal/storetest"
	"github.com/deployrecords/deployrecords/internal/variant"
)

var secret = []byte("a secret of the tests, longer than 32 bytes")

// serverStore is the store that a server needs.
type serverStore interface {
	deployments.Store
	Ready(context.Context) error
}

// newServer starts the real server of the document that tests change, behind the middleware if it is not nil.
func newServer(t testing.TB, s serverStore, front func(http.Handler) http.Handler, change ...func(*httpserver.Options)) string {
	t.Helper()
	return newVariantServer(t, s, nil, front, change...)
}

// newVariantServer starts a server as newServer does, with variants.
func newVariantServer(t testing.TB, s serverStore, variants variant.Set, front func(http.Handler) http.Handler, change ...func(*httpserver.Options)) string {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	verifier, err := auth.New(t.Context(), auth.Options{HMACSecrets: [][]byte{secret}, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	o := httpserver.Options{
		Store: s, Verifier: verifier, Paging: deployments.DefaultPaging(), Document: contracttest.Base(),
		RecordingDocument: contract.RecordingOpenAPI(), AutoCreate: true, Logger: logger, Limits: httpserver.DefaultLimits(),
	}
	for _, c := range change {
		c(&o)
	}
	handler, err := variants.New(o)
	if err != nil {
		t.Fatal(err)
	}
	served := handler
	if front != nil {
		served = front(handler)
	}
	server := httptest.NewServer(served)
	t.Cleanup(server.Close)
	return server.URL
}

func token(t testing.TB, scopes ...auth.Scope) string {
	t.Helper()
	if scopes == nil {
		scopes = []auth.Scope{auth.ReadDeployments}
	}
	token, err := auth.Mint(secret, auth.MintRequest{Organization: "acme", Scopes: scopes, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// upstreams lets a server answer by upstream's document.
func upstreams(o *httpserver.Options) { o.Document = deployrecords.OpenAPI() }

// upstreamOptions returns the settings of a strict run against a server of upstream's document.
func upstreamOptions(t testing.TB, url string) conformance.Options {
	o := options(t, url)
	o.Document, o.Unsupported = deployrecords.OpenAPI(), contracttest.Unsupported(t)
	return o
}

// options returns the settings of a strict run against a test server.
func options(t testing.TB, url string) conformance.Options {
	return conformance.Options{
		Target: conformance.Target{URL: url, Token: token(t)}, Document: contracttest.Base(), DocumentName: "openapi.yaml",
		Requests: conformance.DefaultRequests, Seed: 1, Strict: true, Timeout: 10 * time.Second, UserAgent: "test",
		Values: map[string][]string{"project_name": {"shop"}, "project_version_name": {"v1"}},
	}
}

func run(t testing.TB, o conformance.Options) *report.Report {
	t.Helper()
	result, err := conformance.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// requireNoFaults requires a report without faults.
func requireNoFaults(t testing.TB, result *report.Report) {
	t.Helper()
	if result.Faults() > 0 || result.Broken != "" {
		var text bytes.Buffer
		if err := result.Write(&text, "text"); err != nil {
			t.Fatal(err)
		}
		t.Errorf("the report has faults:\n%s", text.String())
	}
}

// history returns records that servers handle wrongly: names that differ by case or contain wildcards, an environment named
// like a logical one, records created at the same time, and more of these than fit on a page.
func history(rounds int) (entries []deployments.ImportEntry) {
	environments := []string{"prod-eu-1", "PROD-EU-1", "production", "staging_1", "stagingx1", "dev%1"}
	names := []string{"api", "API", "web", "till sync", "wéb"}
	stages := []string{"production", "Production", "production", "staging", "staging", ""}
	id := 0
	for round := range rounds {
		for e, environment := range environments {
			for d, name := range names {
				id++
				last := round == rounds-1
				status := deployments.Superseded
				if last {
					status = []deployments.Status{deployments.Deployed, deployments.Decommissioned, deployments.Deployed}[(e+d)%3]
				}
				kind := deployments.ContainerImage
				if (round+d)%3 == 0 {
					kind = deployments.HelmChart
				}
				// Some records of a slot are created at the same time, the newest of some slots too, and records of many slots.
				minutes := round*10 + (e*d)%4
				if d == 2 && round >= rounds-2 {
					minutes = 100
				}
				options := []storetest.Option{
					storetest.WithStatus(status), storetest.WithKind(kind), storetest.WithDigest(1 + (round*7+e+d)%9), storetest.WithStage(stages[e]),
				}
				if round%2 == 0 {
					options = append(options, storetest.WithProject("shop", fmt.Sprintf("v%d", e%2+1)))
				}
				// The order of ids differs from the order of time.
				entries = append(entries, storetest.Entry(1+id*37%1009, minutes, environment, name, options...))
			}
		}
	}
	return entries
}
