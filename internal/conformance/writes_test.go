package conformance_test

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/conformance"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/storetest"
	"github.com/deployrecords/deployrecords/internal/variant"
)

// writeOptions returns the settings of a run that records, and hardly judges the list.
func writeOptions(t testing.TB, url string) conformance.Options {
	o := options(t, url)
	o.Requests, o.Strict = 20, false
	o.Write, o.RecordingDocument = true, contract.RecordingOpenAPI()
	o.Token = token(t, auth.ReadDeployments, auth.WriteDeployments)
	return o
}

// requireRecordingKept requires every rule of recording to be judged and kept, and no fault.
func requireRecordingKept(t *testing.T, result *report.Report) {
	t.Helper()
	requireNoFaults(t, result)
	for _, r := range result.Rules {
		if r.Basis == report.Recording && r.Verdict != report.Kept {
			t.Errorf("%s is %q", r.ID, r.Verdict)
		}
	}
}

func TestThisServerRecordsWithoutFaults(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			url := newServer(t, storetest.Open(t, engine.URL(t)), nil, upstreams)
			for range 2 { // the names of the first run are no matter
				requireRecordingKept(t, run(t, writeOptions(t, url)))
			}
		})
	}
}

func TestRecordersWithoutDefectsHaveNoFaults(t *testing.T) {
	stopped := storetest.At(0)
	all, err := variant.Parse(variant.Names())
	if err != nil {
		t.Fatal(err)
	}
	for name, start := range map[string]func(t *testing.T) string{
		"the store of the tests": func(t *testing.T) string { return newServer(t, newRecordingStore(), nil, smallPages) },
		"variants":               func(t *testing.T) string { return newVariantServer(t, newRecordingStore(), all, nil, smallPages) },
		"a clock that stands still": func(t *testing.T) string {
			m := newRecordingStore()
			m.now = func() time.Time { return stopped }
			return newServer(t, m, nil, smallPages)
		},
		"a server busy for a moment": func(t *testing.T) string { return newServer(t, newRecordingStore(), busyAtFirst, smallPages) },
		"conflicts that pass": func(t *testing.T) string {
			return newServer(t, &conflictingStore{recordingStore: newRecordingStore()}, nil, smallPages)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireRecordingKept(t, run(t, writeOptions(t, start(t))))
		})
	}
}

// busyAtFirst answers every tenth request with 429.
func busyAtFirst(next http.Handler) http.Handler {
	var mu sync.Mutex
	n := 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n++
		busy := n%10 == 0
		mu.Unlock()
		if busy {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// conflictingStore lets recordings conflict at times: those beside others, and those that nobody else disturbs.
type conflictingStore struct {
	*recordingStore
	recorded atomic.Int32
}

func (m *conflictingStore) isConflict(batch deployments.Batch) bool {
	n := m.recorded.Add(1)
	isConcurrent := len(batch.Items) == 1 && strings.HasSuffix(batch.Items[0].EnvironmentName, "-concurrent")
	isPart := batch.Snapshot != nil && batch.Snapshot.Part != nil // whose 409 is a missing part
	return isConcurrent && n%3 == 2 || !isConcurrent && !isPart && n%15 == 4
}

func (m *conflictingStore) Record(ctx context.Context, organization string, batch deployments.Batch) (deployments.BatchResult, error) {
	if m.isConflict(batch) {
		return deployments.BatchResult{}, deployments.ErrConflict
	}
	return m.recordingStore.Record(ctx, organization, batch)
}

func (m *conflictingStore) RecordIdempotent(ctx context.Context, organization string, key deployments.IdempotencyKey, batch deployments.Batch) (deployments.Record, error) {
	if m.isConflict(batch) {
		return deployments.Record{}, deployments.ErrConflict
	}
	return m.recordingStore.RecordIdempotent(ctx, organization, key, batch)
}

// requireRecordingFault runs the suite against a broken recorder, and requires a fault of the rule, with what reproduces it, and of no
// rule that the recorder is not known to break.
func requireRecordingFault(t *testing.T, url, name, rule string) {
	t.Helper()
	result := run(t, writeOptions(t, url))
	outcome := resultOf(t, result, rule)
	others := slices.DeleteFunc(result.With(report.Broken), func(r report.Result) bool { return r.ID == rule || slices.Contains(alsoBroken[name], r.ID) })
	if outcome.Verdict != report.Broken || len(others) > 0 {
		var text bytes.Buffer
		_ = result.Write(&text, "text")
		t.Fatalf("%s is %q, and %d other rules are broken:\n%s", rule, outcome.Verdict, len(others), text.String())
	}
	if outcome.Shown[0].Text == "" || !slices.ContainsFunc(outcome.Shown[0].Requests, func(r string) bool { return strings.Contains(r, " -d '") }) {
		t.Errorf("%s shows no text or no recording: %+v", rule, outcome.Shown)
	}
}

func TestBrokenRecordersAreDetected(t *testing.T) {
	for _, broken := range brokenRecorders {
		t.Run(broken.name, func(t *testing.T) {
			t.Parallel()
			m := newRecordingStore()
			broken.mutate(m)
			requireRecordingFault(t, newServer(t, m, nil, smallPages), broken.name, broken.rule)
		})
	}
	for _, broken := range brokenRecordingRequests {
		t.Run(broken.name, func(t *testing.T) {
			t.Parallel()
			front := func(next http.Handler) http.Handler { return broken.front(t, next) }
			requireRecordingFault(t, newServer(t, newRecordingStore(), front, smallPages), broken.name, broken.rule)
		})
	}
	const overwrites = "a recorder overwrites what another one records"
	t.Run(overwrites, func(t *testing.T) {
		t.Parallel()
		requireRecordingFault(t, newServer(t, overwritingStore{newRecordingStore()}, nil, smallPages), overwrites, "record.concurrent")
	})
}

// overwritingStore records into what it read before it waited, without a lock.
type overwritingStore struct{ *recordingStore }

func (m overwritingStore) Record(_ context.Context, _ string, batch deployments.Batch) (deployments.BatchResult, error) {
	m.mu.Lock()
	read := slices.Clone(m.entries)
	m.mu.Unlock()
	time.Sleep(time.Millisecond)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries = read
	return m.record(batch)
}

func TestRunsThatRecordNeedAServerThatDoes(t *testing.T) {
	readOnly := options(t, newServer(t, newRecordingStore(), nil, smallPages))
	readOnly.Write, readOnly.RecordingDocument = true, contract.RecordingOpenAPI()
	elsewhere := writeOptions(t, newServer(t, newRecordingStore(), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				w.WriteHeader(http.StatusMethodNotAllowed)
				return
			}
			next.ServeHTTP(w, r)
		})
	}, smallPages))
	document := writeOptions(t, elsewhere.URL)
	document.RecordingDocument = contract.RecordingOpenAPI()[:100]
	for want, o := range map[string]conformance.Options{
		"does not let the token record: 403":              readOnly,
		"with 405 Method Not Allowed: it does not record": elsewhere,
		"the document of recording":                       document,
	} {
		if result, err := conformance.Run(t.Context(), o); result != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, %v, want %s", result, err, want)
		}
	}
}

// A run that ends early names what it leaves, and why it ended.
func TestARunThatRecordsAndEndsEarlyNamesWhatItLeaves(t *testing.T) {
	const list, post = http.MethodGet, http.MethodPost
	for name, c := range map[string]struct {
		method string
		answer func(w http.ResponseWriter)
		want   string
	}{
		"a list that fails": {
			list,
			func(w http.ResponseWriter) {
				w.WriteHeader(http.StatusInternalServerError)
				_, _ = w.Write([]byte(`{"code":13,"message":"no list","details":[]}`))
			},
			"the records of an environment are answered with 500 Internal Server Error: no list, so recording cannot be judged",
		},
		"a quota": {
			post,
			func(w http.ResponseWriter) {
				w.Header().Set("Retry-After", "3600")
				w.WriteHeader(http.StatusTooManyRequests)
				_, _ = w.Write([]byte(`{"code":8,"message":"environments: exceeds the quota","details":[]}`))
			},
			" answers POST " + contract.RecordingPath + " with 429 Too Many Requests: environments: exceeds the quota; its Retry-After: 3600 is more than the 30s that the suite waits",
		},
		"a server that goes away": {post, func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, "can't be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newRecordingStore()
			front := func(next http.Handler) http.Handler {
				var recorded atomic.Int32
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Method == post {
						recorded.Add(1)
					}
					if recorded.Load() > 40 && r.Method == c.method {
						c.answer(w)
						return
					}
					next.ServeHTTP(w, r)
				})
			}
			result := run(t, writeOptions(t, newServer(t, m, front, smallPages)))
			if !strings.Contains(result.Broken, c.want) || result.Faults() > 0 {
				t.Errorf("%d faults: %s", result.Faults(), result.Broken)
			}
			for _, e := range m.entries {
				prefix := e.Record.EnvironmentName[:len(conformance.Prefix)+11] // with the random part
				remark := "The names of the environments that the run recorded in begin with " + prefix + ": their records remain on the server."
				if !slices.Contains(result.Remarks, remark) {
					t.Fatalf("the remarks are %q, want %s", result.Remarks, remark)
				}
			}
		})
	}
}

func TestAnInterruptedRunNamesWhatItLeaves(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	url := newServer(t, newRecordingStore(), func(next http.Handler) http.Handler {
		var recorded atomic.Int32
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && recorded.Add(1) == 40 {
				cancel()
			}
			next.ServeHTTP(w, r)
		})
	}, smallPages)
	_, err := conformance.Run(ctx, writeOptions(t, url))
	if err == nil || !strings.HasPrefix(err.Error(), "interrupted after ") || !strings.Contains(err.Error(), ". The names of the environments that the run recorded in begin with "+conformance.Prefix) {
		t.Errorf("got %v", err)
	}
}

// A run that does not record sends only GET requests and has no rules of recording.
func TestRecordingIsJudgedOnlyIfAskedFor(t *testing.T) {
	m := newRecordingStore()
	result := run(t, options(t, newServer(t, m, nil, smallPages)))
	if result.Has(report.Recording) || len(m.entries) > 0 {
		t.Errorf("%d records were recorded", len(m.entries))
	}
	result = run(t, writeOptions(t, newServer(t, m, nil, smallPages)))
	if !result.Has(report.Recording) || result.Data.Recordings < 100 {
		t.Errorf("%d recordings were sent", result.Data.Recordings)
	}
	for _, e := range m.entries {
		r := e.Record
		for _, name := range []string{r.EnvironmentName, r.DeploymentName, r.LogicalEnvironmentName, r.Artifact.Name} {
			if name != "" && !strings.HasPrefix(name, conformance.Prefix) {
				t.Errorf("%q has another prefix", name)
			}
		}
	}
}
