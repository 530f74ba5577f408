package bench

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/deployrecords/deployrecords/internal/contract"
)

var fairness = scenario{name: "fairness", measure: measureFairness, description: `
The latency of one organization's requests, 20 a second, while another organization sends more than the server can answer. The
baseline is the latency of the same requests to the quiet server, just before. /readyz is polled meanwhile, because a load
balancer takes out a server that is not ready.`}

const (
	// politeRate is the rate of the organization that is measured, in requests a second.
	politeRate = 20
	// politeClients let its requests overlap, so that a slow one does not delay the next.
	politeClients = 100
	// fillTime is the time that an overload has to fill its queues before the measurement.
	fillTime = time.Second

	politeOrganization = "polite"
	greedyOrganization = "greedy"
)

// overload is what the greedy organization does. start returns a function that ends it.
type overload struct {
	what  string
	start func(context.Context, *server) (stop func(), err error)
}

func measureFairness(ctx context.Context, t *testbed) ([]Result, error) {
	d, err := t.greedyDataset(ctx, t.Records*3/10)
	if err != nil {
		return nil, err
	}
	s, err := t.serve(ctx, t.program, d)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	polite, err := s.as(ctx, politeOrganization)
	if err != nil {
		return nil, err
	}
	greedy, err := s.as(ctx, greedyOrganization)
	if err != nil {
		return nil, err
	}
	var results []Result
	for _, o := range t.overloads(d) {
		for _, request := range politeRequests(polite) {
			more, err := t.fairnessUnder(ctx, o, polite, greedy, request)
			if err != nil {
				return results, fmt.Errorf("%s: %w", o.what, err)
			}
			results = append(results, more...)
		}
	}
	more, err := t.overCapacity(ctx, polite)
	results = append(results, more...)
	if err != nil {
		return results, err
	}
	more, err = t.fairnessOnSQLite(ctx)
	return append(results, more...), err
}

// flooding returns an overload by clients that send one request again and again.
func flooding(count int, method, path, body string) func(context.Context, *server) (stop func(), err error) {
	return func(ctx context.Context, s *server) (func(), error) {
		return s.startFlood(ctx, count, s.request(method, path, body)).stop, nil
	}
}

// overloads returns what greedy organizations do.
func (t *testbed) overloads(d *dataset) []overload {
	// Every listing by a digest and another filter counts its records.
	byDigest := fmt.Sprintf("/v1/deployments?full_history=true&artifact_digest=%s&status=SUPERSEDED&pagination.page=%d", greedyDigest, d.records/200)
	return []overload{
		{fmt.Sprintf("50 clients list by a digest and a status with %s matches", grouped(float64(d.records))), flooding(50, http.MethodGet, byDigest, "")},
		{"200 clients do that", flooding(200, http.MethodGet, byDigest, "")},
		{"50 clients post batches of 2,000 into the same slots", flooding(50, http.MethodPost, contract.RecordingPath+"/batch", greedyBatch(2000))},
		{"12 clients record into an environment that a running import has added", t.recordIntoImport},
	}
}

// politeRequest is one kind of request of the polite organization.
type politeRequest struct {
	what string
	next func(client int) func() []byte
}

func politeRequests(s *server) []politeRequest {
	return []politeRequest{
		{"listings", always(s.request(http.MethodGet, "/v1/deployments?pagination.page_size=20", ""))},
		{"recordings", func(client int) func() []byte {
			return always(s.request(http.MethodPost, contract.RecordingPath, recordingBody("prod", fmt.Sprint("app-", client))))(client)
		}},
	}
}

func recordingBody(environment, deployment string) string {
	return fmt.Sprintf(`{"environment_name":%q,"deployment_name":%q,"kind":"CONTAINER_IMAGE","artifact_digest":"sha256:%x"}`,
		environment, deployment, sha256.Sum256([]byte(deployment)))
}

// fairnessUnder measures one kind of polite request on the quiet server and under an overload, in pairs.
func (t *testbed) fairnessUnder(ctx context.Context, o overload, polite, greedy *server, request politeRequest) ([]Result, error) {
	all, rejected, err := polite.connectPolite(ctx, request)
	if err != nil {
		return nil, err
	}
	defer all.close()
	var p50, p99 pairs
	slowestReady := 0.0
	for n := range t.Pairs {
		t.logf("fairness, %s, %s: pair %d of %d", o.what, request.what, n+1, t.Pairs)
		quiet, err := all.arrive(ctx, politeRate, t.Duration)
		if err != nil {
			return nil, err
		}
		loaded, ready, err := t.arriveUnder(ctx, o, all, greedy)
		if err != nil {
			return nil, err
		}
		slowestReady = max(slowestReady, ready)
		p50.add(median(loaded), median(quiet))
		p99.add(quantile(loaded, 0.99), quantile(quiet, 0.99))
	}
	what := fmt.Sprintf("of an organization's %s while %s", request.what, o.what)
	return []Result{
		p50.result("median "+what, milliseconds, atMost(2, 0)),
		p99.result("p99 "+what, milliseconds, atMost(3, 0)),
		readyResult(slowestReady),
		{What: "requests of the organization that were rejected meanwhile", Measured: grouped(float64(rejected.Load()))},
	}, nil
}

// connectPolite opens clients that have sent one request each, which adds names and slots.
func (s *server) connectPolite(ctx context.Context, request politeRequest) (*clients, *atomic.Int64, error) {
	all, err := s.connect(ctx, politeClients, request.next)
	if err != nil {
		return nil, nil, err
	}
	rejected := all.countRejections()
	if err := all.each(ctx, func(send func() error) error { return send() }); err != nil {
		all.close()
		return nil, nil, err
	}
	rejected.Store(0)
	return all, rejected, nil
}

// arriveUnder returns the latencies of polite requests under an overload, and the longest response time of /readyz.
func (t *testbed) arriveUnder(ctx context.Context, o overload, polite *clients, greedy *server) (latencies []float64, ready float64, err error) {
	stop, err := o.start(ctx, greedy)
	if err != nil {
		return nil, 0, err
	}
	defer stop()
	time.Sleep(min(fillTime, t.Duration))
	endPoll := greedy.pollReady(ctx)
	latencies, err = polite.arrive(ctx, politeRate, t.Duration)
	return latencies, endPoll(), err
}

func readyResult(slowest float64) Result {
	return Result{What: "slowest /readyz meanwhile", Measured: seconds(slowest), Value: slowest, Unit: " s", Threshold: atMost(1, 0)}
}

// fairnessOnSQLite measures recordings while another organization posts batches to a new SQLite database.
func (t *testbed) fairnessOnSQLite(ctx context.Context) ([]Result, error) {
	s, err := t.serve(ctx, t.program, t.sqliteFile("fairness"))
	if err != nil {
		return nil, err
	}
	defer s.stop()
	polite, errPolite := s.as(ctx, politeOrganization)
	greedy, errGreedy := s.as(ctx, greedyOrganization)
	if err := errors.Join(errPolite, errGreedy); err != nil {
		return nil, err
	}
	all, rejected, err := polite.connectPolite(ctx, politeRequests(polite)[1])
	if err != nil {
		return nil, err
	}
	defer all.close()
	quiet, err := all.arrive(ctx, politeRate, t.Duration)
	if err != nil {
		return nil, err
	}
	o := overload{start: flooding(4, http.MethodPost, contract.RecordingPath+"/batch", greedyBatch(5000))}
	var loaded []float64
	slowestReady := 0.0
	for n := range t.Pairs {
		t.logf("fairness, SQLite: run %d of %d", n+1, t.Pairs)
		latencies, ready, err := t.arriveUnder(ctx, o, all, greedy)
		if err != nil {
			return nil, err
		}
		loaded = append(loaded, latencies...)
		slowestReady = max(slowestReady, ready)
	}
	p50 := median(loaded)
	return []Result{
		{
			What:     "SQLite: median of an organization's recordings while 4 clients post batches of 5,000",
			Measured: milliseconds(p50), Baseline: milliseconds(median(quiet)), Value: p50 * 1000, Unit: " ms", Threshold: atMost(300, 0),
		},
		{What: "SQLite: p99 of these", Measured: milliseconds(quantile(loaded, 0.99)), Baseline: milliseconds(quantile(quiet, 0.99))},
		readyResult(slowestReady),
		{What: "requests of the organization that were rejected meanwhile", Measured: grouped(float64(rejected.Load()))},
	}, nil
}

// countRejections counts responses with a status other than 200, which are errors otherwise.
func (c *clients) countRejections() *atomic.Int64 {
	rejected := new(atomic.Int64)
	for i, send := range c.send {
		c.send[i] = func() error {
			err := send()
			if _, ok := errors.AsType[*statusError](err); ok {
				rejected.Add(1)
				err = nil
			}
			return err
		}
	}
	return rejected
}

// pollReady asks /readyz until the returned function is called, which returns the longest response time in seconds. A failure counts
// as a minute.
func (s *server) pollReady(ctx context.Context) (end func() (slowest float64)) {
	ctx, cancel := context.WithCancel(ctx)
	slowest := make(chan float64)
	go func() {
		longest := 0.0
		for ctx.Err() == nil {
			took, err := timed(func() error { _, err := s.get(context.WithoutCancel(ctx), "/readyz"); return err })
			if err != nil {
				took = time.Minute.Seconds()
			}
			longest = max(longest, took)
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
			}
		}
		slowest <- longest
	}()
	return func() float64 { cancel(); return <-slowest }
}

// overCapacity compares accepted listings under three times the load of a full server with those of a full server.
func (t *testbed) overCapacity(ctx context.Context, polite *server) ([]Result, error) {
	const full, over = 128, 400
	request := polite.request(http.MethodGet, "/v1/deployments?pagination.page_size=20", "")
	var accepted pairs
	slowestRejection, slowestReady := 0.0, 0.0
	for n := range t.Pairs {
		t.logf("fairness, %d clients: pair %d of %d", over, n+1, t.Pairs)
		var p99 [2]float64
		for i, count := range []int{full, over} {
			f := polite.startFlood(ctx, count, request)
			ready := polite.pollReady(ctx)
			err := f.wait(ctx, t.Duration)
			slowestReady = max(slowestReady, ready())
			f.stop()
			if err != nil {
				return nil, fmt.Errorf("%d clients: %w", count, err)
			}
			p99[i] = quantile(f.accepted(), 0.99)
			if rejected := f.rejected(); i == 1 && len(rejected) > 0 {
				slowestRejection = max(slowestRejection, quantile(rejected, 0.99))
			}
		}
		accepted.add(p99[1], p99[0])
	}
	rejections := Result{What: "p99 of rejections meanwhile", NotRun: "no listing was rejected"}
	if slowestRejection > 0 {
		rejections = Result{What: rejections.What, Measured: milliseconds(slowestRejection), Value: slowestRejection * 1000, Unit: " ms", Threshold: atMost(100, 0)}
	}
	return []Result{
		accepted.result(fmt.Sprintf("p99 of accepted listings, %d clients against %d", over, full), milliseconds, atMost(2, 0)),
		rejections,
		readyResult(slowestReady),
	}, nil
}
