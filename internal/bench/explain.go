package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// explainSettings make PostgreSQL's auto_explain module log EXPLAIN (ANALYZE, BUFFERS) of every statement. It counts
// the server's own statements in the server's own sessions.
var explainSettings = []string{
	"session_preload_libraries=auto_explain", "auto_explain.log_min_duration=0", "auto_explain.log_format=json",
	"auto_explain.log_analyze=on", "auto_explain.log_buffers=on", "auto_explain.log_timing=off",
}

// countBuffers returns how many shared buffers a request touches, hit or read, on a server that runs with
// explainSettings. It is the median of three requests because the server's background work is logged too.
func (t *testbed) countBuffers(ctx context.Context, s *server, path string) (float64, error) {
	var counts []float64
	for range 3 {
		log, err := os.Stat(t.cluster.Log())
		if err != nil {
			return 0, err
		}
		if _, err := s.get(ctx, path); err != nil {
			return 0, err
		}
		count, err := t.loggedBuffers(ctx, int(log.Size()))
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		counts = append(counts, float64(count))
	}
	return median(counts), nil
}

// loggedBuffers adds up the plans logged since the log had the given size. It retries while PostgreSQL is still writing.
func (t *testbed) loggedBuffers(ctx context.Context, offset int) (int, error) {
	for range 100 {
		log, err := os.ReadFile(t.cluster.Log())
		if err != nil {
			return 0, err
		}
		if sum, err := sumBuffers(log[min(offset, len(log)):]); err == nil && sum > 0 {
			return sum, nil
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return 0, errors.New("PostgreSQL logged no plan; is its module auto_explain installed?")
}

// sumBuffers adds up the buffers of all plans in a log.
func sumBuffers(log []byte) (sum int, err error) {
	for {
		_, rest, found := bytes.Cut(log, []byte(" plan:\n"))
		if !found {
			return sum, nil
		}
		decoder := json.NewDecoder(bytes.NewReader(rest))
		var logged struct {
			Plan struct {
				Hit  int `json:"Shared Hit Blocks"`
				Read int `json:"Shared Read Blocks"`
			}
		}
		if err := decoder.Decode(&logged); err != nil {
			return 0, err
		}
		sum += logged.Plan.Hit + logged.Plan.Read
		log = rest[decoder.InputOffset():]
	}
}
