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
	return append(results, more...), err
}

// overloads returns what greedy organizations do.
func (t *testbed) overloads(d *dataset) []overload {
	byDigest := fmt.Sprintf("/v1/deployments?full_history=true&artifact_digest=%s&pagination.page=%d", greedyDigest, d.records/200)
	batch := greedyBatch(2000)
	flood := func(count int, method, path, body string) func(context.Context, *server) (func(), error) {
		return func(ctx context.Context, s *server) (func(), error) {
			return s.startFlood(ctx, count, s.request(method, path, body)).stop, nil
		}
	}
	return []overload{
		{fmt.Sprintf("50 clients list by a digest with %s matches", grouped(float64(d.records))), flood(50, http.MethodGet, byDigest, "")},
		{"200 clients do that", flood(200, http.MethodGet, byDigest, "")},
		{"50 clients post batches of 2,000 into the same slots", flood(50, http.MethodPost, contract.RecordingPath+"/batch", batch)},
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
	all, err := polite.connect(ctx, politeClients, request.next)
	if err != nil {
		return nil, err
	}
	defer all.close()
	rejected := all.countRejections()
	if err := all.each(ctx, func(send func() error) error { return send() }); err != nil { // adds names and slots
		return nil, err
	}
	rejected.Store(0)
	var p50, p99 pairs
	slowestReady := 0.0
	for n := range t.Pairs {
		t.logf("fairness, %s, %s: pair %d of %d", o.what, request.what, n+1, t.Pairs)
		quiet, err := all.arrive(ctx, politeRate, t.Duration)
		if err != nil {
			return nil, err
		}
		stop, err := o.start(ctx, greedy)
		if err != nil {
			return nil, err
		}
		time.Sleep(min(fillTime, t.Duration))
		ready := polite.pollReady(ctx)
		loaded, err := all.arrive(ctx, politeRate, t.Duration)
		slowestReady = max(slowestReady, ready())
		stop()
		if err != nil {
			return nil, err
		}
		p50.add(median(loaded), median(quiet))
		p99.add(quantile(loaded, 0.99), quantile(quiet, 0.99))
	}
	what := fmt.Sprintf("of an organization's %s while %s", request.what, o.what)
	return []Result{
		p50.result("median "+what, milliseconds, atMost(2, 0)),
		p99.result("p99 "+what, milliseconds, atMost(3, 0)),
		{What: "slowest /readyz meanwhile", Measured: seconds(slowestReady), Value: slowestReady, Unit: " s", Threshold: atMost(1, 0)},
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
	slowestRejection := 0.0
	for n := range t.Pairs {
		t.logf("fairness, %d clients: pair %d of %d", over, n+1, t.Pairs)
		var p99 [2]float64
		for i, count := range []int{full, over} {
			f := polite.startFlood(ctx, count, request)
			time.Sleep(t.Duration)
			f.stop()
			if len(f.accepted()) == 0 {
				return nil, fmt.Errorf("%d clients: no listing was accepted", count)
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
	}, nil
}
