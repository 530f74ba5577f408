package session

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestFailedLoginsAreLimitedByAddress(t *testing.T) {
	t.Parallel()
	const most, interval = 10, 30 * time.Second
	a := NewAttempts(most, interval)
	for range most {
		if wait := a.Wait("192.0.2.1:1000"); wait != 0 {
			t.Fatalf("must wait %s before the limit", wait)
		}
		if wait := a.Fail("192.0.2.1:1000"); wait != 0 {
			t.Fatalf("waits %s before the limit", wait)
		}
	}
	if wait := a.Fail("192.0.2.1:1001"); wait <= 0 || wait > interval { // another port of the same address
		t.Errorf("waits %s after the limit", wait)
	}
	if wait := a.Wait("192.0.2.1:1002"); wait <= 0 || wait > interval {
		t.Errorf("must wait %s after the limit", wait)
	}
	if wait := a.Fail("192.0.2.2:1000"); wait != 0 {
		t.Errorf("another address waits %s", wait)
	}
}

func TestLoopbackHostsNeedNoHTTPS(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "localhost:8080": true, "127.0.0.1:8080": true, "127.1.2.3": true, "[::1]:8080": true, "[::1]": true,
		"localhost.evil.test": false, "192.0.2.1": false, "deployrecords.example:443": false, "0.0.0.0:8080": false, "": false, "[": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.Host = host
		if got := IsLoopback(r); got != want {
			t.Errorf("%q: got %t", host, got)
		}
		w := httptest.NewRecorder()
		SetCookie(w, r, IsSecure(r), "s", time.Now().Add(time.Hour))
		if cookie := w.Result().Cookies()[0]; cookie.Secure == want || !cookie.HttpOnly {
			t.Errorf("%q: %v", host, cookie)
		}
	}
}
