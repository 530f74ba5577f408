// Package ui serves the pages for people: what runs where, its history, search, and the login. Every page is rendered on the server
// and works without scripts. A page answers from one statement of the store, and its filters are the parameters of
// GET /v1/deployments.
package ui

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"time"

	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/ui/filters"
	"github.com/deployrecords/deployrecords/internal/ui/matrix"
	"github.com/deployrecords/deployrecords/internal/ui/provider"
	"github.com/deployrecords/deployrecords/internal/ui/render"
	"github.com/deployrecords/deployrecords/internal/ui/session"
	"github.com/deployrecords/deployrecords/internal/ui/swagger"
)

// Options configures the pages.
type Options struct {
	// SessionSecrets derive the keys of sessions; the first one signs. Without any, sessions end when the server does.
	SessionSecrets [][]byte
	// Provider logs people in; nil without one.
	Provider *provider.Provider
	// LogicalEnvironments are names in the order of the matrix's columns. Others follow by the words in their names.
	LogicalEnvironments []string

	// The server that has the pages sets the fields below.

	// Store answers the pages.
	Store interface {
		List(context.Context, deployments.Scope, deployments.Query) (deployments.Result, error)
		Overview(context.Context, deployments.Scope, deployments.Query, deployments.Columns) (deployments.Overview, error)
		Search(context.Context, deployments.Scope, string) (deployments.Matches, error)
	}
	Verifier *auth.Verifier
	// Allow counts a request for a page by a token's subject, which may be empty, or returns the error that limits it.
	Allow      func(organization, subject string) error
	Paging     deployments.Paging
	ParseQuery filters.Parse
	// Describe returns the status and the message, for a person, of a response to an error.
	Describe func(error) (status int, message string, retryAfter time.Duration)
	// Now is the clock of pages; sessions use the real time.
	Now    func() time.Time
	Logger *slog.Logger
}

// UI is the handler of all pages. It is safe for concurrent use.
type UI struct {
	Options
	sessions *session.Sessions
	attempts *session.Attempts
	// exchanges are the logins by the provider that failed after this server began them.
	exchanges *session.Attempts
	renderer  *render.Renderer
	exports   *admission.Gate
	order     matrix.Order
	handler   http.Handler
}

// Routes returns the methods and paths of the pages, with * for the rest of a path. Every other path is not a page.
func (u *UI) Routes() map[string][]string {
	all := maps.Clone(routes)
	if u.Provider != nil {
		all[providerPath], all[provider.CallbackPath] = []string{http.MethodGet}, []string{http.MethodGet}
	}
	return all
}

var routes = map[string][]string{
	"/":                {http.MethodGet, http.MethodHead},
	"/records":         {http.MethodGet, http.MethodHead},
	"/records/:format": {http.MethodGet, http.MethodHead},
	"/slot":            {http.MethodGet, http.MethodHead},
	"/environment":     {http.MethodGet, http.MethodHead},
	"/artifact":        {http.MethodGet, http.MethodHead},
	"/search":          {http.MethodGet, http.MethodHead},
	"/login":           {http.MethodGet, http.MethodHead, http.MethodPost},
	"/logout":          {http.MethodPost},
	"/docs":            {http.MethodGet, http.MethodHead},
	"/docs/*":          {http.MethodGet, http.MethodHead},
	"/assets/*":        {http.MethodGet, http.MethodHead},
	"/favicon.ico":     {http.MethodGet, http.MethodHead},
}

// New returns the pages.
func New(o Options) (*UI, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	verifiers := session.Verifiers{session.FromBearer: o.Verifier}
	if o.Provider != nil {
		verifiers[session.FromProvider] = o.Provider
	}
	sessions, err := session.New(verifiers, o.SessionSecrets, time.Now)
	if err != nil {
		return nil, err
	}
	u := &UI{Options: o, sessions: sessions, attempts: session.NewAttempts(10, 30*time.Second), exchanges: session.NewAttempts(30, time.Second), exports: newExportGate(), order: matrix.NewOrder(o.LogicalEnvironments)}
	if u.renderer, err = render.New(o.Now); err != nil {
		return nil, err
	}
	docs, err := swagger.New()
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for path, serve := range map[string]func(http.ResponseWriter, *http.Request, render.Viewer) error{
		"/{$}": u.matrix, "/records": u.records, "/slot": u.slot, "/environment": u.environment, "/artifact": u.artifact, "/search": u.search,
		"/records/csv": u.export, "/records/ndjson": u.export, "/records/json": u.export,
	} {
		mux.Handle(path, u.forViewer(serve))
	}
	mux.HandleFunc("GET /login", u.loginForm)
	mux.HandleFunc("POST /login", u.login)
	mux.HandleFunc("POST /logout", u.logout)
	if o.Provider != nil {
		mux.HandleFunc("GET "+providerPath, u.toProvider)
		mux.HandleFunc("GET "+provider.CallbackPath, u.fromProvider)
	}
	mux.Handle("/assets/", u.renderer.Assets)
	mux.HandleFunc("/favicon.ico", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, u.renderer.Assets.Path("favicon.svg"), http.StatusFound)
	})
	mux.Handle("/docs", docs)
	mux.Handle("/docs/", docs)
	mux.HandleFunc("/", u.NotFound)
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(u.crossOrigin))
	u.handler = protection.Handler(mux)
	return u, nil
}

// policy is the content security policy of every page but /docs.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// ServeHTTP serves a path of Routes.
func (u *UI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setHeaders(w.Header())
	u.handler.ServeHTTP(w, r)
}

func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Cookie, Authorization")
}
