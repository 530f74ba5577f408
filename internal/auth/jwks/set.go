package jwks

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/deployrecords/deployrecords/internal/auth/keys"
)

// Set is the JWKS of an issuer, kept fresh by one goroutine.
//
// keyfunc and jwkset's HTTP client would be the library for this, but they
// don't meet rule T2:
//
//   - They treat a set without "keys" as an empty one and discard the good keys.
//   - They read a body of any size.
//   - They fail the whole set because of one bad key.
//   - A request with an unknown kid waits for the limiter under the same
//     deadline as the fetch, so that "refuse at once" would also cut the fetch
//     short.
//   - They cancel that fetch with the request that caused it.
//   - They retry a set that was never loaded only at the next hourly refresh.
//
// So this package fetches the keys, and jwkset only reads them.
type Set struct {
	source Source
	url    *url.URL // of the JWKS, or of the document that names it
	limits Limits
	client *http.Client
	logger *slog.Logger
	now    func() time.Time

	// keys is nil until the first good fetch. The map is never written after
	// it was stored.
	keys atomic.Pointer[map[string][]keys.Named]
	// fetched is the time of the last good fetch; nil is none.
	fetched atomic.Pointer[time.Time]
	// changed is called after the keys changed.
	changed func()
	stop    context.CancelFunc
	// limiter guards requests. It is only used with AllowN, which reserves
	// nothing when it refuses: with Wait or Reserve, forged kids would run up
	// a debt that keeps a rotated key out for many minutes.
	limiter *rate.Limiter
	// requests holds the channel on which the requested refresh reports its
	// success. Capacity 1: the limiter lets one through at a time.
	requests chan chan bool
	ended    <-chan struct{}
}

// sameKeys is for the hourly fetch, which mostly finds what was there. The order of the keys of one kid counts: an
// issuer that changes it costs no more than verifying tokens again.
func sameKeys(a, b map[string][]keys.Named) bool {
	return maps.EqualFunc(a, b, func(a, b []keys.Named) bool {
		return slices.EqualFunc(a, b, func(a, b keys.Named) bool {
			return slices.Equal(a.Algorithms, b.Algorithms) && keys.Equal(a.Key, b.Key)
		})
	})
}

// NewSet returns a set without keys; Start fetches them. The source is valid: see Source.Check. changed is called each time that
// the keys have changed.
func NewSet(source Source, limits Limits, logger *slog.Logger, now func() time.Time, changed func()) (*Set, error) {
	u, err := source.address()
	if err != nil {
		return nil, err
	}
	client, err := newClient(source, limits)
	if err != nil {
		return nil, err
	}
	return &Set{
		source:   source,
		url:      u,
		limits:   limits,
		client:   client,
		logger:   logger,
		now:      now,
		changed:  changed,
		limiter:  rate.NewLimiter(rate.Every(limits.UnknownKID), 1),
		requests: make(chan chan bool, 1),
	}, nil
}

// Start fetches once, so that a server whose issuer is up is ready from its
// first request, and leaves the rest to a goroutine that ends with ctx or Stop.
func (s *Set) Start(ctx context.Context) {
	ctx, s.stop = context.WithCancel(ctx)
	s.ended = ctx.Done()
	s.refresh(ctx)
	go s.run(ctx)
}

// Stop ends the fetching. The keys stay.
func (s *Set) Stop() { s.stop() }

// run makes every fetch after the first, one at a time.
func (s *Set) run(ctx context.Context) {
	failed := 0
	if !s.Loaded() {
		failed = 1
	}
	timer := time.NewTimer(s.pause(failed))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case done := <-s.requests:
			// Leaves the timer alone: a failed refresh that a forged kid
			// caused must not bring retries of its own (rule T2).
			done <- s.refresh(ctx)
		case <-timer.C:
			if s.refresh(ctx) {
				failed = 0
			} else {
				failed++
			}
			timer.Reset(s.pause(failed))
		}
	}
}

// pause is the time to the next fetch after so many failed ones in a row.
func (s *Set) pause(failed int) time.Duration {
	if failed == 0 {
		return s.limits.Refresh
	}
	pause := s.limits.RetryFirst
	for ; failed > 1 && pause < s.limits.RetryMost; failed-- {
		pause *= 2
	}
	return min(pause, s.limits.RetryMost)
}

// refresh fetches the keys and reports whether that succeeded. After a
// failure the keys stay as they are (rule T2).
func (s *Set) refresh(ctx context.Context) bool {
	fetchCtx, cancel := context.WithTimeout(ctx, s.limits.Timeout)
	defer cancel()
	fetched, ignored, err := s.fetch(fetchCtx)
	switch {
	case ctx.Err() != nil:
		return false // the server stops: that is no news about the issuer
	case err != nil:
		s.logger.WarnContext(ctx, "the JWKS could not be fetched",
			"url", withoutSecrets(s.url), "error", err, "keys_in_use", s.Loaded())
		return false
	}
	s.fetched.Store(new(s.now()))
	if before := s.keys.Load(); before == nil || !sameKeys(*before, fetched) {
		s.keys.Store(&fetched)
		s.changed()
	}
	level := slog.LevelInfo
	if len(fetched) == 0 {
		level = slog.LevelWarn // no token of this issuer will be accepted
	}
	s.logger.Log(ctx, level, "the JWKS was fetched",
		"url", withoutSecrets(s.url), "kids", len(fetched), "ignored", ignored)
	return true
}

// Loaded reports whether the keys were ever fetched.
func (s *Set) Loaded() bool { return s.keys.Load() != nil }

// Find returns the keys with this kid and algorithm; none if the kid belongs
// to keys of other algorithms. For an unknown kid it requests a refresh, if
// none was requested in the last minute, and waits for it. If one was, it
// returns a *PendingError at once, so that requests with forged kids don't pile
// up: the kid may be that of a new key. A kid that a refresh made for it does
// not bring is an ErrUnknownKey.
//
// The refresh continues when ctx ends: a client that sends a kid and hangs up
// would otherwise use up the minute's refresh without one being made.
func (s *Set) Find(ctx context.Context, kid, alg string) ([]any, error) {
	named, known := s.lookup(kid, alg)
	if known {
		return named, nil
	}
	refreshed := s.requestRefresh(ctx)
	if named, known = s.lookup(kid, alg); known {
		return named, nil
	}
	switch {
	case !s.Loaded():
		return nil, s.NotLoaded()
	case !refreshed:
		return nil, &PendingError{Reason: "the token's key (header kid) is not known yet", RetryAfter: s.untilNextRequest(), UnknownKey: true}
	}
	return nil, ErrUnknownKey
}

// FindAll returns the different keys of an algorithm, with or without a kid.
// It requests a refresh only while no keys were ever loaded.
func (s *Set) FindAll(ctx context.Context, alg string) ([]any, error) {
	if !s.Loaded() {
		s.requestRefresh(ctx)
	}
	if !s.Loaded() {
		return nil, s.NotLoaded()
	}
	return s.Current(alg), nil
}

// Current returns the different keys of an algorithm that are known now. It fetches none.
func (s *Set) Current(alg string) []any {
	set := s.keys.Load()
	if set == nil {
		return nil
	}
	var current []any
	for _, named := range *set {
		for _, k := range named {
			same := func(key any) bool { return keys.Equal(key, k.Key) }
			if slices.Contains(k.Algorithms, alg) && !slices.ContainsFunc(current, same) {
				current = append(current, k.Key)
			}
		}
	}
	return current
}

// NotLoaded returns the *PendingError of a set that was never fetched.
func (s *Set) NotLoaded() error {
	return &PendingError{Reason: "the keys that verify this token have not been loaded yet", RetryAfter: max(time.Second, min(s.limits.RetryFirst, s.limits.UnknownKID))}
}

// untilNextRequest is the time until a token may cause the next refresh.
func (s *Set) untilNextRequest() time.Duration {
	missing := 1 - s.limiter.TokensAt(s.now())
	return max(time.Duration(missing*float64(s.limits.UnknownKID)), time.Second)
}

func (s *Set) lookup(kid, alg string) (matching []any, known bool) {
	set := s.keys.Load()
	if set == nil {
		return nil, false
	}
	named, known := (*set)[kid]
	for _, k := range named {
		if slices.Contains(k.Algorithms, alg) {
			matching = append(matching, k.Key)
		}
	}
	return matching, known
}

// requestRefresh reports whether a refresh was made for this caller and went
// well. It waits for the time of one fetch at most.
func (s *Set) requestRefresh(ctx context.Context) bool {
	if !s.limiter.AllowN(s.now(), 1) {
		return false
	}
	done := make(chan bool, 1) // nobody may be waiting any more
	select {
	case s.requests <- done:
	default:
		return false
	}
	timeout := time.NewTimer(s.limits.Timeout)
	defer timeout.Stop()
	select {
	case fetched := <-done:
		return fetched
	case <-timeout.C:
	case <-ctx.Done():
	case <-s.ended:
	}
	return false
}

// FetchedAt returns the time of the last good fetch, or the zero time.
func (s *Set) FetchedAt() (at time.Time) {
	if fetched := s.fetched.Load(); fetched != nil {
		at = *fetched
	}
	return at
}
