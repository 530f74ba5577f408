package httpserver

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/httpserver/bodies"
)

const (
	// rejectionPause is the time before a client gets a 429, for each second of Retry-After. A client that ignores Retry-After
	// cannot send its next request before, so that the rejections take little of the processors.
	rejectionPause = 70 * time.Millisecond
	// maxRejectionPause is the longest pause, and that of a 429 or 503 to a large body, which costs more to send and to drop.
	maxRejectionPause = 500 * time.Millisecond
	// maxPaused is the number of requests that wait for their rejection. Others get theirs at once.
	maxPaused = 1000
)

// pacer delays rejections.
type pacer struct{ paused atomic.Int64 }

// pause waits before a client gets a response, if that is a rejection, or until its connection ends.
func (p *pacer) pause(connection context.Context, r *http.Request, problem *api.Problem) {
	var pause time.Duration
	switch isLarge := r.ContentLength > bodies.LargeBytes; {
	case isLarge && (problem.Status == http.StatusTooManyRequests || problem.Status == http.StatusServiceUnavailable):
		pause = maxRejectionPause
	case problem.Status == http.StatusTooManyRequests:
		pause = min(time.Duration(max(problem.RetryAfter.Seconds(), 1)*float64(rejectionPause)), maxRejectionPause)
	default:
		return
	}
	defer p.paused.Add(-1)
	if p.paused.Add(1) > maxPaused {
		return
	}
	select {
	case <-time.After(pause):
	case <-connection.Done():
	}
}
