package metrics_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/httpserver"
	"github.com/deployrecords/deployrecords/internal/metrics"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

var secret = []byte("a secret of the tests, longer than 32 bytes")

// monitored is a server with metrics.
type monitored struct {
	t       *testing.T
	metrics *metrics.Metrics
	handler http.Handler
	logger  *slog.Logger
}

func newMonitored(t *testing.T, s *store.Store) *monitored {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	verifier, err := auth.New(t.Context(), auth.Options{HMACSecrets: [][]byte{secret}, JWKSURL: "http://127.0.0.1:1/keys", Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	m := metrics.New("v1.2.3", deployrecords.ContractDigest())
	m.AddStore(s)
	m.AddKeys(verifier)
	handler, err := httpserver.New(httpserver.Options{
		Store: s, Verifier: verifier, Paging: deployments.DefaultPaging(), Document: deployrecords.OpenAPI(),
		RecordingDocument: contract.RecordingOpenAPI(), AutoCreate: true, Logger: logger, Limits: httpserver.DefaultLimits(), Observer: m.Requests,
		LargeBodies: s.LargeBodies(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &monitored{t, m, handler, logger}
}

// scrape returns what Prometheus reads.
func (m *monitored) scrape() string {
	m.t.Helper()
	recorder := httptest.NewRecorder()
	m.metrics.Handler(m.logger).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if recorder.Code != http.StatusOK {
		m.t.Fatalf("got %d %s", recorder.Code, recorder.Body)
	}
	return recorder.Body.String()
}

// series returns the series of this program, without their values.
func (m *monitored) series() (series []string) {
	m.t.Helper()
	for line := range strings.Lines(m.scrape()) {
		if strings.HasPrefix(line, "deployrecords_") {
			series = append(series, line[:strings.LastIndexByte(line, ' ')])
		}
	}
	return series
}

// send sends a request of an organization.
func (m *monitored) send(organization, method, path, body string) int {
	m.t.Helper()
	token, err := auth.Mint(secret, auth.MintRequest{
		Organization: organization, Subject: "subject-of-" + organization, Scopes: []auth.Scope{auth.ReadDeployments, auth.WriteDeployments}, TTL: time.Hour,
	})
	if err != nil {
		m.t.Fatal(err)
	}
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	m.handler.ServeHTTP(recorder, request)
	return recorder.Code
}

// visit sends a listing, a listing that is not valid, a recording and requests for unknown paths and by an unknown method.
func (m *monitored) visit(organization string) {
	m.t.Helper()
	m.send(organization, http.MethodGet, "/v1/deployments?environment_name=environment-of-"+organization, "")
	m.send(organization, http.MethodGet, "/v1/deployments?status=status-of-"+organization, "")
	m.send(organization, http.MethodGet, "/path-of-"+organization, "")
	m.send(organization, "METHOD-OF-"+strings.ToUpper(organization), "/v1/deployments", "")
	m.send(organization, http.MethodPost, contract.RecordingPath, fmt.Sprintf(
		`{"environment_name":"environment-of-%[1]s","deployment_name":"api","kind":"CONTAINER_IMAGE","artifact_digest":%[2]q}`, organization, storetest.Digest(1)))
}

func TestTheNumberOfSeriesDoesNotDependOnOrganizations(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		m := newMonitored(t, storetest.Open(t, url))
		m.visit("acme0")
		before := m.series()
		for i := range 1000 {
			organization := fmt.Sprint("acme", i)
			if i < 50 {
				m.visit(organization)
			} else if status := m.send(organization, http.MethodGet, "/v1/deployments", ""); status != http.StatusOK {
				t.Fatalf("got %d", status)
			}
		}
		after := m.series()
		if len(before) < 50 || strings.Join(before, "\n") != strings.Join(after, "\n") {
			t.Errorf("%d series after one organization, and %d after a thousand", len(before), len(after))
		}
		for _, line := range after {
			if strings.Contains(strings.ToLower(line), "acme") {
				t.Errorf("a label has a name: %s", line)
			}
		}
	})
}

func TestMetricsCountRequestsAndRecordings(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		m := newMonitored(t, storetest.Open(t, url))
		m.visit("acme")
		m.visit("acme")
		scraped := m.scrape()
		for _, want := range []string{
			`deployrecords_http_requests_total{code="200",method="GET",route="/v1/deployments"} 2`,
			`deployrecords_http_requests_total{code="400",method="GET",route="/v1/deployments"} 2`,
			`deployrecords_http_requests_total{code="404",method="GET",route="none"} 2`,
			`deployrecords_http_requests_total{code="405",method="other",route="/v1/deployments"} 2`,
			`deployrecords_http_request_duration_seconds_count{method="GET",route="/v1/deployments"} 4`,
			`deployrecords_http_requests_in_flight 0`,
			`deployrecords_listings_waiting 0`,
			`deployrecords_admission_running{class="recordings"} 0`,
			`deployrecords_admission_waiting{class="large_bodies"} 0`,
			`deployrecords_recordings_total{outcome="added"} 1`,
			`deployrecords_recordings_total{outcome="repeated"} 1`,
			`deployrecords_quota_rejections_total{quota="logical_environments"} 0`,
			`deployrecords_database_up 1`,
			`deployrecords_compaction_last_success_timestamp_seconds 0`,
			`deployrecords_jwks_last_success_timestamp_seconds 0`,
			`deployrecords_build_info{contract="` + deployrecords.ContractDigest() + `",version="v1.2.3"} 1`,
			`go_sql_open_connections{db_name="primary"} `,
			`go_goroutines `, `process_open_fds `,
		} {
			if !strings.Contains(scraped, "\n"+want) {
				t.Errorf("no %s", want)
			}
		}
		if strings.Contains(scraped, "\ndeployrecords_compaction_pending_changes 0\n") {
			t.Error("no change is pending, though none was compacted")
		}
	})
}

func TestMetricsAreClean(t *testing.T) {
	t.Parallel()
	m := newMonitored(t, storetest.Open(t, storetest.Engines[1].Migrated(t)))
	m.visit("acme")
	problems, err := promlint.New(bytes.NewReader([]byte(m.scrape()))).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

func TestAScrapeDoesNotWaitForADatabaseThatHangs(t *testing.T) {
	t.Parallel()
	proxy := pgtest.NewProxy(t, storetest.Engines[0].Migrated(t))
	m := newMonitored(t, storetest.Open(t, proxy.URL))
	if scraped := m.scrape(); !strings.Contains(scraped, "\ndeployrecords_compaction_pending_changes 0\n") {
		t.Errorf("before: %s", scraped)
	}
	resumed := make(chan struct{})
	go func() {
		defer close(resumed)
		proxy.Stall(5 * time.Second)
	}()
	for { // until the proxy is stalled
		scraped := m.scrape()
		if strings.Contains(scraped, "\ndeployrecords_database_up 0\n") {
			if strings.Contains(scraped, "pending_changes ") {
				t.Error("the pending changes are known")
			}
			break
		}
	}
	select {
	case <-resumed:
		t.Error("the scrape waited for the database")
	default:
	}
	<-resumed
}
