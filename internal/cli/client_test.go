package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var day = time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)

func newProxy(t *testing.T, s *apiServer, prefix string) string {
	t.Helper()
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(http.StripPrefix(prefix, httputil.NewSingleHostReverseProxy(target)))
	t.Cleanup(proxy.Close)
	return proxy.URL
}

func TestHelpOfTheClients(t *testing.T) {
	t.Setenv("COLUMNS", "100")
	for _, command := range []string{"record", "list", "conform", "completion"} {
		stdout, stderr, code := run(t, command, "--help")
		if code != 0 || stderr != "" {
			t.Errorf("%s: exit code %d, %s", command, code, stderr)
		}
		golden(t, "help-"+command+".txt", stdout)
	}
}

// tries sends a request in a synctest bubble and returns the times of its tries.
func tries(t *testing.T, retryFor time.Duration, responses ...string) (times []time.Duration, stderr string, err error) {
	t.Helper()
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := &apiClient{base: "http://test", timeout: 30 * time.Second, retryFor: retryFor, stderr: &log}
		_, err = c.Do(t.Context(), func(ctx context.Context) (*http.Response, error) {
			times = append(times, time.Since(start))
			answer := responses[min(len(times), len(responses))-1]
			if answer == "hangs" {
				<-ctx.Done()
				return nil, &url.Error{Op: "Post", URL: "http://test", Err: ctx.Err()}
			}
			if answer == "network" {
				return nil, &url.Error{Op: "Post", URL: "http://test", Err: errors.New("connection refused")}
			}
			status, after, _ := strings.Cut(answer, " ")
			response := &http.Response{Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}"))}
			_, _ = fmt.Sscan(status, &response.StatusCode)
			if after == "date" {
				after = time.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat)
			}
			if after != "" {
				response.Header.Set("Retry-After", after)
			}
			return response, nil
		})
	})
	return times, log.String(), err
}

func TestPausesGrowAndTheLastTryIsAtTheDeadline(t *testing.T) {
	times, stderr, err := tries(t, 2*time.Minute, "network")
	var coded exitError
	if !errors.As(err, &coded) || coded.code != exitUnreachable || !strings.Contains(err.Error(), "gave up after 2m0s") {
		t.Error(err)
	}
	most := 500 * time.Millisecond
	for i := 1; i < len(times)-1; i++ {
		if pause := times[i] - times[i-1]; pause < most/2 || pause > most {
			t.Errorf("pause %d is %s", i, pause)
		}
		most = min(2*most, 15*time.Second)
	}
	if last := times[len(times)-1]; last != 2*time.Minute {
		t.Errorf("the last try was after %s", last)
	}
	if strings.Count(stderr, "\n") != len(times)-1 || !strings.Contains(stderr, "http://test can't be reached: connection refused; retrying in ") {
		t.Error(stderr)
	}
}

func TestRetryAfterSetsThePause(t *testing.T) {
	for after, want := range map[string]time.Duration{"7": 7 * time.Second, "date": 20 * time.Second, "0": 0, "-3": 0, "soon": 0} {
		for _, status := range []string{"429 ", "503 "} {
			times, _, err := tries(t, 2*time.Minute, status+after, "200")
			if err != nil || len(times) != 2 {
				t.Fatalf("%s: %v after %d tries", after, err, len(times))
			}
			if want == 0 && times[1] > 500*time.Millisecond || want > 0 && (times[1] > want || times[1] < want-time.Second) {
				t.Errorf("%s: the second try was after %s", after, times[1])
			}
		}
	}
	for _, after := range []string{"3600", "99999999999999999999"} {
		times, _, err := tries(t, 2*time.Minute, "429 "+after)
		if len(times) != 1 || err == nil || !strings.Contains(err.Error(), "later than --retry-for 2m0s allows") {
			t.Errorf("%s: %v after %d tries", after, err, len(times))
		}
	}
}

func TestATryHasATimeLimit(t *testing.T) {
	times, stderr, err := tries(t, 2*time.Minute, "hangs", "hangs", "200")
	if err != nil || len(times) != 3 || times[1] < 30*time.Second || times[1] > 31*time.Second ||
		!strings.Contains(stderr, "http://test did not respond within 30s") {
		t.Errorf("%v: %v, %s", times, err, stderr)
	}
}

func TestRejectionsAreNotRetried(t *testing.T) {
	for answer, code := range map[string]int{"400": 3, "404": 3, "409": 3, "422 1": 3, "501": 3, "505": 3} {
		times, stderr, err := tries(t, 2*time.Minute, answer)
		var coded exitError
		if !errors.As(err, &coded) || coded.code != code || len(times) != 1 || stderr != "" {
			t.Errorf("%s: %v after %d tries", answer, err, len(times))
		}
	}
	for _, answer := range []string{"408", "409 1", "425", "429", "500", "502", "503", "504", "599"} {
		if times, _, err := tries(t, 2*time.Minute, answer, "200"); err != nil || len(times) != 2 {
			t.Errorf("%s: %v after %d tries", answer, err, len(times))
		}
	}
	if times, _, err := tries(t, 0, "503"); err == nil || len(times) != 1 || strings.Contains(err.Error(), "gave up") {
		t.Errorf("%v after %d tries", err, len(times))
	}
}

func TestUntrustedCertificatesAreNotRetried(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	clientEnvironment(t, server.URL)
	_, stderr, code := run(t, recordArgs...)
	if code != 4 || !strings.Contains(stderr, "certificate") || strings.Contains(stderr, "retrying") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	clientEnvironment(t, "https"+strings.TrimPrefix(newAPI(t).URL, "http"))
	if _, stderr, code := run(t, recordArgs...); code != 4 || strings.Contains(stderr, "retrying") {
		t.Errorf("https to a server of http: exit code %d, %s", code, stderr)
	}
}

func TestAnInterruptEndsTheRetries(t *testing.T) {
	s := newAPI(t, repeat(100, problem(503, "busy"))...)
	clientEnvironment(t, s.URL)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	var out, stderr bytes.Buffer
	code := Run(ctx, recordArgs, Streams{In: strings.NewReader(""), Out: &out, Err: &stderr})
	if code != 1 || !strings.Contains(stderr.String(), "interrupted\nthe deployment may have been recorded") {
		t.Errorf("exit code %d, %s", code, stderr.String())
	}
}

func TestTextsOfServersArePrintable(t *testing.T) {
	s := newAPI(t, problem(400, "one\x1b[31m\r\ntwo\u202e", strings.Repeat("é", 5000)))
	_, stderr, code := s.client(recordArgs...)
	if code != 3 || strings.ContainsAny(stderr, "\x1b\r\u202e") || len(stderr) > 3000 {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	s = newAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 404, map[string]any{"code": 5, "message": "no such route", "details": []any{map[string]any{"@type": "x"}}})
	})
	if _, stderr, code := s.client(recordArgs...); code != 3 || !strings.Contains(stderr, "no such route (is --url right?)\n  {\"@type\":\"x\"}\n") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}

// A person waits for a list, a pipeline for a recording.
func TestListFailsAtOnceAndRecordRetries(t *testing.T) {
	for status, want := range map[int]int{429: 4, 500: 4, 503: 4} {
		s := newAPI(t, problem(status, "not now"))
		if _, stderr, code := s.client("list"); code != want || len(s.asked()) != 1 || strings.Contains(stderr, "retrying") {
			t.Errorf("%d: exit code %d after %d requests: %s", status, code, len(s.asked()), stderr)
		}
	}
	s := newAPI(t, problem(503, "not now"))
	if _, stderr, code := s.client("list", "--retry-for", "10s"); code != 0 || len(s.asked()) != 2 {
		t.Errorf("list --retry-for 10s: exit code %d after %d requests: %s", code, len(s.asked()), stderr)
	}
	s = newAPI(t, problem(503, "not now"))
	if _, stderr, code := s.client(recordArgs...); code != 0 || len(s.asked()) != 2 {
		t.Errorf("record: exit code %d after %d requests: %s", code, len(s.asked()), stderr)
	}
}
