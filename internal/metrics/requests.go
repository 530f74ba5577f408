package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Requests counts the requests of a server. It implements httpserver.Observer.
type Requests struct {
	total    *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

// durationBuckets are upper bounds in seconds: from a list out of memory to the default of --request-timeout.
var durationBuckets = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}

func newRequests(registry prometheus.Registerer) *Requests {
	r := &Requests{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "http_requests_total",
			Help: "Requests by route, method and status; the status 499 is a client that has hung up.",
		}, []string{"route", "method", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "http_request_duration_seconds",
			Help: "Time from the header of a request to the end of its response.", Buckets: durationBuckets,
		}, []string{"route", "method"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Name: "http_requests_in_flight", Help: "Requests that are being handled.",
		}),
	}
	registry.MustRegister(r.total, r.duration, r.inFlight)
	return r
}

// RequestBegan implements httpserver.Observer.
func (r *Requests) RequestBegan() { r.inFlight.Inc() }

// RequestEnded implements httpserver.Observer.
func (r *Requests) RequestEnded(route, method string, status int, duration time.Duration) {
	r.inFlight.Dec()
	r.total.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	r.duration.WithLabelValues(route, method).Observe(duration.Seconds())
}
