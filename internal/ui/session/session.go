// Package session keeps people logged in: it issues a token of its own for a bearer token or for the ID token of a provider, and
// carries it in a cookie. Another cookie carries a login while the browser is at the provider.
//
// A session lets its holder read pages and nothing else. Its key is derived from the key file, so that the API never accepts a
// session. It ends with the key, the organization or the expiry of the token, and with the rules that accepted the token.
package session

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/deployrecords/deployrecords/internal/auth"
)

const (
	// audience is the claim aud of sessions.
	audience = "deployrecords-ui"
	// MaxAge is the longest life of a session.
	MaxAge = 12 * time.Hour
	// maxBytes is the longest session that browsers keep in a cookie.
	maxBytes = 4000
	// maxEnded is the number of sessions whose logout is remembered.
	maxEnded = 16 << 10
)

// Verifier verifies the tokens for which sessions are issued, and checks later whether it would still accept them. A *auth.Verifier
// is one.
type Verifier interface {
	// Credential returns what a token is accepted for. The error is a *auth.TokenError or a *auth.KeysError.
	Credential(ctx context.Context, token string, digest auth.Digest) (auth.Credential, auth.Principal, error)
	// Check returns nil if the credential's token would still be accepted, and the errors of Credential otherwise.
	Check(c auth.Credential, digest auth.Digest) error
}

// Source is where the token of a session comes from.
type Source string

const (
	// FromBearer is for tokens that are pasted into the form.
	FromBearer Source = ""
	// FromProvider is for the ID tokens of the login provider.
	FromProvider Source = "provider"
)

// Verifiers has the verifier of each source. A session of another source has ended.
type Verifiers map[Source]Verifier

// Sessions issues and verifies sessions. It is safe for concurrent use.
type Sessions struct {
	verifiers Verifiers
	// The keys of sessions, of the digests of tokens' keys, and of pending logins. The first of each signs.
	keys, digest, pending [][]byte
	now                   func() time.Time
	// ended has the ids of the sessions that were logged out here, and used has the states of pending logins that were taken.
	ended, used *lru.Cache[string, struct{}]
}

// New returns Sessions with keys that are derived from the secrets: the first one signs, and all of them verify. Without secrets, the
// key is random. Expiry follows the clock now.
func New(verifiers Verifiers, secrets [][]byte, now func() time.Time) (*Sessions, error) {
	if len(secrets) == 0 {
		secrets = [][]byte{[]byte(rand.Text() + rand.Text())}
	}
	ended, endedErr := lru.New[string, struct{}](maxEnded)
	used, usedErr := lru.New[string, struct{}](maxEnded)
	if err := errors.Join(endedErr, usedErr); err != nil {
		return nil, err
	}
	s := &Sessions{verifiers: verifiers, now: now, ended: ended, used: used}
	for purpose, keys := range map[string]*[][]byte{"sessions": &s.keys, "digests of keys": &s.digest, "pending logins": &s.pending} {
		for _, secret := range secrets {
			key, err := hkdf.Key(sha256.New, secret, nil, audience+" "+purpose, sha256.Size)
			if err != nil {
				return nil, fmt.Errorf("derive the key of %s: %w", purpose, err)
			}
			*keys = append(*keys, key)
		}
	}
	return s, nil
}

// claims is the payload of a session. Its subject is that of the token.
type claims struct {
	jwt.RegisteredClaims
	Source       Source `json:"source,omitempty"`
	Organization string `json:"organization"`
	Project      string `json:"project,omitempty"`
	// The issuer, the kid, the jti and the key of the token.
	TokenIssuer string `json:"token_issuer,omitempty"`
	TokenKeyID  string `json:"token_kid,omitempty"`
	TokenID     string `json:"token_jti,omitempty"`
	TokenKey    string `json:"token_key"`
}

// Issue verifies a token that may read, and returns a session and its end. The error is that of the source's Verifier, or a
// *auth.TokenError for a token that may not read.
func (s *Sessions) Issue(ctx context.Context, source Source, token string) (signed string, end time.Time, err error) {
	c, principal, err := s.verifiers[source].Credential(ctx, token, s.digestBy(0))
	if err != nil {
		return "", time.Time{}, err
	}
	if !principal.Allows(auth.ReadDeployments) {
		return "", time.Time{}, &auth.TokenError{Reason: "the token does not have the scope " + string(auth.ReadDeployments)}
	}
	now := s.now()
	end = now.Add(MaxAge)
	if !c.Expires.IsZero() && c.Expires.Before(end) {
		end = c.Expires
	}
	signed, err = jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			ID: rand.Text(), Subject: c.Subject, Audience: jwt.ClaimStrings{audience},
			IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(end),
		},
		Source: source, Organization: c.Organization, Project: c.Project,
		TokenIssuer: c.Issuer, TokenKeyID: c.KeyID, TokenID: c.TokenID, TokenKey: c.Key,
	}).SignedString(s.keys[0])
	if len(signed) > maxBytes {
		return "", time.Time{}, &auth.TokenError{Reason: "the token's subject, organization, project or issuer is too long for a cookie"}
	}
	return signed, end, err
}

// Verify returns what a session was issued for. The error is a *auth.TokenError, or a *auth.KeysError while the key of the token may
// not have been fetched yet.
func (s *Sessions) Verify(session string) (auth.Credential, error) {
	c, key, err := s.parse(session)
	if err != nil {
		return auth.Credential{}, err
	}
	credential := auth.Credential{
		Subject: c.Subject, Organization: c.Organization, Project: c.Project,
		Issuer: c.TokenIssuer, KeyID: c.TokenKeyID, TokenID: c.TokenID, Key: c.TokenKey, Expires: c.ExpiresAt.Time,
	}
	verifier := s.verifiers[c.Source]
	if verifier == nil {
		return auth.Credential{}, errEnded
	}
	return credential, verifier.Check(credential, s.digestBy(key))
}

// End makes Verify reject a session, on this server.
func (s *Sessions) End(session string) {
	if c, _, err := s.parse(session); err == nil {
		s.ended.Add(c.ID, struct{}{})
	}
}

// errEnded reports a session that is not accepted.
var errEnded = &auth.TokenError{Reason: "the session has ended"}

// parse checks everything but the token's key. It returns the index of the key that signed the session.
func (s *Sessions) parse(session string) (c claims, key int, err error) {
	for i, secret := range s.keys {
		c = claims{}
		if s.verify(session, secret, &c) && !s.ended.Contains(c.ID) {
			return c, i, nil
		}
	}
	return claims{}, 0, errEnded
}

// verify reads a token of this package, and reports whether it has not expired and the key signed it.
func (s *Sessions) verify(token string, key []byte, into jwt.Claims) bool {
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithAudience(audience), jwt.WithExpirationRequired(),
		jwt.WithTimeFunc(s.now), jwt.WithStrictDecoding(),
	)
	_, err := parser.ParseWithClaims(token, into, func(*jwt.Token) (any, error) { return key, nil })
	return err == nil
}

// digestBy returns the digest of keys for sessions that a key signed.
func (s *Sessions) digestBy(key int) auth.Digest {
	return func(text []byte) string {
		mac := hmac.New(sha256.New, s.digest[key])
		mac.Write(text)
		return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
}
