package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	databaseUp = describe("database_up", "1 if the database answered this scrape in time, otherwise 0.")
	pending    = describe("compaction_pending_changes", "Changes that the totals do not include yet, counted up to 100,000; absent while the database does not answer.")
)

// databaseTimeout is the longest time that a scrape waits for the database.
const databaseTimeout = 500 * time.Millisecond

// databaseCollector queries the database, one scrape at a time.
type databaseCollector struct {
	count func(context.Context) (int64, error)
	// querying has an element while a query runs.
	querying chan struct{}
}

func newDatabaseCollector(count func(context.Context) (int64, error)) databaseCollector {
	return databaseCollector{count, make(chan struct{}, 1)}
}

// Describe implements prometheus.Collector.
func (c databaseCollector) Describe(descriptions chan<- *prometheus.Desc) {
	describeAll(descriptions, databaseUp, pending)
}

// Collect implements prometheus.Collector.
func (c databaseCollector) Collect(collected chan<- prometheus.Metric) {
	n, ok := c.query()
	if !ok {
		collected <- gauge(databaseUp, 0)
		return
	}
	collected <- gauge(databaseUp, 1)
	collected <- gauge(pending, float64(n))
}

// query returns the count, or false if there is none in time. It does not rely on the database to end a query in time: one that
// continues keeps later scrapes from starting another.
func (c databaseCollector) query() (n int64, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), databaseTimeout)
	defer cancel()
	select {
	case c.querying <- struct{}{}:
	case <-ctx.Done():
		return 0, false
	}
	counted := make(chan int64, 1)
	go func() {
		defer func() { <-c.querying }()
		defer close(counted)
		if n, err := c.count(ctx); err == nil {
			counted <- n
		}
	}()
	select {
	case n, ok = <-counted:
		return n, ok
	case <-ctx.Done():
		return 0, false
	}
}
