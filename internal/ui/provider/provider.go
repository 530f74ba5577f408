// Package provider logs people in by an OpenID provider: the authorization code flow with PKCE, a state and a nonce.
//
//	browser                      this server                    provider
//	   | GET /login/provider          |                             |
//	   |----------------------------->| Begin: discovers the        |
//	   |   state, nonce and verifier  | provider, the first time    |
//	   |<------ in a cookie ----------|---------------------------->|
//	   | the person logs in there                                   |
//	   |----------------------------------------------------------->|
//	   | GET /login/callback?code&state                             |
//	   |----------------------------->| Finish: code and verifier   |
//	   |                              |---------------------------->|
//	   |                              |<------- ID token -----------|
//	   |<------ a session ------------| rules T1 to T5              |
//
// The ID token passes the rules of bearer tokens, with the provider's keys, its issuer and the client id as the audience. It opens
// pages alone: the API does not know these keys. If rules of trust are for the provider's issuer and this client, they decide alone,
// here and in the API, which then accepts ID tokens with the scopes of their rule.
package provider

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/auth/trust"
	"github.com/deployrecords/deployrecords/internal/ui/session"
)

// Options configures a Provider.
type Options struct {
	// Issuer is the address of the provider, exactly as its tokens have it in iss: https, or http to a loopback address.
	Issuer string
	// ClientID is that of this server. ClientSecret is empty for a public client.
	ClientID, ClientSecret string
	// Scopes are requested in addition to openid.
	Scopes []string
	// RedirectURL is the address of the callback, as it is registered at the provider. Empty: it follows the request's host.
	RedirectURL string
	// Name is what people call the provider. Empty: the host of the issuer.
	Name string
	// Only removes the login by token.
	Only bool
	// Rules are those for ID tokens. The provider sets their keys, issuer and audience, and uses the rules of trust for its issuer.
	Rules auth.Options
	// Logger receives failures, and never a token, a code or a secret.
	Logger *slog.Logger
}

// CallbackPath is the path of RedirectURL.
const CallbackPath = "/login/callback"

// Provider is an OpenID provider. It is safe for concurrent use.
type Provider struct {
	Options
	client *http.Client
	// ctx ends with the server.
	ctx        context.Context
	discovery  singleflight.Group
	discovered atomic.Pointer[metadata] // nil until the provider has answered
	// replacing guards Rules, and the time between a look at them and the store of discovered.
	replacing sync.Mutex
	failed    atomic.Pointer[failedDiscovery]
}

// New returns a provider, and starts to discover it. A provider that is down is no error: it is asked again when somebody logs in.
// Requests to it end with ctx.
func New(ctx context.Context, o Options) *Provider {
	if o.Name == "" {
		if u, err := url.Parse(o.Issuer); err == nil {
			o.Name = u.Host
		}
	}
	p := &Provider{Options: o, client: newClient(), ctx: ctx}
	p.Rules.Rules = p.ofIssuer(o.Rules.Rules)
	p.discovery.DoChan("", p.discover)
	return p
}

// Redirect returns the address of the callback for a browser that sent the request: RedirectURL, or https and the request's host,
// with http on a loopback host.
func (p *Provider) Redirect(r *http.Request) string {
	switch {
	case p.RedirectURL != "":
		return p.RedirectURL
	case session.IsSecure(r):
		return "https://" + r.Host + CallbackPath
	}
	return "http://" + r.Host + CallbackPath
}

// Begin returns the address to which the browser goes, and the login that it carries meanwhile. The error is a *Failure.
func (p *Provider) Begin(ctx context.Context, redirect string) (address string, pending session.PendingLogin, err error) {
	m, err := p.metadata(ctx)
	if err != nil {
		return "", session.PendingLogin{}, err
	}
	pending = session.PendingLogin{State: rand.Text(), Nonce: rand.Text(), CodeVerifier: oauth2.GenerateVerifier()}
	address = p.config(m, redirect).AuthCodeURL(pending.State, oidc.Nonce(pending.Nonce), oauth2.S256ChallengeOption(pending.CodeVerifier))
	return address, pending, nil
}

// Finish exchanges the code of the callback's query for an ID token that belongs to the pending login, and verifies it. The error is
// a *Failure, or an error of auth.Verifier.Verify.
func (p *Provider) Finish(ctx context.Context, redirect string, query url.Values, pending session.PendingLogin) (idToken string, err error) {
	m, err := p.metadata(ctx)
	if err != nil {
		return "", err
	}
	// RFC 9207: the response of another provider must not be redeemed at this one.
	if iss := query.Get("iss"); iss != p.Issuer && (iss != "" || m.namesIssuer) {
		return "", p.anotherIssuer()
	}
	if query.Has("error") {
		return "", p.rejectedBy(query)
	}
	if query.Get("code") == "" {
		return "", p.noCode()
	}
	ctx = oidc.ClientContext(ctx, p.client)
	tokens, err := p.config(m, redirect).Exchange(ctx, query.Get("code"), oauth2.VerifierOption(pending.CodeVerifier))
	if err != nil {
		return "", p.exchangeFailed(err)
	}
	idToken, ok := tokens.Extra("id_token").(string)
	if !ok {
		return "", p.noIDToken()
	}
	return idToken, p.verify(ctx, m, idToken, tokens.AccessToken, pending.Nonce)
}

// verify checks an ID token by the rules of bearer tokens, and by those of OpenID Connect Core 1.0 section 3.1.3.7 and 3.1.3.8.
func (p *Provider) verify(ctx context.Context, m *metadata, idToken, accessToken, nonce string) error {
	if _, err := m.verifier.Verify(ctx, idToken); err != nil {
		return err
	}
	token, err := m.idTokens.Verify(ctx, idToken)
	if err != nil {
		return p.badIDToken(err)
	}
	var c struct {
		AuthorizedParty string `json:"azp"`
	}
	if err := token.Claims(&c); err != nil {
		return p.badIDToken(err)
	}
	switch {
	case token.Nonce != nonce:
		return p.anotherLogin()
	case c.AuthorizedParty != "" && c.AuthorizedParty != p.ClientID:
		return p.badIDToken(errors.New("the ID token was issued to another client (claim azp)"))
	case token.AccessTokenHash != "":
		if err := token.VerifyAccessToken(accessToken); err != nil {
			return p.badIDToken(err)
		}
	}
	return nil
}

func (p *Provider) config(m *metadata, redirect string) *oauth2.Config {
	scopes := []string{oidc.ScopeOpenID}
	for _, scope := range p.Scopes {
		if scope != oidc.ScopeOpenID {
			scopes = append(scopes, scope)
		}
	}
	return &oauth2.Config{ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: m.endpoint, RedirectURL: redirect, Scopes: scopes}
}

// LogoutAddress returns where a person logs out of the provider itself, or "" if the provider has no such page or is not known yet.
func (p *Provider) LogoutAddress() string {
	m := p.discovered.Load()
	if m == nil || m.endSession == "" {
		return ""
	}
	separator := "?"
	if strings.Contains(m.endSession, "?") {
		separator = "&"
	}
	return m.endSession + separator + url.Values{"client_id": {p.ClientID}}.Encode()
}

// Credential implements session.Verifier for ID tokens.
func (p *Provider) Credential(ctx context.Context, idToken string, digest auth.Digest) (auth.Credential, auth.Principal, error) {
	m, err := p.metadata(ctx)
	if err != nil {
		return auth.Credential{}, auth.Principal{}, err
	}
	return m.verifier.Credential(ctx, idToken, digest)
}

// Check implements session.Verifier. It waits at most a second for a provider that is not known yet.
func (p *Provider) Check(c auth.Credential, digest auth.Digest) error {
	ctx, cancel := context.WithTimeout(p.ctx, time.Second)
	defer cancel()
	m, err := p.metadata(ctx)
	if err != nil {
		return &auth.KeysError{Reason: "the keys of the login provider have not been loaded yet", RetryAfter: retryAfter}
	}
	return m.verifier.Check(c, digest)
}

// Replace replaces the rules of trust, as auth.Verifier.Replace does. It concerns the sessions of the provider too. If rules for this
// client appear or disappear, it fetches the keys again.
func (p *Provider) Replace(ctx context.Context, rules []trust.Rule) error {
	p.replacing.Lock()
	defer p.replacing.Unlock()
	before := p.ruled(p.Rules.Rules)
	p.Rules.Rules = p.ofIssuer(rules)
	m := p.discovered.Load()
	if m == nil {
		return nil
	}
	if p.ruled(p.Rules.Rules) == before {
		return m.verifier.Replace(ctx, p.Rules.Rules)
	}
	next, err := p.connect(m)
	if err == nil {
		p.discovered.Store(next)
		m.stop()
	}
	return err
}

// Revoke makes these the tokens that are not accepted, by their jti. Their sessions end.
func (p *Provider) Revoke(ids map[string]struct{}) {
	p.replacing.Lock()
	defer p.replacing.Unlock()
	p.Rules.Revoked = ids
	if m := p.discovered.Load(); m != nil {
		m.verifier.Revoke(ids)
	}
}

// ofIssuer returns the rules for tokens of the provider. No other rule matches an ID token, and their keys need not be fetched.
func (p *Provider) ofIssuer(rules []trust.Rule) []trust.Rule {
	return slices.DeleteFunc(slices.Clone(rules), func(rule trust.Rule) bool { return rule.Issuer != p.Issuer })
}

// retryAfter is the shortest time between two attempts to discover the provider.
const retryAfter = 5 * time.Second
