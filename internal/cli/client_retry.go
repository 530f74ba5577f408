package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/sethvargo/go-retry"
)

const (
	// maxResponse limits a response, which is kept in memory. A page of records is far smaller.
	maxResponse = 64 << 20
	// maxErrorResponse is the size up to which the body of an error is read.
	maxErrorResponse = 1 << 20
)

// newBackoff returns pauses that double: 0.25 to 0.5 s at first (375 ms ± 33 %), 7.5 to 15 s at most. They are random so
// that pipeline steps that failed together do not retry together.
func newBackoff() retry.Backoff {
	return retry.WithJitterPercent(33, retry.WithCappedDuration(11250*time.Millisecond, retry.NewExponential(375*time.Millisecond)))
}

// retryableError is a failed try. Another try may follow it unless it is permanent.
type retryableError struct {
	reason string
	// after is the pause that the server asked for, or 0.
	after time.Duration
	// permanent means that no later try can succeed.
	permanent bool
	// unrecorded means that the server has changed nothing.
	unrecorded bool
}

func (e *retryableError) Error() string { return e.reason }

// unrecordedError is the error of a request that changed nothing on any try.
type unrecordedError struct{ error }

// Do sends a request until the server responds for good, and returns the body of a 200. Every try sends the same
// request. Errors have the exit codes of a rejection or an unreachable server (network errors, and statuses that may be retried,
// until retryFor has passed).
func (c *apiClient) Do(ctx context.Context, send func(context.Context) (*http.Response, error)) (body []byte, err error) {
	start, backoff := time.Now(), newBackoff()
	var failed *retryableError
	tries, unrecorded := 0, true
	pauses := retry.BackoffFunc(func() (time.Duration, bool) {
		pause, _ := backoff.Next()
		left := c.retryFor - time.Since(start)
		if left <= 0 || failed.after > left {
			return 0, true
		}
		pause = min(max(pause, failed.after), left) // the last try is at the deadline
		fmt.Fprintf(c.stderr, "deployrecords: %s; retrying in %s\n", failed.reason, pause.Round(10*time.Millisecond))
		return pause, false
	})
	err = retry.Do(ctx, pauses, func(ctx context.Context) (err error) {
		tries++
		body, err = c.try(ctx, send)
		if failed = nil; errors.As(err, &failed) {
			unrecorded = unrecorded && failed.unrecorded
			if !failed.permanent {
				return retry.RetryableError(err)
			}
		}
		return err
	})
	switch {
	case err == nil:
		return body, nil
	case ctx.Err() != nil:
		return nil, errors.New("interrupted")
	case failed != nil:
		err := c.gaveUp(failed, tries, time.Since(start))
		if unrecorded {
			err = unrecordedError{err}
		}
		return nil, exitError{err, exitUnreachable}
	}
	return nil, err
}

func (c *apiClient) gaveUp(failed *retryableError, tries int, spent time.Duration) error {
	switch {
	case failed.permanent || c.retryFor == 0:
		return failed
	case failed.after > 0 && spent+failed.after > c.retryFor:
		return fmt.Errorf("%w; it asks to retry in %s, which is later than --retry-for %s allows (tries: %d)", failed, failed.after, c.retryFor, tries)
	default:
		return fmt.Errorf("%w; gave up after %s (tries: %d)", failed, spent.Round(100*time.Millisecond), tries)
	}
}

// try sends the request once and reads the whole response, within the time limit of a try.
func (c *apiClient) try(ctx context.Context, send func(context.Context) (*http.Response, error)) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	response, err := send(ctx)
	if err != nil {
		return nil, c.networkError(err)
	}
	defer response.Body.Close()
	limit := int64(maxErrorResponse)
	if response.StatusCode == http.StatusOK {
		limit = maxResponse + 1
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, limit))
	if err != nil {
		return nil, c.networkError(fmt.Errorf("the response broke off: %w", err))
	}
	if len(body) > maxResponse {
		return nil, fmt.Errorf("the response of %s has more than %d MiB", c.base, maxResponse>>20)
	}
	return body, c.classify(response, body)
}

func (c *apiClient) networkError(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // without the URL, which the messages below have
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &retryableError{reason: fmt.Sprintf("%s did not respond within %s", c.base, c.timeout)}
	}
	var certificate *tls.CertificateVerificationError
	return &retryableError{
		reason:    fmt.Sprintf("%s can't be reached: %s", c.base, c.printable(err.Error())),
		permanent: errors.As(err, &certificate) || errors.Is(err, http.ErrSchemeMismatch),
	}
}

// retryAfter returns the pause of the header Retry-After, in seconds or as a date, or 0.
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
