package conformance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/conformance"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// newHandlerServer starts a server of another API.
func newHandlerServer(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server.URL
}

func TestRun_RejectsTargetsThatCannotBeJudged(t *testing.T) {
	says := func(status int, contentType, text string) string {
		return newHandlerServer(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(text))
		})
	}
	elsewhere := newHandlerServer(t, func(http.ResponseWriter, *http.Request) { t.Error("a redirect was followed") })
	const gone = "http://127.0.0.1:1" // nobody listens there; the port of a closed server may be the next server's
	right := newServer(t, correctStore(), nil, smallPages)
	for name, c := range map[string]struct {
		change func(*conformance.Options)
		want   string
	}{
		"no server":          {func(o *conformance.Options) { o.URL = gone }, "can't be reached"},
		"a rejected token":   {func(o *conformance.Options) { o.Token = "no.token.atall" }, "refuses the token: 401"},
		"another web server": {func(o *conformance.Options) { o.URL = says(404, "text/html", "<h1>Not found</h1>") }, "404 Not Found"},
		"a web page":         {func(o *conformance.Options) { o.URL = says(200, "text/html", "<h1>Welcome</h1>") }, `begins with "<h1>Welcome</h1>"`},
		"other JSON":         {func(o *conformance.Options) { o.URL = says(200, "application/json", `{"status":"ok"}`) }, "not with a list of records"},
		"a failing server":   {func(o *conformance.Options) { o.URL = says(500, "application/json", `{"code":13,"message":"oh"}`) }, "500 Internal Server Error: oh"},
		"a redirect": {func(o *conformance.Options) {
			o.URL = newHandlerServer(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere, http.StatusFound) })
		}, "redirects to"},
		"no document":         {func(o *conformance.Options) { o.Document = []byte("hello") }, "the document can't be read"},
		"an invalid document": {func(o *conformance.Options) { o.Document = []byte("openapi: 3.0.1") }, "not a valid OpenAPI document"},
		"another document": {func(o *conformance.Options) {
			o.Document = []byte("openapi: 3.0.1\ninfo: {title: x, version: '1'}\npaths: {}\n")
		}, "no GET operation"},
		"a value of an unknown parameter": {func(o *conformance.Options) { o.Values = map[string][]string{"region": {"eu"}} }, `"region"`},
		"no server to compare":            {func(o *conformance.Options) { o.Compare = &conformance.Target{URL: gone, Token: "t"} }, "compare: " + gone + " can't be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(t, right)
			o.Requests = 30
			c.change(&o)
			result, err := conformance.Run(t.Context(), o)
			if result != nil || err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v", result, err)
			}
			if err != nil && o.Token != "" && strings.Contains(err.Error(), o.Token) {
				t.Errorf("the error contains the token: %v", err)
			}
		})
	}
}

func TestRun_EndsWhenInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	url := newServer(t, correctStore(), func(next http.Handler) http.Handler {
		n := 0
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n++; n == 20 {
				cancel()
			}
			next.ServeHTTP(w, r)
		})
	}, smallPages)
	if _, err := conformance.Run(ctx, options(t, url)); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("got %v", err)
	}
}

func TestRun_KeepsResultsWhenTheServerGoesAway(t *testing.T) {
	var mu sync.Mutex
	n := 0
	url := newServer(t, correctStore(), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			n++
			gone := n > 200
			mu.Unlock()
			if gone {
				panic(http.ErrAbortHandler)
			}
			next.ServeHTTP(w, r)
		})
	}, smallPages)
	result := run(t, options(t, url))
	if !strings.Contains(result.Broken, "can't be reached") || result.Faults() != 0 || result.Judged() < 20 {
		t.Errorf("%q, %d faults, %d judged", result.Broken, result.Faults(), result.Judged())
	}
}

func TestRun_WaitsForABusyServer(t *testing.T) {
	n := 0
	url := newServer(t, newStore(nil), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if n++; n%10 == 0 {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	requireNoFaults(t, run(t, options(t, url)))
}

// A quota that is used up would stop a run for hours.
func TestRun_EndsIfTheServerDemandsALongPause(t *testing.T) {
	var mu sync.Mutex
	n := 0
	url := newServer(t, correctStore(), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			n++
			busy := n > 200
			mu.Unlock()
			if busy {
				w.Header().Set("Retry-After", "3600")
				w.WriteHeader(http.StatusTooManyRequests)
				_, _ = w.Write([]byte(`{"code":8,"message":"the quota is used up","details":[]}`))
				return
			}
			next.ServeHTTP(w, r)
		})
	}, smallPages)
	result := run(t, options(t, url))
	want := url + " answers GET /v1/deployments with 429 Too Many Requests: the quota is used up; its Retry-After: 3600 is more than the 30s that the suite waits"
	if result.Broken != want || result.Faults() != 0 || n != 201 {
		t.Errorf("after %d requests: %q, %d faults", n, result.Broken, result.Faults())
	}
	if _, err := conformance.Run(t.Context(), options(t, url)); err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestRun_RespectsTheRequestLimit(t *testing.T) {
	var mu sync.Mutex
	n := 0
	url := newServer(t, correctStore(), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			n++
			mu.Unlock()
			next.ServeHTTP(w, r)
		})
	}, smallPages)
	o := options(t, url)
	o.Requests = 60
	result := run(t, o)
	requireNoFaults(t, result)
	// The preflight request is not counted.
	if n > 61 || result.Requests > 60 {
		t.Errorf("the server got %d requests, the report has %d", n, result.Requests)
	}
	if !strings.Contains(strings.Join(result.Remarks, "\n"), "The number of requests was used up in: ") {
		t.Errorf("the remarks are %q", result.Remarks)
	}
}

func TestEmptyServerHasNoFaultsAndARemark(t *testing.T) {
	result := run(t, options(t, newServer(t, newStore(nil), nil)))
	requireNoFaults(t, result)
	if !strings.Contains(strings.Join(result.Remarks, "\n"), "this proves little") {
		t.Errorf("the remarks are %q", result.Remarks)
	}
	for _, rule := range []string{"filter.satisfied", "filter.subset", "latest.newest", "page.base", "own.order"} {
		if outcome := resultOf(t, result, rule); outcome.Verdict != report.NotJudged || outcome.Why == "" {
			t.Errorf("%s is %q, %q", rule, outcome.Verdict, outcome.Why)
		}
	}
}

func TestSameSeedSendsTheSameRequests(t *testing.T) {
	ask := func(seed uint64) (queries []string) {
		url := newServer(t, correctStore(), func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				queries = append(queries, r.URL.String())
				next.ServeHTTP(w, r)
			})
		}, smallPages)
		o := options(t, url)
		o.Seed = seed
		run(t, o)
		return queries
	}
	first := ask(3)
	if !slices.Equal(first, ask(3)) {
		t.Error("the same seed sends other requests")
	}
	if slices.Equal(first, ask(4)) {
		t.Error("another seed sends the same requests")
	}
}

// A token reaches only its server and no report.
func TestTokensReachOnlyTheirServer(t *testing.T) {
	seen := func(t *testing.T) (func(http.Handler) http.Handler, func() []string) {
		var mu sync.Mutex
		var tokens []string
		return func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					mu.Lock()
					tokens = append(tokens, strings.Join(r.Header.Values("Authorization"), " "))
					mu.Unlock()
					if r.Method != http.MethodGet {
						t.Errorf("%s %s", r.Method, r.URL)
					}
					// Echoes the token.
					w.Header().Set("X-Echo", r.Header.Get("Authorization"))
					next.ServeHTTP(w, r)
				})
			}, func() []string {
				mu.Lock()
				defer mu.Unlock()
				return tokens
			}
	}
	oneFront, oneSaw := seen(t)
	twoFront, twoSaw := seen(t)
	echo := func(next http.Handler) http.Handler {
		return oneFront(rewriteAnswer(func(r *http.Request, w *httptest.ResponseRecorder) {
			if w.Code == 200 {
				w.Body = bytes.NewBufferString(strings.Replace(w.Body.String(), `"page":`, `"echo":"`+r.Header.Get("Authorization")+`","page":`, 1) + r.Header.Get("Authorization"))
			}
		})(t, next))
	}
	o := options(t, newServer(t, correctStore(), echo, smallPages))
	o.Requests = 300
	time.Sleep(time.Second) // for the second token to be another
	o.Compare = &conformance.Target{URL: newServer(t, correctStore(), twoFront, smallPages), Token: token(t)}
	if o.Compare.Token == o.Token {
		t.Fatal("the tokens are equal")
	}
	result := run(t, o)
	if result.Faults() == 0 || result.Comparison.Different == 0 {
		t.Errorf("%s", result.Summary())
	}
	for i, c := range []struct {
		saw   []string
		other string
	}{{oneSaw(), o.Compare.Token}, {twoSaw(), o.Token}} {
		if len(c.saw) < 100 {
			t.Errorf("server %d got %d requests", i+1, len(c.saw))
		}
		for _, header := range c.saw {
			if strings.Contains(header, c.other) {
				t.Fatalf("server %d got the token of the other", i+1)
			}
		}
	}
	var text bytes.Buffer
	for _, format := range conformance.Formats {
		if err := result.Write(&text, format); err != nil {
			t.Fatal(err)
		}
	}
	if err := result.WriteSummary(&text, report.MaxSummary); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text.String(), o.Token) || strings.Contains(text.String(), o.Compare.Token) {
		t.Error("a report contains a token")
	}
}

func TestJSONAndJUnitReportsAreReadable(t *testing.T) {
	m := correctStore()
	m.is = equalFold
	o := options(t, newServer(t, m, nil, smallPages))
	o.Strict = false
	result := run(t, o)
	var text bytes.Buffer
	if err := result.Write(&text, "json"); err != nil {
		t.Fatal(err)
	}
	var read struct {
		Faults int
		Seed   uint64
		Rules  []struct {
			ID, Verdict string
			Shown       []report.Fault
		}
	}
	if err := json.Unmarshal(text.Bytes(), &read); err != nil {
		t.Fatal(err)
	}
	if read.Faults == 0 || read.Seed != 1 || len(read.Rules) != len(result.Rules) {
		t.Errorf("got %d faults, seed %d, %d rules", read.Faults, read.Seed, len(read.Rules))
	}
	text.Reset()
	if err := result.Write(&text, "junit"); err != nil {
		t.Fatal(err)
	}
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Skipped  int `xml:"skipped,attr"`
		Suites   []struct {
			Cases []struct {
				Name    string `xml:"name,attr"`
				Failure *struct {
					Text string `xml:",chardata"`
				} `xml:"failure"`
				Skipped *struct{} `xml:"skipped"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(text.Bytes(), &suites); err != nil {
		t.Fatal(err)
	}
	failures, skipped, tests := 0, 0, 0
	for _, suite := range suites.Suites {
		for _, test := range suite.Cases {
			tests++
			if test.Failure != nil {
				failures++
				if !strings.Contains(test.Failure.Text, "curl -sS") {
					t.Errorf("%s shows no request: %s", test.Name, test.Failure.Text)
				}
			}
			if test.Skipped != nil {
				skipped++
			}
		}
	}
	if failures != result.Faults() || suites.Failures != failures || suites.Skipped != skipped || suites.Tests != tests || tests != len(result.Rules) {
		t.Errorf("%d of %d tests fail and %d are skipped, %+v", failures, tests, skipped, suites)
	}
}
