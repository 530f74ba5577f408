package jwks

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// Source is where an issuer publishes its keys. Sources that are equal are the same one.
type Source struct {
	// JWKSURL is the address of the key set: https, or http to a loopback address (rule T2).
	JWKSURL string
	// Issuer is used without a JWKSURL: its OpenID Connect discovery document, whose issuer must be this one, names the key set.
	Issuer string
	// CA has the PEM certificates of the authorities to trust. Empty: those of the system.
	CA string
	// BearerTokenFile has a token on its first line that is sent to the host of the address above. It is read for each fetch.
	BearerTokenFile string
}

// discoveryPath follows the issuer (OpenID Connect Discovery 1.0, section 4).
const discoveryPath = "/.well-known/openid-configuration"

// address returns the URL that is fetched first. Its errors never quote the URL, which may hold a password.
func (s Source) address() (*url.URL, error) {
	if s.JWKSURL != "" {
		u, err := parseURL(s.JWKSURL)
		if err != nil {
			return nil, fmt.Errorf("the JWKS URL %w", err)
		}
		return u, nil
	}
	u, err := parseURL(s.Issuer)
	if err != nil {
		return nil, fmt.Errorf("the issuer %w", err)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the issuer has a query or a fragment")
	}
	return u.Parse(strings.TrimSuffix(s.Issuer, "/") + discoveryPath)
}

// parseURL accepts https URLs, and http URLs of this machine (rule T2). Its
// errors never quote the URL, which may hold a password: url.Parse's own do.
func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("is not a URL with a host")
	}
	if u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()) {
		return u, nil
	}
	return nil, errors.New("must be https (http only to a loopback address): whoever can change the keys on their way can sign any token")
}

// CheckURL checks the URL of a JWKS or an issuer. Its error is a predicate without the URL.
func CheckURL(raw string) error {
	_, err := parseURL(raw)
	return err
}

// CheckNamedURL checks a URL in a document that has another address. It is https, or http to a loopback address if the document is of
// such an address too: no other machine names the addresses of this one. Its error is a predicate without the URL.
func CheckNamedURL(raw, document string) error {
	from, err := url.Parse(document)
	if err != nil {
		return errors.New("is named by a document without a URL")
	}
	_, err = parseNamedURL(raw, from)
	return err
}

func parseNamedURL(raw string, document *url.URL) (*url.URL, error) {
	u, err := parseURL(raw)
	if err == nil && u.Scheme != "https" && !isLoopback(document.Hostname()) {
		return nil, errors.New("is not https")
	}
	return u, err
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// newClient returns a client that trusts the authorities of the source, uses the proxy variables of the environment
// (HTTPS_PROXY, NO_PROXY), and keeps no connection open between hourly fetches.
func newClient(source Source, limits Limits) (*http.Client, error) {
	client := &http.Client{Transport: limits.Transport, CheckRedirect: checkRedirect}
	if client.Transport != nil {
		return client, nil
	}
	proxy := httpproxy.FromEnvironment().ProxyFunc()
	transport := &http.Transport{
		Proxy:                  func(r *http.Request) (*url.URL, error) { return proxy(r.URL) },
		DisableKeepAlives:      true,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: 64 << 10,
	}
	if source.CA != "" {
		authorities, err := Authorities([]byte(source.CA))
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}
	}
	client.Transport = transport
	return client, nil
}

// Authorities reads PEM certificates of authorities.
func Authorities(text []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("has no PEM certificate")
	}
	return pool, nil
}

// maxRedirects within one host; a longer chain is a loop.
const maxRedirects = 5

// checkRedirect follows a redirect only to the same scheme, host and port: the
// operator trusted that origin with the keys and no other (rule T2). Setting
// it removes net/http's own limit on the length of a chain.
func checkRedirect(next *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	if !sameOrigin(next.URL, via[0].URL) {
		return fmt.Errorf("a redirect to another origin (%s) is not followed", next.URL.Host)
	}
	return nil
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b)
}

func portOf(u *url.URL) string {
	if port := u.Port(); port != "" {
		return port
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

// withoutSecrets is the URL as it may be logged: no user information, and no
// query, which may hold an access key.
func withoutSecrets(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
