package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	firstPause = 500 * time.Millisecond
	mostPause  = 15 * time.Second
	// maxAnswer is far more than a page of records has. It is kept in memory.
	maxAnswer = 64 << 20
)

// setback is why a try came to nothing, if another one may succeed.
type setback struct {
	reason string
	// after is how long the server asked to wait, or 0.
	after time.Duration
	// hopeless says that nothing will change by itself.
	hopeless bool
}

func (s *setback) Error() string { return s.reason }

// ask sends a request until it is answered for good, and gives the body of a 200. Every try sends the same. Errors carry
// the exit codes: refused (4xx), unreachable (the network, 429 and 5xx, for as long as is to be tried).
func (c *caller) ask(ctx context.Context, send func(context.Context) (*http.Response, error)) ([]byte, error) {
	start := time.Now()
	for tries := 1; ; tries++ {
		body, err := c.try(ctx, send)
		var back *setback
		if ctx.Err() != nil && err != nil {
			return nil, errors.New("interrupted")
		}
		if !errors.As(err, &back) {
			return body, err
		}
		left := c.retryFor - time.Since(start)
		if back.hopeless || left <= 0 || back.after > left {
			return nil, exitError{c.gaveUp(back, tries, time.Since(start)), exitUnreachable}
		}
		// The last try comes when the time is up, not before.
		pause := min(max(backoff(tries), back.after), left)
		fmt.Fprintf(c.notes, "deployrecords: %s; trying again in %s\n", back.reason, pause.Round(10*time.Millisecond))
		select {
		case <-ctx.Done():
			return nil, errors.New("interrupted")
		case <-time.After(pause):
		}
	}
}

func (c *caller) gaveUp(back *setback, tries int, spent time.Duration) error {
	switch {
	case back.hopeless || c.retryFor == 0:
		return back
	case back.after > 0 && spent+back.after > c.retryFor:
		return fmt.Errorf("%w; it asks to come back in %s, which is later than --retry-for %s allows (tries: %d)", back, back.after, c.retryFor, tries)
	default:
		return fmt.Errorf("%w; gave up after %s (tries: %d)", back, spent.Round(100*time.Millisecond), tries)
	}
}

// backoff is the pause after a try: it doubles, and half of it is left to chance, so that the steps of a pipeline that
// failed together do not come back together.
func backoff(tries int) time.Duration {
	pause := mostPause
	if tries < 6 {
		pause = min(firstPause<<(tries-1), mostPause)
	}
	return pause/2 + rand.N(pause/2)
}

// try sends a request once, and reads the answer to its end within the time that a try has.
func (c *caller) try(ctx context.Context, send func(context.Context) (*http.Response, error)) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	response, err := send(ctx)
	if err != nil {
		return nil, c.networkFault(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, c.networkFault(fmt.Errorf("the answer broke off: %w", err))
	}
	if len(body) > maxAnswer {
		return nil, fmt.Errorf("the answer of %s has more than %d MiB", c.base, maxAnswer>>20)
	}
	return body, c.judge(response, body)
}

func (c *caller) networkFault(err error) error {
	// What url.Error adds is the address, which is told anyway.
	var asked *url.Error
	if errors.As(err, &asked) {
		err = asked.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &setback{reason: fmt.Sprintf("%s has not answered within %s", c.base, c.timeout)}
	}
	var certificate *tls.CertificateVerificationError
	return &setback{
		reason:   fmt.Sprintf("%s can't be reached: %s", c.base, c.printable(err.Error())),
		hopeless: errors.As(err, &certificate) || errors.Is(err, http.ErrSchemeMismatch),
	}
}

// retryAfter reads the header: seconds, or a date.
func retryAfter(header http.Header, now time.Time) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	} else if errors.Is(err, strconv.ErrRange) {
		return 1 << 31 * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}
