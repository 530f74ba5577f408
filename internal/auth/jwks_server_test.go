package auth

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"

	"github.com/deployrecords/deployrecords/internal/auth/jwks"
)

// issuer is a server of a JWKS whose answer a test can change.
type issuer struct {
	*httptest.Server
	hits   atomic.Int32
	answer atomic.Pointer[http.HandlerFunc]
}

func newIssuer(t *testing.T, keys ...map[string]any) *issuer {
	s := &issuer{}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	s.serve(keys...)
	return s
}

func (s *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.hits.Add(1)
	(*s.answer.Load())(w, r)
}

func (s *issuer) handle(h http.HandlerFunc) { s.answer.Store(&h) }

func (s *issuer) serve(keys ...map[string]any) {
	body := keySetJSON(keys...)
	s.handle(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) })
}

func (s *issuer) fail(status int) {
	s.handle(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
}

// hold makes the next answers wait until the test calls release.
func (s *issuer) hold(t *testing.T) (release func()) {
	then := *s.answer.Load()
	gate := make(chan struct{})
	release = sync.OnceFunc(func() { close(gate) })
	// The server's Close waits for its handlers.
	t.Cleanup(release)
	s.handle(func(w http.ResponseWriter, r *http.Request) {
		<-gate
		then(w, r)
	})
	return release
}

func keySetJSON(keys ...map[string]any) []byte {
	if keys == nil {
		keys = []map[string]any{}
	}
	return must(json.Marshal(map[string]any{"keys": keys}))
}

// jwk is a key as an issuer publishes it; change sets more members, or takes
// out the ones that are nil.
func jwk(key any, kid string, change map[string]any) map[string]any {
	options := jwkset.JWKOptions{
		Marshal:  jwkset.JWKMarshalOptions{Private: true},
		Metadata: jwkset.JWKMetadataOptions{KID: kid},
	}
	written := must(json.Marshal(must(jwkset.NewJWKFromKey(key, options)).Marshal()))
	var m map[string]any
	if err := json.Unmarshal(written, &m); err != nil {
		panic(err)
	}
	for name, value := range change {
		if value == nil {
			delete(m, name)
		} else {
			m[name] = value
		}
	}
	return m
}

// slowSettings never fetch by themselves within a test, so that every hit is
// one that the test caused.
func slowSettings() jwks.Limits {
	s := jwks.DefaultLimits()
	s.Refresh, s.RetryFirst, s.RetryMost = time.Hour, time.Hour, time.Hour
	return s
}

func jwksVerifier(t *testing.T, o Options, settings jwks.Limits) *Verifier {
	t.Helper()
	if o.Logger == nil {
		o.Logger = quiet()
	}
	if o.Now == nil {
		o.Now = atTestTime
	}
	v, err := newVerifier(t.Context(), o, settings)
	if err != nil {
		t.Fatalf("newVerifier: %v", err)
	}
	return v
}

// wantHits checks how often the issuer was asked.
func (s *issuer) wantHits(t *testing.T, want int32) {
	t.Helper()
	if got := s.hits.Load(); got != want {
		t.Errorf("the issuer was asked %d times, want %d", got, want)
	}
}

// logBuffer is a log that the test reads while it is written.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *logBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }
