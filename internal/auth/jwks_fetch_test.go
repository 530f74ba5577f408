package auth

import (
	"compress/gzip"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/deployrecords/deployrecords/internal/auth/jwks"
)

func TestT2_TheJWKSURLIsHTTPSOrLoopback(t *testing.T) {
	for _, good := range []string{
		"https://issuer.example/keys", "HTTPS://issuer.example", "https://user:pass@issuer.example/?a=b",
		"http://127.0.0.1:8080/keys", "http://127.8.9.1/", "http://[::1]:8080/", "http://localhost/keys", "http://LOCALHOST:1/",
	} {
		if err := jwks.CheckURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"http://issuer.example/keys", "http://10.0.0.1/", "http://128.0.0.1/", "http://0.0.0.0/", "http://[::2]/",
		"http://localhost.example/", "http://127.0.0.1.example/", "http://127.0.0.1@issuer.example/",
		"ftp://127.0.0.1/", "file:///etc/keys", "https:///keys", "https:issuer.example", "issuer.example/keys", "/keys", "https://issuer.example:port/", "https://user:hunter2@a b/", "http://user:hunter2@issuer.example/",
	} {
		_, err := New(context.Background(), Options{JWKSURL: bad, Logger: quiet()})
		if err == nil || !strings.Contains(err.Error(), "JWKS URL") {
			t.Errorf("%s: %v, want it refused", bad, err)
		} else if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "user") {
			t.Errorf("%q shows the user information", err)
		}
	}
}

// Each of these answers must leave the good keys in use; at the start, each
// must leave the verifier unready.
func TestT2_AFailedRefreshKeepsTheLastGoodKeys(t *testing.T) {
	other := newIssuer(t, jwk(ed25519B().Public(), "b", nil))
	good := string(keySetJSON(jwk(ed25519B().Public(), "b", nil)))
	text := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"status 500":          text(500, good),
		"status 201":          text(201, good),
		"status 304":          text(304, ""),
		"empty":               text(200, ""),
		"not JSON":            text(200, "<html>"),
		"JSON and more":       text(200, good+"x"),
		"JSON cut off":        text(200, good[:len(good)-2]),
		"no keys":             text(200, `{"error":"overloaded"}`),
		"keys null":           text(200, `{"keys":null}`),
		"keys an object":      text(200, `{"keys":{}}`),
		"keys a string":       text(200, `{"keys":"none"}`),
		"an array":            text(200, good[len(`{"keys":`):len(good)-1]),
		"null":                text(200, `null`),
		"over 1 MiB":          text(200, good+strings.Repeat(" ", 1<<20)),
		"over 1 MiB, gzipped": gzipped(good + strings.Repeat(" ", 1<<20)),
		"another host":        http.RedirectHandler(other.URL, http.StatusFound).ServeHTTP,
		"redirect to nowhere": text(http.StatusFound, ""),
		"redirect to itself":  http.RedirectHandler("/", http.StatusTemporaryRedirect).ServeHTTP,
		"connection cut":      func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"never an answer":     func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"never a whole body": func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(good[:10]))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newIssuer(t, jwk(ed25519A().Public(), "a", nil))
			settings := slowSettings()
			if strings.HasPrefix(name, "never") {
				settings.Timeout = 150 * time.Millisecond // the good fetch must fit in too
			}
			v := jwksVerifier(t, Options{JWKSURL: s.URL}, settings)
			s.handle(answer)
			pending(t, v, sign(jwt.SigningMethodEdDSA, ed25519B(), "b"), "header kid) is not known yet")
			if s.hits.Load() < 2 {
				t.Error("the issuer was not asked again")
			}
			accept(t, v, sign(jwt.SigningMethodEdDSA, ed25519A(), "a"))
			if err := v.Ready(); err != nil {
				t.Errorf("Ready: %v", err)
			}

			start := time.Now()
			late := jwksVerifier(t, Options{JWKSURL: s.URL}, settings)
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("New took %s", took)
			}
			if late.Ready() == nil {
				t.Error("ready after a failed first fetch")
			}
			other.wantHits(t, 0)
		})
	}
}

func gzipped(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write([]byte(body))
		_ = z.Close()
	}
}

func TestT2_AnAnswerOf1MiBIsStillRead(t *testing.T) {
	good := string(keySetJSON(jwk(ed25519A().Public(), "a", nil)))
	s := newIssuer(t)
	for name, answer := range map[string]http.HandlerFunc{
		"plain": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(good + strings.Repeat(" ", 1<<20-len(good))))
		},
		"gzipped": gzipped(good + strings.Repeat(" ", 1<<20-len(good))),
	} {
		s.handle(answer)
		if err := jwksVerifier(t, Options{JWKSURL: s.URL}, slowSettings()).Ready(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An empty array is the issuer's word, unlike an answer without "keys".
func TestT2_AnEmptySetTakesAllKeysBack(t *testing.T) {
	var log logBuffer
	s := newIssuer(t, jwk(ed25519A().Public(), "a", nil))
	v := jwksVerifier(t, Options{JWKSURL: s.URL, Logger: log.logger()}, slowSettings())
	s.serve()
	refused(t, v, sign(jwt.SigningMethodEdDSA, ed25519B(), "b"), "header kid) is not known")
	pending(t, v, sign(jwt.SigningMethodEdDSA, ed25519A(), "a"), "header kid) is not known yet")
	if !strings.Contains(log.String(), "level=WARN") {
		t.Errorf("no warning in the log:\n%s", log.String())
	}
}

func TestT2_ARedirectIsFollowedWithinTheOrigin(t *testing.T) {
	s := newIssuer(t)
	keys := keySetJSON(jwk(ed25519A().Public(), "a", nil))
	s.handle(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/keys":
			http.Redirect(w, r, "/v2/keys", http.StatusMovedPermanently)
		case "/v2/keys":
			http.Redirect(w, r, s.URL+"/v3/keys", http.StatusFound)
		default:
			_, _ = w.Write(keys)
		}
	})
	v := jwksVerifier(t, Options{JWKSURL: s.URL + "/keys"}, slowSettings())
	accept(t, v, sign(jwt.SigningMethodEdDSA, ed25519A(), "a"))
	s.wantHits(t, 3)
}

func TestT2_ARedirectLoopEnds(t *testing.T) {
	s := newIssuer(t)
	s.handle(http.RedirectHandler("/", http.StatusFound).ServeHTTP)
	if jwksVerifier(t, Options{JWKSURL: s.URL}, slowSettings()).Ready() == nil {
		t.Error("ready without keys")
	}
	s.wantHits(t, 1+5)
}

func TestT2_NothingSecretGoesIntoTheLog(t *testing.T) {
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	s := newIssuer(t)
	withUser := strings.Replace(s.URL, "http://", "http://hunter1:hunter2@", 1) + "/path?key=hunter3"
	var log logBuffer
	for _, answer := range []http.HandlerFunc{
		http.NotFound,
		func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		http.RedirectHandler(strings.Replace(other.URL, "http://", "http://hunter4:hunter5@", 1)+"/?hunter6", http.StatusFound).ServeHTTP,
		func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"hunter7":`)) },
		func(w http.ResponseWriter, r *http.Request) {
			if _, password, _ := r.BasicAuth(); password != "hunter2" || r.URL.RawQuery != "key=hunter3" {
				t.Error("the issuer was not told who asks")
			}
			_, _ = w.Write(keySetJSON(jwk(secretA, "hunter8", nil)))
		},
	} {
		s.handle(answer)
		jwksVerifier(t, Options{JWKSURL: withUser, Logger: log.logger()}, slowSettings())
	}
	s.handle(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	hasty := slowSettings()
	hasty.Timeout = 20 * time.Millisecond
	jwksVerifier(t, Options{JWKSURL: withUser, Logger: log.logger()}, hasty)
	s.Close()
	jwksVerifier(t, Options{JWKSURL: withUser, Logger: log.logger()}, slowSettings())
	if got := strings.Count(log.String(), "could not be fetched"); got != 6 {
		t.Errorf("%d failures are logged, want 6", got)
	}
	if !strings.Contains(log.String(), s.URL+"/path") {
		t.Error("the log does not say which JWKS it is about")
	}
	if strings.Contains(log.String(), "hunter") {
		t.Errorf("a secret is in the log:\n%s", log.String())
	}
}
