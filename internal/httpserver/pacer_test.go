package httpserver

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/httpserver/bodies"
)

// A bounded number of clients waits for a rejection.
func TestRejectionsArePaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p pacer
		pauseOf := func(status int, retryAfter time.Duration, length int64) time.Duration {
			began := time.Now()
			p.pause(t.Context(), &http.Request{ContentLength: length}, &api.Problem{Status: status, RetryAfter: retryAfter})
			return time.Since(began)
		}
		for _, c := range []struct {
			status     int
			retryAfter time.Duration
			length     int64
			want       time.Duration
		}{
			{http.StatusTooManyRequests, time.Second / 3, 0, rejectionPause},
			{http.StatusTooManyRequests, 5 * time.Second, 0, 5 * rejectionPause},
			{http.StatusTooManyRequests, time.Hour, 0, maxRejectionPause},
			{http.StatusTooManyRequests, time.Second, bodies.LargeBytes + 1, maxRejectionPause},
			{http.StatusServiceUnavailable, time.Second, 0, 0},
			{http.StatusServiceUnavailable, time.Second, bodies.LargeBytes + 1, maxRejectionPause},
			{http.StatusBadRequest, 0, bodies.LargeBytes + 1, 0},
		} {
			if took := pauseOf(c.status, c.retryAfter, c.length); took != c.want {
				t.Errorf("%+v: the pause is %v", c, took)
			}
		}
		pause := func() time.Duration { return pauseOf(http.StatusTooManyRequests, time.Second, 0) }
		var early atomic.Int32
		for range maxPaused + 7 {
			go func() {
				if pause() == 0 {
					early.Add(1)
				}
			}()
		}
		time.Sleep(time.Second)
		if early.Load() != 7 {
			t.Errorf("%d were not paced", early.Load())
		}
		if took := pause(); took != rejectionPause {
			t.Errorf("afterwards the pause is %v", took)
		}
	})
}
