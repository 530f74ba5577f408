package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/store"
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

func gauge(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

func counter(d *prometheus.Desc, n int64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

func describeAll(descriptions chan<- *prometheus.Desc, all ...*prometheus.Desc) {
	for _, d := range all {
		descriptions <- d
	}
}

var (
	recordings      = describe("recordings_total", "Recorded items by what became of them; omitted counts the records that snapshots ended.", "outcome")
	quotaRejections = describe("quota_rejections_total", "Recordings that were rejected because of a quota of their organization.", "quota")
	compacted       = describe("compaction_last_success_timestamp_seconds", "When this server last compacted the totals; 0 is never.")
	listingsWaiting = describe("listings_waiting", "Listings that wait for a place.")
	standbys        = describe("standbys", "Standbys by state: in_use, lagging and failing.", "state")
)

// storeCollector collects what a store has in memory.
type storeCollector struct{ *store.Store }

// Describe implements prometheus.Collector.
func (c storeCollector) Describe(descriptions chan<- *prometheus.Desc) {
	describeAll(descriptions, recordings, quotaRejections, compacted, listingsWaiting, standbys)
}

// Collect implements prometheus.Collector.
func (c storeCollector) Collect(collected chan<- prometheus.Metric) {
	stats := c.Stats()
	for outcome, n := range stats.Recordings.Items {
		collected <- counter(recordings, n, string(outcome))
	}
	for quota, n := range stats.Recordings.QuotaRejections {
		collected <- counter(quotaRejections, n, quota)
	}
	if !c.Recorder.ReadOnly {
		collected <- gauge(compacted, seconds(stats.CompactedAt))
	}
	collected <- gauge(listingsWaiting, float64(stats.Gates["listings"].Waiting+stats.Gates["counted_listings"].Waiting))
	for state, n := range stats.Standbys {
		collected <- gauge(standbys, float64(n), state)
	}
}

var (
	places     = describe("admission_places", "Operations of a class that run at once at most.", "class")
	running    = describe("admission_running", "Operations of a class that have a place.", "class")
	waiting    = describe("admission_waiting", "Operations of a class that wait for a place.", "class")
	rejections = describe("admission_rejections_total",
		"Operations that were rejected because they would have waited too long: for those of their own organization (share), or of others (load).", "class", "reason")
)

// gateCollector collects gates by the class of their operations.
type gateCollector map[string]func() admission.Stats

// Describe implements prometheus.Collector.
func (c gateCollector) Describe(descriptions chan<- *prometheus.Desc) {
	describeAll(descriptions, places, running, waiting, rejections)
}

// Collect implements prometheus.Collector.
func (c gateCollector) Collect(collected chan<- prometheus.Metric) {
	for class, read := range c {
		stats := read()
		collected <- gauge(places, float64(stats.Places), class)
		collected <- gauge(running, float64(stats.Running), class)
		collected <- gauge(waiting, float64(stats.Waiting), class)
		collected <- counter(rejections, stats.RejectedForShare, class, "share")
		collected <- counter(rejections, stats.RejectedForLoad, class, "load")
	}
}
