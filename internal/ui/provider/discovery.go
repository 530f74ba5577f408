package provider

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/auth/jwks"
	"github.com/deployrecords/deployrecords/internal/auth/trust"
)

// metadata is what the provider publishes about itself (OpenID Connect Discovery 1.0), and what follows from it.
type metadata struct {
	endpoint oauth2.Endpoint
	// endSession is the page of the provider's own logout; it may be empty.
	endSession string
	// namesIssuer reports that every response has the parameter iss (RFC 9207).
	namesIssuer bool
	jwksURL     string
	// verifier applies the rules of bearer tokens, and idTokens those of ID tokens.
	verifier *auth.Verifier
	idTokens *oidc.IDTokenVerifier
	// stop ends the fetching of keys for the verifier.
	stop context.CancelFunc
}

// failedDiscovery is the last attempt that failed.
type failedDiscovery struct {
	at  time.Time
	err error
}

// metadata returns what the provider publishes. The first callers wait until it has answered. The error is a *Failure.
func (p *Provider) metadata(ctx context.Context) (*metadata, error) {
	if m := p.discovered.Load(); m != nil {
		return m, nil
	}
	select {
	case result := <-p.discovery.DoChan("", p.discover):
		if result.Err != nil {
			return nil, p.unreachable(result.Err)
		}
		return result.Val.(*metadata), nil
	case <-ctx.Done():
		return nil, p.unreachable(ctx.Err())
	}
}

// discover asks the provider, unless it has answered or has just failed. One call runs at a time.
func (p *Provider) discover() (any, error) {
	if m := p.discovered.Load(); m != nil {
		return m, nil
	}
	if failed := p.failed.Load(); failed != nil && time.Since(failed.at) < retryAfter {
		return nil, failed.err
	}
	p.replacing.Lock()
	defer p.replacing.Unlock()
	m, err := p.ask()
	if err != nil {
		p.failed.Store(&failedDiscovery{time.Now(), err})
		if p.ctx.Err() == nil {
			p.Logger.Warn("the login provider could not be discovered", "issuer", p.Issuer, "error", err)
		}
		return nil, err
	}
	p.discovered.Store(m)
	p.Logger.Info("the login provider was discovered", "issuer", p.Issuer)
	return m, nil
}

func (p *Provider) ask() (*metadata, error) {
	found, err := oidc.NewProvider(oidc.ClientContext(p.ctx, p.client), p.Issuer)
	if err != nil {
		return nil, withoutBody(err)
	}
	var published struct {
		JWKSURL     string   `json:"jwks_uri"`
		EndSession  string   `json:"end_session_endpoint"`
		NamesIssuer bool     `json:"authorization_response_iss_parameter_supported"`
		ClientAuth  []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := found.Claims(&published); err != nil {
		return nil, errors.New("the configuration of the provider is malformed")
	}
	m := &metadata{endpoint: found.Endpoint(), namesIssuer: published.NamesIssuer, jwksURL: published.JWKSURL}
	for name, address := range map[string]string{
		"authorization_endpoint": m.endpoint.AuthURL, "token_endpoint": m.endpoint.TokenURL, "jwks_uri": published.JWKSURL,
	} {
		if jwks.CheckNamedURL(address, p.Issuer) != nil {
			return nil, fmt.Errorf("the provider's %s is not https, or http to a loopback address by a provider of this machine", name)
		}
	}
	if jwks.CheckNamedURL(published.EndSession, p.Issuer) == nil {
		m.endSession = published.EndSession
	}
	// The library would find this out by a failed request, which uses up the code at some providers.
	m.endpoint.AuthStyle = oauth2.AuthStyleInHeader
	basic := len(published.ClientAuth) == 0 || slices.Contains(published.ClientAuth, "client_secret_basic")
	if p.ClientSecret == "" || !basic {
		m.endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return p.connect(m)
}

// connect returns the metadata with new verifiers, which have the present rules.
func (p *Provider) connect(found *metadata) (*metadata, error) {
	ctx, stop := context.WithCancel(p.ctx)
	rules := p.Rules
	rules.HMACSecrets, rules.PublicKeyPEM, rules.JWKSURL = nil, nil, found.jwksURL
	rules.Issuer, rules.Audience, rules.Logger = p.Issuer, p.ClientID, p.Logger
	if p.ruled(rules.Rules) {
		// The settings would accept the ID tokens whose claims do not match.
		rules.JWKSURL = ""
	}
	verifier, err := auth.New(ctx, rules)
	if err != nil {
		stop()
		return nil, err
	}
	m := *found
	m.verifier, m.stop = verifier, stop
	m.idTokens = oidc.NewVerifier(p.Issuer, keySet{m.verifier}, &oidc.Config{
		ClientID: p.ClientID,
		// The verifier decides by its keys, and checks the expiry with leeway.
		SupportedSigningAlgs: []string{
			oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA,
		},
		SkipExpiryCheck: true,
	})
	return &m, nil
}

// ruled reports whether one of the rules for the provider's issuer is for ID tokens of this client, so that rules alone decide.
func (p *Provider) ruled(rules []trust.Rule) bool {
	return slices.ContainsFunc(rules, func(rule trust.Rule) bool {
		return len(rule.Audiences) == 0 || slices.Contains(rule.Audiences, p.ClientID)
	})
}

// keySet verifies signatures by the rules and the JWKS of bearer tokens, whose fetches are limited.
type keySet struct{ verifier *auth.Verifier }

// VerifySignature implements oidc.KeySet.
func (s keySet) VerifySignature(ctx context.Context, token string) (payload []byte, err error) {
	if _, err := s.verifier.Verify(ctx, token); err != nil {
		return nil, err
	}
	parts := strings.Split(token, ".")
	return base64.RawURLEncoding.DecodeString(parts[1])
}

const (
	// requestTimeout is for one request to the provider.
	requestTimeout = 5 * time.Second
	// maxResponse is the size of the provider's configuration, and of its tokens.
	maxResponse = 1 << 20
	// maxConnections limits what people without a session can make this server ask of the provider at once.
	maxConnections = 8
)

// newClient returns the client for the provider. It follows no redirects: the operator trusts the issuer's origin and no other. The
// variables of proxies, such as HTTPS_PROXY, apply.
func newClient() *http.Client {
	return &http.Client{
		Timeout: requestTimeout,
		Transport: limited{&http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10,
			MaxConnsPerHost: maxConnections, IdleConnTimeout: time.Minute,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// limited cuts off long responses, which the libraries read whole.
type limited struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := l.next.RoundTrip(r)
	if err == nil {
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, maxResponse), response.Body}
	}
	return response, err
}

// withoutBody returns an error of discovery in one short line: the library quotes the whole response.
func withoutBody(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err // the issuer is logged beside it
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	const most = 200
	if len(line) > most {
		line = line[:most] + "…"
	}
	return errors.New(strings.TrimPrefix(line, "oidc: "))
}
