package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/MicahParks/jwkset"
)

// maxRedirects within one host; a longer chain is a loop.
const maxRedirects = 5

// parseJWKSURL accepts https URLs, and http URLs of this machine (rule T2). Its
// errors never quote the URL, which may hold a password: url.Parse's own do.
func parseJWKSURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" {
		return nil, errors.New("is not a URL with a host")
	}
	if u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()) {
		return u, nil
	}
	return nil, errors.New("must be https (http only to a loopback address): whoever can change the keys on their way can sign any token")
}

// CheckJWKSURL checks the URL of a JWKS. Its error is a predicate without the URL.
func CheckJWKSURL(raw string) error {
	_, err := parseJWKSURL(raw)
	return err
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// newTransport is http.DefaultTransport without what this package must not
// have: proxies from the environment, which only internal/config reads, and
// connections kept open between hourly fetches.
func newTransport() *http.Transport {
	return &http.Transport{
		DisableKeepAlives:      true,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// checkRedirect follows a redirect only to the same scheme, host and port: the
// operator trusted that origin with the keys and no other (rule T2). Setting
// it removes net/http's own limit on the length of a chain.
func checkRedirect(next *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	first := via[0].URL
	if next.URL.Scheme != first.Scheme ||
		!strings.EqualFold(next.URL.Hostname(), first.Hostname()) ||
		portOf(next.URL) != portOf(first) {
		return fmt.Errorf("a redirect to another origin (%s) is not followed", next.URL.Host)
	}
	return nil
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

// fetch gets the JWKS and reads its keys by kid; ignored counts the ones that
// can't be used. The error has no URL in it.
func (s *keySet) fetch(ctx context.Context) (keys map[string][]namedKey, ignored int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url.String(), nil)
	if err != nil {
		return nil, 0, errors.New("the request could not be made")
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	res, err := s.client.Do(req)
	if err != nil {
		// net/http wraps every error in one that quotes the URL with its user
		// name and query.
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return nil, 0, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("the answer has status %d", res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, s.settings.maxBody+1))
	if err != nil {
		return nil, 0, err
	}
	if int64(len(body)) > s.settings.maxBody {
		return nil, 0, fmt.Errorf("the answer is larger than %d bytes", s.settings.maxBody)
	}
	return readKeySet(body)
}

// readKeySet reads a JWKS (RFC 7517 section 5). An answer without "keys" is
// most likely an error page in JSON; to take it as an empty set would throw
// the good keys away. An empty array revokes all keys.
func readKeySet(body []byte) (keys map[string][]namedKey, ignored int, err error) {
	var set map[string]json.RawMessage
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, 0, errors.New("the answer is not a JSON object")
	}
	var list []json.RawMessage
	if err := json.Unmarshal(set["keys"], &list); err != nil || list == nil {
		return nil, 0, errors.New(`the answer has no array "keys"`)
	}
	keys = map[string][]namedKey{}
	for _, raw := range list {
		kid, key, ok := readKey(raw)
		if !ok {
			ignored++ // RFC 7517 section 5: one unusable key does not spoil the set
			continue
		}
		keys[kid] = append(keys[kid], key)
	}
	return keys, ignored, nil
}

// readKey reads one key of a JWKS; ok is false where it must not verify
// tokens.
func readKey(raw json.RawMessage) (kid string, key namedKey, ok bool) {
	var m jwkset.JWKMarshal
	if err := json.Unmarshal(raw, &m); err != nil {
		return "", namedKey{}, false
	}
	switch {
	case m.KTY == jwkset.KtyOct, m.D != "":
		// A secret that was published verifies nothing: anyone can sign with
		// it (rule T2).
		return "", namedKey{}, false
	case m.USE != "" && m.USE != jwkset.UseSig:
		return "", namedKey{}, false
	case m.KEYOPS != nil && !slices.Contains(m.KEYOPS, jwkset.KeyOpsVerify):
		return "", namedKey{}, false
	}
	// Private false: jwkset then refuses symmetric keys on its own as well.
	// use and key_ops were checked above, and its own check would refuse a key
	// over a registered operation that jwkset does not know yet.
	jwk, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{Private: false},
		jwkset.JWKValidateOptions{SkipUse: true, SkipKeyOps: true})
	if err != nil {
		return "", namedKey{}, false
	}
	alg, err := algorithmOf(jwk.Key())
	if err != nil || m.ALG != "" && m.ALG.String() != alg {
		return "", namedKey{}, false
	}
	return m.KID, namedKey{alg: alg, key: jwk.Key()}, true
}
