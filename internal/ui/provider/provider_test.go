package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/ui/session"
)

// fake is a provider that responds as no good one does. internal/oidctest has a real one.
type fake struct {
	*httptest.Server
	// configuration changes what the provider publishes.
	configuration map[string]any
	discover      http.HandlerFunc // in place of the configuration, if it is not nil
	token         http.HandlerFunc

	mu  sync.Mutex
	log bytes.Buffer
}

// Write implements io.Writer for the log.
func (f *fake) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.Write(p)
}

func (f *fake) logged() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.String()
}

func newFake(t *testing.T) *fake {
	t.Helper()
	f := &fake{}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		if f.discover != nil {
			f.discover(w, r)
			return
		}
		configuration := map[string]any{
			"issuer": f.URL, "authorization_endpoint": f.URL + "/authorize", "token_endpoint": f.URL + "/token", "jwks_uri": f.URL + "/keys",
		}
		maps.Copy(configuration, f.configuration)
		_ = json.NewEncoder(w).Encode(configuration)
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"keys":[]}`) })
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		f.token(w, r)
	})
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

// open returns the provider as this server sees it.
func (f *fake) open(t *testing.T, secret string) *Provider {
	logger := slog.New(slog.NewTextHandler(f, nil))
	return New(t.Context(), Options{
		Issuer: f.URL, ClientID: "client", ClientSecret: secret, Scopes: []string{"openid", "groups"}, Rules: auth.Options{Logger: logger}, Logger: logger,
	})
}

func TestDiscoveryRejectsWhatCannotBeTrusted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		configuration map[string]any
		discover      http.HandlerFunc
		want          string // in the log
	}{
		"another issuer":  {configuration: map[string]any{"issuer": "https://evil.test"}, want: "did not match the issuer URL returned by provider"},
		"a token by http": {configuration: map[string]any{"token_endpoint": "http://evil.test/token"}, want: "token_endpoint is not https"},
		"keys by http":    {configuration: map[string]any{"jwks_uri": "http://evil.test/keys"}, want: "jwks_uri is not https"},
		"no keys":         {configuration: map[string]any{"jwks_uri": nil}, want: "jwks_uri is not https"},
		"a script":        {configuration: map[string]any{"authorization_endpoint": "javascript:alert(1)"}, want: "authorization_endpoint is not https"},
		"a redirect":      {discover: http.RedirectHandler("/elsewhere", http.StatusFound).ServeHTTP, want: "302 Found"},
		"a page":          {discover: func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, want: "failed to decode"},
		"an endless page": {discover: func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"issuer":"%s"}`, strings.Repeat("x", 2<<20))
		}, want: "failed to decode"},
		"an error in lines": {discover: func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, strings.Repeat("x", 900)+"\nline", http.StatusInternalServerError)
		}, want: "500 Internal Server Error"},
	} {
		f := newFake(t)
		f.configuration, f.discover = c.configuration, c.discover
		_, _, err := f.open(t, "").Begin(t.Context(), f.URL)
		failure, ok := errors.AsType[*Failure](err)
		if !ok || failure.Status != http.StatusServiceUnavailable || !strings.Contains(failure.Message, "does not answer") {
			t.Errorf("%s: got %v", name, err)
		}
		if log := f.logged(); !strings.Contains(log, c.want) || len(log) > 600 {
			t.Errorf("%s: the log has %s", name, log)
		}
	}
}

// transport responds in place of another machine.
type transport func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAnotherMachineNamesNoAddressOfThisOne(t *testing.T) {
	t.Parallel()
	const issuer = "https://sso.test"
	for _, endpoint := range []string{"authorization_endpoint", "token_endpoint", "jwks_uri"} {
		configuration := map[string]any{
			"issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token", "jwks_uri": issuer + "/keys",
		}
		configuration[endpoint] = "http://127.0.0.1:1/"
		client := &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
			recorded := httptest.NewRecorder()
			err := json.NewEncoder(recorded).Encode(configuration)
			return recorded.Result(), err
		})}
		p := &Provider{Options: Options{Issuer: issuer, ClientID: "client", Logger: slog.New(slog.DiscardHandler)}, client: client, ctx: t.Context()}
		if _, err := p.ask(); err == nil || !strings.Contains(err.Error(), endpoint+" is not https") {
			t.Errorf("%s: got %v", endpoint, err)
		}
	}
}

func TestResponsesOfTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	respond := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	for name, c := range map[string]struct {
		token   http.HandlerFunc
		status  int
		message string
		cause   string
	}{
		"no ID token":      {respond(200, `{"access_token":"hunter2","token_type":"Bearer"}`), 502, "sent no ID token", "may not have the scope openid"},
		"a page":           {respond(200, `<html>hunter2`), 502, "sent a malformed response", "is malformed"},
		"no access token":  {respond(200, `{"id_token":"hunter2"}`), 502, "sent a malformed response", "is malformed"},
		"no JWT":           {respond(200, `{"access_token":"x","id_token":"hunter2"}`), 0, "", "the token is malformed"},
		"an error":         {respond(401, `{"error":"invalid_client","error_description":"no such client"}`), 502, "rejects this server", "invalid_client: no such client"},
		"a used code":      {respond(400, `{"error":"invalid_grant"}`), 400, "has expired or was used before", "invalid_grant"},
		"a status":         {respond(500, `hunter2`), 502, "rejects this server", "500 Internal Server Error"},
		"a broken network": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 503, "does not answer", "EOF"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://evil.test/hunter2", http.StatusTemporaryRedirect)
		}, 502, "rejects this server", "307"},
	} {
		f := newFake(t)
		f.token = c.token
		_, err := f.open(t, "secret").Finish(t.Context(), f.URL, url.Values{"code": {"code"}}, session.PendingLogin{})
		failure, ok := errors.AsType[*Failure](err)
		switch {
		case err == nil || !strings.Contains(err.Error(), c.cause) || strings.Contains(err.Error(), "hunter2") || strings.Contains(f.logged(), "hunter2"):
			t.Errorf("%s: got %v", name, err)
		case ok != (c.status != 0) || ok && (failure.Status != c.status || !strings.Contains(failure.Message, c.message)):
			t.Errorf("%s: got %+v", name, failure)
		}
	}
}

func TestClientsAuthenticateAsTheProviderSupports(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		secret  string
		methods []string
		basic   bool
		form    string // the client_secret
	}{
		"by default":      {"s+ %", nil, true, ""},
		"basic":           {"s+ %", []string{"client_secret_post", "client_secret_basic"}, true, ""},
		"post":            {"s+ %", []string{"client_secret_post"}, false, "s+ %"},
		"a public client": {"", []string{"client_secret_basic"}, false, ""},
	} {
		f := newFake(t)
		if c.methods != nil {
			f.configuration = map[string]any{"token_endpoint_auth_methods_supported": c.methods}
		}
		asked := 0
		f.token = func(w http.ResponseWriter, r *http.Request) {
			asked++
			_, password, basic := r.BasicAuth()
			password, _ = url.QueryUnescape(password)
			if basic != c.basic || basic && password != c.secret || r.FormValue("client_secret") != c.form || !basic && r.FormValue("client_id") != "client" || r.FormValue("code_verifier") != "verifier" {
				t.Errorf("%s: got %v %v", name, r.Header, r.Form)
			}
			http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
		}
		p := f.open(t, c.secret)
		if _, err := p.Finish(t.Context(), f.URL, url.Values{"code": {"code"}}, session.PendingLogin{CodeVerifier: "verifier"}); err == nil || asked != 1 {
			t.Errorf("%s: asked %d times, %v", name, asked, err)
		}
		address, _, err := p.Begin(t.Context(), f.URL)
		if err != nil || !strings.Contains(address, "scope=openid+groups&") {
			t.Errorf("%s: %s %v", name, address, err)
		}
	}
}

func TestResponsesNameTheirIssuerIfTheProviderSaysSo(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.configuration = map[string]any{"authorization_response_iss_parameter_supported": true}
	f.token = func(w http.ResponseWriter, _ *http.Request) { t.Error("the code of another issuer was redeemed") }
	_, err := f.open(t, "secret").Finish(t.Context(), f.URL, url.Values{"code": {"code"}}, session.PendingLogin{})
	if err == nil || !strings.Contains(err.Error(), "does not come from") {
		t.Errorf("got %v", err)
	}
}
