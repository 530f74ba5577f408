package store

import (
	"context"
	"log/slog"
	"time"
)

const (
	// compactInterval is how often a server compacts. Pending deltas make each listing a little slower.
	compactInterval = time.Second
	// warnInterval is how often a server logs that compaction fails.
	warnInterval = time.Minute
)

// RunCompaction compacts until ctx ends. It uses at most a tenth of the time of one connection.
func (s *Store) RunCompaction(ctx context.Context, logger *slog.Logger) {
	var warned time.Time
	for pause := compactInterval; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		began := time.Now()
		_, err := s.Compact(ctx)
		pause = max(compactInterval, 10*time.Since(began))
		switch {
		case err != nil && ctx.Err() == nil && time.Since(warned) > warnInterval:
			warned = time.Now()
			logger.Warn("counter compaction failed; listings stay exact but get slower", "error", err)
		case err == nil && !warned.IsZero():
			warned = time.Time{}
			logger.Info("counter compaction works again")
		}
	}
}
