// Package metrics collects what the other packages count and serves it to Prometheus.
//
// No label has an organization or a name that a client has chosen, so the number of series does not grow with the data.
package metrics

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/store"
)

// namespace begins the name of every metric of this program.
const namespace = "deployrecords"

// Metrics has the metrics of a server.
type Metrics struct {
	// Requests observes the requests of the server.
	Requests *Requests

	registry *prometheus.Registry
	gates    gateCollector
}

// New returns metrics of the process and of this build: the version of the program, and the digest of upstream's document.
func New(version, contract string) *Metrics {
	registry := prometheus.NewRegistry()
	m := &Metrics{Requests: newRequests(registry), registry: registry, gates: gateCollector{}}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "Always 1; the labels have the version and the digest of the OpenAPI document.",
		ConstLabels: prometheus.Labels{"version": version, "contract": contract},
	})
	build.Set(1)
	registry.MustRegister(build, m.gates, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// AddStore adds the metrics of a store, its database and its connection pools. Call it before the first scrape.
func (m *Metrics) AddStore(s *store.Store) {
	for class := range s.Stats().Gates {
		m.gates[class] = func() admission.Stats { return s.Stats().Gates[class] }
	}
	m.registry.MustRegister(storeCollector{s}, newDatabaseCollector(s.PendingChanges))
	for name, pool := range s.Pools() {
		m.registry.MustRegister(collectors.NewDBStatsCollector(pool, name))
	}
}

// AddKeys adds the time of the last fetch of the JWKS, which is absent while none is set.
func (m *Metrics) AddKeys(v *auth.Verifier) {
	m.registry.MustRegister(fetchedKeys{
		prometheus.NewDesc(namespace+"_jwks_last_success_timestamp_seconds", "When the JWKS was last fetched; 0 is never.", nil, nil), v.KeysFetchedAt,
	})
}

// fetchedKeys collects a time that may not be set.
type fetchedKeys struct {
	desc *prometheus.Desc
	at   func() (at time.Time, isSet bool)
}

// Describe implements prometheus.Collector.
func (f fetchedKeys) Describe(to chan<- *prometheus.Desc) { to <- f.desc }

// Collect implements prometheus.Collector.
func (f fetchedKeys) Collect(to chan<- prometheus.Metric) {
	if at, isSet := f.at(); isSet {
		to <- prometheus.MustNewConstMetric(f.desc, prometheus.GaugeValue, seconds(at))
	}
}

// seconds returns a time in seconds since 1970, 0 for the zero time.
func seconds(at time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return float64(at.UnixNano()) / 1e9
}

// maxScrapes is the number of scrapes at once. Others get a 503.
const maxScrapes = 4

// Handler serves the metrics. A scrape waits databaseTimeout at most for the database.
func (m *Metrics) Handler(logger *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn), MaxRequestsInFlight: maxScrapes,
	})
}
