// Package session keeps people logged in: it issues a token of its own for a bearer token, and carries it in a cookie.
//
// A session lets its holder read pages and nothing else. Its key is derived from the key file, so that the API never accepts a
// session. It ends with the key, the organization or the expiry of the bearer token, and with the rules that accepted the token.
package session

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
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

// Sessions issues and verifies sessions. It is safe for concurrent use.
type Sessions struct {
	verifier *auth.Verifier
	keys     [][]byte // the first one signs
	digest   [][]byte // of the same index
	now      func() time.Time
	// ended has the ids of the sessions that were logged out here.
	ended *lru.Cache[string, struct{}]
}

// New returns Sessions with keys that are derived from the secrets: the first one signs, and all of them verify. Without secrets, the
// key is random. Expiry follows the clock now.
func New(verifier *auth.Verifier, secrets [][]byte, now func() time.Time) (*Sessions, error) {
	if len(secrets) == 0 {
		secrets = [][]byte{[]byte(rand.Text() + rand.Text())}
	}
	ended, err := lru.New[string, struct{}](maxEnded)
	if err != nil {
		return nil, err
	}
	s := &Sessions{verifier: verifier, now: now, ended: ended}
	for _, secret := range secrets {
		key, err := hkdf.Key(sha256.New, secret, nil, audience+" sessions", sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("derive the key of sessions: %w", err)
		}
		digest, err := hkdf.Key(sha256.New, secret, nil, audience+" digests of keys", sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("derive the key of sessions: %w", err)
		}
		s.keys, s.digest = append(s.keys, key), append(s.digest, digest)
	}
	return s, nil
}

// claims is the payload of a session. Its subject is that of the bearer token.
type claims struct {
	jwt.RegisteredClaims
	Organization string `json:"organization"`
	Project      string `json:"project,omitempty"`
	// The issuer, the kid, the jti and the key of the bearer token.
	TokenIssuer string `json:"token_issuer,omitempty"`
	TokenKeyID  string `json:"token_kid,omitempty"`
	TokenID     string `json:"token_jti,omitempty"`
	TokenKey    string `json:"token_key"`
}

// Issue verifies a bearer token that may read, and returns a session and its end. The error is that of auth.Verifier.Verify, or a
// *auth.TokenError for a token that may not read.
func (s *Sessions) Issue(ctx context.Context, token string) (signed string, end time.Time, err error) {
	c, principal, err := s.verifier.Credential(ctx, token, s.digestBy(0))
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
		Organization: c.Organization, Project: c.Project,
		TokenIssuer: c.Issuer, TokenKeyID: c.KeyID, TokenID: c.TokenID, TokenKey: c.Key,
	}).SignedString(s.keys[0])
	if len(signed) > maxBytes {
		return "", time.Time{}, &auth.TokenError{Reason: "the token's subject, organization, project or issuer is too long for a cookie"}
	}
	return signed, end, err
}

// Verify returns what a session was issued for. The error is a *auth.TokenError, or a *auth.KeysError while the key of the bearer
// token may not have been fetched yet.
func (s *Sessions) Verify(session string) (auth.Credential, error) {
	c, key, err := s.parse(session)
	if err != nil {
		return auth.Credential{}, err
	}
	credential := auth.Credential{
		Subject: c.Subject, Organization: c.Organization, Project: c.Project,
		Issuer: c.TokenIssuer, KeyID: c.TokenKeyID, TokenID: c.TokenID, Key: c.TokenKey, Expires: c.ExpiresAt.Time,
	}
	return credential, s.verifier.Check(credential, s.digestBy(key))
}

// End makes Verify reject a session, on this server.
func (s *Sessions) End(session string) {
	if c, _, err := s.parse(session); err == nil {
		s.ended.Add(c.ID, struct{}{})
	}
}

// parse checks everything but the bearer token's key. It returns the index of the key that signed the session.
func (s *Sessions) parse(session string) (c claims, key int, err error) {
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithAudience(audience), jwt.WithExpirationRequired(),
		jwt.WithTimeFunc(s.now), jwt.WithStrictDecoding(),
	)
	for i, secret := range s.keys {
		c = claims{}
		_, err = parser.ParseWithClaims(session, &c, func(*jwt.Token) (any, error) { return secret, nil })
		if err == nil && !s.ended.Contains(c.ID) {
			return c, i, nil
		}
	}
	return claims{}, 0, &auth.TokenError{Reason: "the session has ended"}
}

// digestBy returns the digest of keys for sessions that a key signed.
func (s *Sessions) digestBy(key int) auth.Digest {
	return func(text []byte) string {
		mac := hmac.New(sha256.New, s.digest[key])
		mac.Write(text)
		return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
}
