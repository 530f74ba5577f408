package store

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// compactInterval is how often a server compacts. Pending deltas make each listing a little slower.
	compactInterval = time.Second
	// expiryInterval is how often a server removes expired idempotency keys.
	expiryInterval = time.Minute
	// warnInterval is how often a server logs that a task fails.
	warnInterval = time.Minute
)

// RunBackground runs the tasks of a server until ctx ends: it compacts counters, counts artifacts, removes expired idempotency keys,
// and watches the file of an SQLite database. A read-only store only watches. Each task uses at most a tenth of the time of one connection.
func (s *Store) RunBackground(ctx context.Context, logger *slog.Logger) {
	compaction := task{
		interval: compactInterval,
		failed:   "counter compaction failed; listings stay exact but get slower", works: "counter compaction works again",
		run: func(ctx context.Context) error {
			_, err := s.Compact(ctx)
			if err == nil {
				s.compacted.Store(time.Now().UnixNano())
			}
			return err
		},
	}
	counting := task{
		interval: compactInterval,
		failed:   "counting artifacts failed; listings by them stay exact and slow", works: "counting artifacts works again",
		run: s.CountDemanded,
	}
	expiry := task{
		interval: expiryInterval,
		failed:   "removing expired idempotency keys failed", works: "removing expired idempotency keys works again",
		run: func(ctx context.Context) error {
			_, err := s.RemoveExpiredKeys(ctx)
			return err
		},
	}
	var running sync.WaitGroup
	if !s.Recorder.ReadOnly {
		for _, t := range []task{compaction, counting, expiry} {
			running.Go(func() { s.repeat(ctx, t, logger) })
		}
	}
	running.Go(func() { s.watchFile(ctx, logger) })
	running.Wait()
}

// watchInterval is how often a server checks that the file of an SQLite database is there.
const watchInterval = 500 * time.Millisecond

// watchFile logs once that the file of an SQLite database is not usable, and that it is again.
func (s *Store) watchFile(ctx context.Context, logger *slog.Logger) {
	usable := true
	for ticks := time.Tick(watchInterval); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
		err := s.db.File().Check()
		switch {
		case err != nil && usable:
			logger.Error("the SQLite file is not usable, and requests get a 503: move the same file back, or stop the server, restore the file and start the server", "error", err)
		case err == nil && !usable:
			logger.Info("the SQLite file is usable again")
		}
		usable = err == nil
	}
}

// task is something that a server does again and again.
type task struct {
	interval time.Duration
	run      func(context.Context) error
	// failed and works are the log messages of the first failure and of the first success after it.
	failed, works string
}

// repeat runs a task at its interval. It waits while the file of an SQLite database is not usable, which watchFile logs.
func (s *Store) repeat(ctx context.Context, t task, logger *slog.Logger) {
	var warned time.Time
	for pause := t.interval; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if s.db.File().Check() != nil {
			continue
		}
		began := time.Now()
		err := t.run(ctx)
		pause = max(t.interval, 10*time.Since(began))
		switch {
		case err != nil && ctx.Err() == nil && time.Since(warned) > warnInterval:
			warned = time.Now()
			logger.Warn(t.failed, "error", err)
		case err == nil && !warned.IsZero():
			warned = time.Time{}
			logger.Info(t.works)
		}
	}
}
