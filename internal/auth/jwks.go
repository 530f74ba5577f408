package auth

import (
	"context"
	"crypto"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// jwksSettings are the limits of rule T2, in one place so that tests can
// shorten them.
type jwksSettings struct {
	timeout    time.Duration     // of one fetch, redirects and body included
	maxBody    int64             // bytes of a key set, after decompression
	refresh    time.Duration     // from a good fetch to the next
	retryFirst time.Duration     // from a failed fetch to the next; doubles ...
	retryMost  time.Duration     // ... up to this
	unknownKID time.Duration     // between two refreshes that tokens cause
	transport  http.RoundTripper // nil: newTransport
}

func defaultJWKSSettings() jwksSettings {
	return jwksSettings{
		timeout:    5 * time.Second,
		maxBody:    1 << 20,
		refresh:    time.Hour,
		retryFirst: 10 * time.Second,
		retryMost:  time.Minute,
		unknownKID: time.Minute,
	}
}

// keySet is the JWKS of an issuer, kept fresh by one goroutine.
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
type keySet struct {
	url      *url.URL
	settings jwksSettings
	client   *http.Client
	logger   *slog.Logger
	now      func() time.Time

	// keys is nil until the first good fetch. The map is never written after
	// it was stored.
	keys atomic.Pointer[map[string][]namedKey]
	// changed is called after the keys changed.
	changed func()
	// limiter guards requests. It is only used with AllowN, which reserves
	// nothing when it refuses: with Wait or Reserve, forged kids would run up
	// a debt that keeps a rotated key out for many minutes.
	limiter *rate.Limiter
	// requests holds the channel on which the requested refresh reports its
	// success. Capacity 1: the limiter lets one through at a time.
	requests chan chan bool
	ended    <-chan struct{}
}

// namedKey is a public key of the JWKS, under its kid, or under "" if it has
// none: then it serves tokens without a kid alone.
type namedKey struct {
	alg string // the one algorithm that it may verify
	key any
}

// sameKeys is for the hourly fetch, which mostly finds what was there. The order of the keys of one kid counts: an
// issuer that changes it costs no more than verifying tokens again.
func sameKeys(a, b map[string][]namedKey) bool {
	return maps.EqualFunc(a, b, func(a, b []namedKey) bool {
		return slices.EqualFunc(a, b, func(a, b namedKey) bool {
			key, ok := a.key.(publicKeyOf)
			return ok && a.alg == b.alg && key.Equal(b.key)
		})
	})
}

// newKeySet checks the URL (rule T2); it fetches nothing.
func newKeySet(rawURL string, settings jwksSettings, logger *slog.Logger, now func() time.Time) (*keySet, error) {
	u, err := parseJWKSURL(rawURL)
	if err != nil {
		return nil, fmt.Errorf("the JWKS URL %w", err)
	}
	transport := settings.transport
	if transport == nil {
		transport = newTransport()
	}
	return &keySet{
		url:      u,
		settings: settings,
		client:   &http.Client{Transport: transport, CheckRedirect: checkRedirect},
		logger:   logger,
		now:      now,
		changed:  func() {},
		limiter:  rate.NewLimiter(rate.Every(settings.unknownKID), 1),
		requests: make(chan chan bool, 1),
	}, nil
}

// start fetches once, so that a server whose issuer is up is ready from its
// first request, and leaves the rest to a goroutine that ends with ctx.
func (s *keySet) start(ctx context.Context) {
	s.ended = ctx.Done()
	s.refresh(ctx)
	go s.run(ctx)
}

// run makes every fetch after the first, one at a time.
func (s *keySet) run(ctx context.Context) {
	failed := 0
	if !s.loaded() {
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
func (s *keySet) pause(failed int) time.Duration {
	if failed == 0 {
		return s.settings.refresh
	}
	pause := s.settings.retryFirst
	for ; failed > 1 && pause < s.settings.retryMost; failed-- {
		pause *= 2
	}
	return min(pause, s.settings.retryMost)
}

// refresh fetches the keys and reports whether that succeeded. After a
// failure the keys stay as they are (rule T2).
func (s *keySet) refresh(ctx context.Context) bool {
	fetchCtx, cancel := context.WithTimeout(ctx, s.settings.timeout)
	defer cancel()
	keys, ignored, err := s.fetch(fetchCtx)
	switch {
	case ctx.Err() != nil:
		return false // the server stops: that is no news about the issuer
	case err != nil:
		s.logger.WarnContext(ctx, "the JWKS could not be fetched",
			"url", withoutSecrets(s.url), "error", err, "keys_in_use", s.loaded())
		return false
	}
	if before := s.keys.Load(); before == nil || !sameKeys(*before, keys) {
		s.keys.Store(&keys)
		s.changed()
	}
	level := slog.LevelInfo
	if len(keys) == 0 {
		level = slog.LevelWarn // no token of this issuer will be accepted
	}
	s.logger.Log(ctx, level, "the JWKS was fetched",
		"url", withoutSecrets(s.url), "kids", len(keys), "ignored", ignored)
	return true
}

// loaded reports whether the keys were ever fetched.
func (s *keySet) loaded() bool { return s.keys.Load() != nil }

// find returns the keys with this kid and algorithm; none if the kid belongs
// to keys of other algorithms. For an unknown kid it requests a refresh, if
// none was requested in the last minute, and waits for it. If one was, it
// returns a *KeysError at once, so that requests with forged kids don't pile
// up: the kid may be that of a new key. A kid that a refresh made for it does
// not bring is a *TokenError.
//
// The refresh continues when ctx ends: a client that sends a kid and hangs up
// would otherwise use up the minute's refresh without one being made.
func (s *keySet) find(ctx context.Context, kid, alg string) ([]any, error) {
	keys, known := s.lookup(kid, alg)
	if known {
		return keys, nil
	}
	refreshed := s.requestRefresh(ctx)
	if keys, known = s.lookup(kid, alg); known {
		return keys, nil
	}
	switch {
	case !s.loaded():
		return nil, s.notLoaded()
	case !refreshed:
		return nil, &KeysError{Reason: "the token's key (header kid) is not known yet", RetryAfter: s.untilNextRequest()}
	}
	return nil, refuse("the token's key (header kid) is not known")
}

// findAll returns the different keys of an algorithm, with or without a kid.
// It requests a refresh only while no keys were ever loaded.
func (s *keySet) findAll(ctx context.Context, alg string) ([]any, error) {
	if !s.loaded() {
		s.requestRefresh(ctx)
	}
	set := s.keys.Load()
	if set == nil {
		return nil, s.notLoaded()
	}
	var keys []any
	for _, named := range *set {
		for _, k := range named {
			same := func(key any) bool { return key.(publicKeyOf).Equal(k.key) }
			if k.alg == alg && !slices.ContainsFunc(keys, same) {
				keys = append(keys, k.key)
			}
		}
	}
	return keys, nil
}

// publicKeyOf is what the keys of a JWKS have in common.
type publicKeyOf interface{ Equal(crypto.PublicKey) bool }

func (s *keySet) notLoaded() error {
	return &KeysError{Reason: "the keys that verify this token have not been loaded yet", RetryAfter: max(time.Second, min(s.settings.retryFirst, s.settings.unknownKID))}
}

// untilNextRequest is the time until a token may cause the next refresh.
func (s *keySet) untilNextRequest() time.Duration {
	missing := 1 - s.limiter.TokensAt(s.now())
	return max(time.Duration(missing*float64(s.settings.unknownKID)), time.Second)
}

func (s *keySet) lookup(kid, alg string) (keys []any, known bool) {
	set := s.keys.Load()
	if set == nil {
		return nil, false
	}
	named, known := (*set)[kid]
	for _, k := range named {
		if k.alg == alg {
			keys = append(keys, k.key)
		}
	}
	return keys, known
}

// requestRefresh reports whether a refresh was made for this caller and went
// well. It waits for the time of one fetch at most.
func (s *keySet) requestRefresh(ctx context.Context) bool {
	if !s.limiter.AllowN(s.now(), 1) {
		return false
	}
	done := make(chan bool, 1) // nobody may be waiting any more
	select {
	case s.requests <- done:
	default:
		return false
	}
	timeout := time.NewTimer(s.settings.timeout)
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
