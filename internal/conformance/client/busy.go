package client

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// BusyError reports a server that demands a longer pause than the suite makes, as one whose quota is used up.
type BusyError struct {
	base, summary, retryAfter string
	request                   Request
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("%s answers %s %s with %s; its Retry-After: %s is more than the %s that the suite waits",
		e.base, e.request.method(), e.request.Path, e.summary, e.retryAfter, maxPause)
}

// IsBusy reports whether an error of [Client.Send] is a *[BusyError].
func IsBusy(err error) bool {
	_, ok := errors.AsType[*BusyError](err)
	return ok
}

// Explain returns an error of [Client.Send] in the words of a report.
func (c *Client) Explain(err error) error {
	if IsBusy(err) {
		return err
	}
	return fmt.Errorf("%s can't be reached: %s", c.Base, c.Printable(err.Error()))
}

func isBusy(a *Answer) bool {
	return a.Status == http.StatusTooManyRequests || a.Status == http.StatusServiceUnavailable && a.Header.Get("Retry-After") != ""
}

// pauseOf returns the time that Retry-After demands, in seconds or as a date, and a second for one that is neither.
func pauseOf(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, uint64(time.Hour/time.Second))) * time.Second // an hour is too long already
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(time.Until(date), 0)
	}
	return time.Second
}
