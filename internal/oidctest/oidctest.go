// Package oidctest runs an OpenID provider for tests: zitadel/oidc's op on a port of its own, with one person and one client.
package oidctest

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
	"golang.org/x/text/language"
)

// The client and the person of every provider.
const (
	ClientID     = "deployrecords"
	ClientSecret = "the+client's%secret"
	Username     = "ann"
	Password     = "the password of ann"
)

// Provider is an OpenID provider. Its fields change before its first request, or by its methods.
type Provider struct {
	// Issuer is its address.
	Issuer string

	t       testing.TB
	op      *op.Provider
	storage *storage.Storage
	clients map[string]*storage.Client
	down    atomic.Bool

	mu     sync.Mutex
	change func(claims map[string]any)
	// asked counts requests by path.
	asked map[string]int
}

// New starts a provider. Its ID tokens have the organization acme, and the scope to read deployments.
func New(t testing.TB) *Provider {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	// For browsers, localhost is another site than 127.0.0.1.
	p := &Provider{Issuer: "http://localhost:" + port, t: t, asked: map[string]int{}}
	p.clients = map[string]*storage.Client{}
	p.storage = storage.NewStorageWithClients(people{}, p.clients)
	config := &op.Config{CodeMethodS256: true, AuthMethodPost: true, SupportedUILocales: []language.Tag{language.English}}
	if _, err := rand.Read(config.CryptoKey[:]); err != nil {
		t.Fatal(err)
	}
	p.op, err = op.NewProvider(config, p.storage, op.StaticIssuer(p.Issuer), op.WithAllowInsecure())
	if err != nil {
		t.Fatal(err)
	}
	p.Change(func(map[string]any) {})
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: p.handler()}} //nolint:gosec // a server of a test
	server.Start()
	t.Cleanup(server.Close)
	return p
}

// Register lets the client return to an address. It is called before the first login.
func (p *Provider) Register(redirect string) *Provider {
	p.clients[ClientID] = storage.WebClient(ClientID, ClientSecret, redirect)
	return p
}

// Change makes a function change the claims of further ID tokens before they are signed.
func (p *Provider) Change(change func(claims map[string]any)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.change = func(claims map[string]any) {
		claims["org_id"], claims["scope"] = "acme", "openid deployments:read"
		change(claims)
	}
}

// SetDown makes the provider respond with 503 to everything, or no longer.
func (p *Provider) SetDown(down bool) { p.down.Store(down) }

// Asked returns the number of requests for a path.
func (p *Provider) Asked(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

func (p *Provider) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login/username", p.showLogin)
	mux.Handle("POST /login/username", op.NewIssuerInterceptor(p.op.IssuerFromRequest).HandlerFunc(p.login))
	mux.HandleFunc("POST /oauth/token", p.token)
	mux.Handle("/", p.op)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		p.asked[r.URL.Path]++
		p.mu.Unlock()
		if p.down.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

var loginPage = template.Must(template.New("login").Parse(`<!doctype html><html lang="en"><title>Provider</title><form method="post" action="/login/username">
<input type="hidden" name="id" value="{{.}}"><input id="username" name="username"><input id="password" name="password" type="password">
<button id="login">Log in</button><button id="deny" name="deny" value="true">Cancel</button></form></html>`))

func (p *Provider) showLogin(w http.ResponseWriter, r *http.Request) {
	_ = loginPage.Execute(w, r.FormValue("authRequestID"))
}

func (p *Provider) login(w http.ResponseWriter, r *http.Request) {
	id := r.FormValue("id")
	request, err := p.storage.AuthRequestByID(r.Context(), id)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if r.FormValue("deny") != "" {
		http.Redirect(w, r, request.GetRedirectURI()+"?"+url.Values{"error": {"access_denied"}, "state": {request.GetState()}}.Encode(), http.StatusFound) //nolint:gosec // the provider knows the address
		return
	}
	if err := p.storage.CheckUsernamePassword(r.FormValue("username"), r.FormValue("password"), id); err != nil {
		http.Error(w, err.Error(), http.StatusUnauthorized)
		return
	}
	http.Redirect(w, r, op.AuthCallbackURL(p.op)(r.Context(), id), http.StatusFound)
}

// token changes the ID token of a response, and signs it again.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	recorder := httptest.NewRecorder()
	p.op.ServeHTTP(recorder, r)
	maps.Copy(w.Header(), recorder.Header())
	var response map[string]any
	_ = json.Unmarshal(recorder.Body.Bytes(), &response)
	if idToken, ok := response["id_token"].(string); ok {
		response["id_token"] = p.sign(r, idToken)
	}
	w.Header().Del("Content-Length")
	w.WriteHeader(recorder.Code)
	_ = json.NewEncoder(w).Encode(response)
}

func (p *Provider) sign(r *http.Request, idToken string) string {
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(idToken, ".")[1])
	if err != nil {
		p.t.Error(err)
	}
	claims := jwt.MapClaims{}
	if err := json.Unmarshal(payload, &claims); err != nil {
		p.t.Error(err)
	}
	p.mu.Lock()
	p.change(claims)
	p.mu.Unlock()
	key, err := p.storage.SigningKey(r.Context())
	if err != nil {
		p.t.Error(err)
	}
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	token.Header["kid"] = key.ID()
	signed, err := token.SignedString(key.Key())
	if err != nil {
		p.t.Error(err)
	}
	return signed
}

// LogIn logs the person in at the address to which a browser was sent, and returns the address to which it is sent back.
func (p *Provider) LogIn(address string) (callback string) {
	p.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	follow := func(address string, form url.Values) *url.URL {
		p.t.Helper()
		method := http.MethodGet
		if form != nil {
			method = http.MethodPost
		}
		request, err := http.NewRequestWithContext(p.t.Context(), method, address, strings.NewReader(form.Encode()))
		if err != nil {
			p.t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		response, err := client.Do(request)
		if err != nil {
			p.t.Fatal(err)
		}
		defer response.Body.Close()
		next, err := response.Location()
		if err != nil {
			p.t.Fatalf("the provider responded with %s: %v", response.Status, err)
		}
		return next
	}
	login := follow(address, nil)
	done := follow(p.Issuer+login.Path, url.Values{"id": {login.Query().Get("authRequestID")}, "username": {Username}, "password": {Password}})
	return follow(done.String(), nil).String()
}

// people is a storage.UserStore of one person.
type people struct{}

// GetUserByID implements storage.UserStore.
func (people) GetUserByID(id string) *storage.User {
	if id != Username {
		return nil
	}
	return &storage.User{ID: Username, Username: Username, Password: Password}
}

// GetUserByUsername implements storage.UserStore.
func (p people) GetUserByUsername(name string) *storage.User { return p.GetUserByID(name) }

// ExampleClientID implements storage.UserStore.
func (people) ExampleClientID() string { return "" }
