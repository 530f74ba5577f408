package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"time"
)

var peers = scenario{name: "peers", measure: measurePeers, description: `
Other servers of the same document. The naive server (internal/bench/naive) is what one writes in an afternoon: Echo, the
generated interface, and GORM with Count, Preload and OFFSET. It reads the tables of this server with their indexes, writes no log
and validates nothing. Prism answers each request with the document's example, without a database: its rate is that of validation
and HTTP in Node.js. It is measured where the program prism is installed (npm install --global @stoplight/prism-cli). A ratio of
rates is good above 1, and one of durations below 1.`}

const noPrism = "prism is not installed"

func measurePeers(ctx context.Context, t *testbed) ([]Result, error) {
	s, err := t.serveRecords(ctx, t.Records)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	results, err := t.againstNaive(ctx, s)
	if err != nil {
		return results, err
	}
	result, err := t.againstPrism(ctx, s)
	return append(results, result), err
}

// againstNaive compares rates of default listings, and pages of the full history, with those of the naive server.
func (t *testbed) againstNaive(ctx context.Context, s *server) ([]Result, error) {
	program := filepath.Join(t.dir, "naive")
	if err := build(ctx, t.Tree, "./internal/bench/naive", program); err != nil {
		return nil, err
	}
	naive, err := t.start(ctx, s.dataset, s.token, program, "-database", s.url, "-secret", secret)
	if err != nil {
		return nil, err
	}
	defer naive.stop()
	var results []Result
	if err := equalPages(ctx, s, naive, listingPath(20)); err != nil {
		return nil, err
	}
	for _, pageSize := range []int{20, 100} {
		what := fmt.Sprintf("default listing, %d connections, %d a page, against the naive server", connections, pageSize)
		result, err := t.compareRates(ctx, what, t.listingRate(s, pageSize), t.listingRate(naive, pageSize), nil)
		if err != nil {
			return results, err
		}
		results = append(results, result)
	}
	v, err := s.frequentValues(ctx)
	if err != nil {
		return results, err
	}
	for _, q := range []query{v.query(true), v.query(true, "environment_name"), v.query(true, "environment_name", "status")} {
		pages, records, err := q.count(ctx, s, deepPageSize)
		if err == nil {
			err = equalPages(ctx, s, naive, q.page(pages/2, deepPageSize))
		}
		if err != nil {
			return results, err
		}
		for _, page := range []namedPage{{"first", 0}, {"middle", pages / 2}} {
			what := fmt.Sprintf("%s page of the full history, %s (%s records), against the naive server", page.name, q.name, grouped(float64(records)))
			p, err := t.comparePages(ctx, s, naive, q.page(page.number, deepPageSize), q.page(page.number, deepPageSize))
			if err != nil {
				return results, fmt.Errorf("%s: %w", what, err)
			}
			results = append(results, p.result(what, milliseconds, nil))
		}
	}
	return results, nil
}

// equalPages returns an error unless two servers answer with the same records and total.
func equalPages(ctx context.Context, a, b *server, pathAndQuery string) error {
	type list struct {
		Records []struct {
			ID       string `json:"id"`
			Artifact any    `json:"artifact"`
		} `json:"deployment_records"`
		Pagination any `json:"pagination"`
	}
	var lists [2]list
	for i, s := range []*server{a, b} {
		body, err := s.get(ctx, pathAndQuery)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(body, &lists[i]); err != nil {
			return err
		}
	}
	if !reflect.DeepEqual(lists[0], lists[1]) {
		return fmt.Errorf("%s: the servers answer %v and %v", pathAndQuery, lists[0], lists[1])
	}
	return nil
}

// againstPrism compares the rate of default listings with that of Prism's answers.
func (t *testbed) againstPrism(ctx context.Context, s *server) (Result, error) {
	const what = "default listing, 20 a page, against Prism's answer with the document's example"
	program, err := exec.LookPath("prism")
	if err != nil {
		return Result{What: what, NotRun: noPrism}, nil
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return Result{}, err
	}
	host, port, _ := strings.Cut(address, ":")
	cmd := exec.CommandContext(ctx, program, "mock", filepath.Join(t.Tree, "openapi.yaml"), "--host", host, "--port", port)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		return Result{}, err
	}
	prism := &server{dataset: s.dataset, cmd: cmd, address: address, token: s.token}
	defer prism.stop()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		_, err := prism.get(ctx, listingPath(20))
		if err == nil {
			break
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return Result{}, fmt.Errorf("prism: %w", errors.Join(err, ctx.Err()))
		}
	}
	return t.compareRates(ctx, what, t.listingRate(s, 20), t.listingRate(prism, 20), nil)
}

// freeAddress returns an address of loopback on which nothing listens.
func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
