package client

import (
	"net/http"
	"testing"
	"time"
)

func TestPausesAreThoseOfRetryAfter(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": time.Second, "soon": time.Second, "0": 0, "7": 7 * time.Second, "-3": time.Second, "3600": time.Hour, "99999999999999999999": time.Hour,
		"Sun, 06 Nov 1994 08:49:37 GMT": 0,
	} {
		if got := pauseOf(http.Header{"Retry-After": {text}}); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
	date := time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat)
	if got := pauseOf(http.Header{"Retry-After": {date}}); got < 9*time.Minute || got > 10*time.Minute {
		t.Errorf("%s: got %s", date, got)
	}
}
