package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// explained are the settings by which PostgreSQL logs what each statement of a server did, counted as
// EXPLAIN (ANALYZE, BUFFERS) does. So it is the server's own statements, in its own sessions, that are counted.
var explained = []string{
	"session_preload_libraries=auto_explain", "auto_explain.log_min_duration=0", "auto_explain.log_format=json",
	"auto_explain.log_analyze=on", "auto_explain.log_buffers=on", "auto_explain.log_timing=off",
}

// countBuffers asks a server, whose database URL has the explained settings, and gives how many shared buffers its
// statements touched: found in memory or read. It is the median of three times,
// since a server does other things, too, now and then.
func (l *lab) countBuffers(ctx context.Context, s *server, path string) (int, error) {
	var counts []int
	for range 3 {
		before, err := os.Stat(l.cluster.Log())
		if err != nil {
			return 0, err
		}
		if _, err := s.get(ctx, path); err != nil {
			return 0, err
		}
		count, err := l.loggedBuffers(ctx, before.Size())
		if err != nil {
			return 0, fmt.Errorf("%s: %w", path, err)
		}
		counts = append(counts, count)
	}
	return median(counts), nil
}

// loggedBuffers sums up the plans that came into the log since it had so many bytes.
func (l *lab) loggedBuffers(ctx context.Context, from int64) (int, error) {
	for range 100 {
		text, err := readFrom(l.cluster.Log(), from)
		if err != nil {
			return 0, err
		}
		if sum, err := sumBuffers(text); err == nil && sum > 0 {
			return sum, nil
		}
		select { // PostgreSQL may not be done with writing
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return 0, errors.New("PostgreSQL logged no plan; is its module auto_explain installed?")
}

func readFrom(path string, offset int64) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return text[min(int(offset), len(text)):], nil
}

// sumBuffers adds up what the plans of a log touched.
func sumBuffers(log []byte) (int, error) {
	sum := 0
	for {
		_, rest, found := bytes.Cut(log, []byte(" plan:\n"))
		if !found {
			return sum, nil
		}
		decoder := json.NewDecoder(bytes.NewReader(rest))
		var plan struct {
			Plan struct {
				Hit  int `json:"Shared Hit Blocks"`
				Read int `json:"Shared Read Blocks"`
			}
		}
		if err := decoder.Decode(&plan); err != nil {
			return 0, err
		}
		sum += plan.Plan.Hit + plan.Plan.Read
		log = rest[decoder.InputOffset():]
	}
}

// subsets are all choices from some things, the empty one included.
func subsets[T any](of []T) [][]T {
	all := [][]T{nil}
	for _, one := range of {
		for _, chosen := range slices.Clone(all) {
			all = append(all, append(slices.Clone(chosen), one))
		}
	}
	return all
}
