package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// WriteImport replaces a file by the metrics of an import that has succeeded, in the format that the textfile collector of
// Prometheus's node_exporter reads. A reader sees the old content or the new one.
func WriteImport(file string, summary deployments.ImportSummary, ended time.Time, duration time.Duration) error {
	registry := prometheus.NewRegistry()
	records := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: namespace, Name: "import_records", Help: "Records of the last import that succeeded, by what became of them.",
	}, []string{"result"})
	took := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "import_duration_seconds", Help: "Time that the last import that succeeded took.",
	})
	succeeded := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "import_last_success_timestamp_seconds", Help: "When the last import that succeeded ended.",
	})
	registry.MustRegister(records, took, succeeded)
	for result, n := range map[string]int{"added": summary.Added, "changed": summary.Changed, "unchanged": summary.Unchanged} {
		records.WithLabelValues(result).Set(float64(n))
	}
	took.Set(duration.Seconds())
	succeeded.Set(seconds(ended))
	return prometheus.WriteToTextfile(file, registry)
}
