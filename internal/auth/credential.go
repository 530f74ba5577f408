package auth

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"
	"time"
)

// Credential is what a verified token was accepted for. A session that was issued for the token keeps it, and ends with it.
type Credential struct {
	Subject, Organization, Project string
	// Issuer, KeyID and TokenID are the claims iss and jti and the header kid; each may be empty.
	Issuer, KeyID, TokenID string
	// Key is the digest of the key that verified the token, and of the rules by which the token was accepted.
	Key string
	// Expires is the token's exp.
	Expires time.Time
}

// Digest returns a digest of the bytes of rules and a key. It is keyed with a secret, so that a digest reveals nothing about the key.
type Digest func(text []byte) string

// Credential verifies a token as Verify does. The caller checks the principal's scopes.
func (v *Verifier) Credential(ctx context.Context, token string, digest Digest) (Credential, Principal, error) {
	principal, err := v.Verify(ctx, token)
	if err != nil {
		return Credential{}, Principal{}, err
	}
	var c claims
	parsed, _, err := v.parser.ParseUnverified(token, &c)
	if err != nil {
		return Credential{}, Principal{}, refuse("the token is malformed")
	}
	if err := c.decode(v.names); err != nil {
		return Credential{}, Principal{}, err
	}
	kid, _ := parsed.Header["kid"].(string)
	m, err := readMembers(c.raw)
	if err != nil {
		return Credential{}, Principal{}, err
	}
	tokenID, _, _ := m.text("jti") // a jti that is no string names no token
	credential := Credential{
		Subject: principal.Subject, Organization: principal.Organization, Project: principal.Project,
		Issuer: c.Issuer, KeyID: kid, TokenID: tokenID, Expires: c.ExpiresAt.Time,
	}
	for _, key := range v.currentKeys(parsed.Method.Alg()) {
		if methods[parsed.Method.Alg()].Verify(token[:strings.LastIndexByte(token, '.')], parsed.Signature, key) == nil {
			credential.Key = digest(v.acceptance(key))
			return credential, principal, nil
		}
	}
	return Credential{}, Principal{}, errSignature // the keys of the JWKS have just changed
}

// Check returns nil if the key of the credential is still accepted, by the same rules, and a *TokenError otherwise. It is a *KeysError
// while the key may be one that has not been fetched yet.
func (v *Verifier) Check(c Credential, digest Digest) error {
	for alg := range methods {
		for _, key := range v.currentKeys(alg) {
			if digest(v.acceptance(key)) == c.Key {
				return v.checkOrganization(c.Organization)
			}
		}
	}
	if v.jwks != nil && !v.jwks.loaded() {
		return v.jwks.notLoaded()
	}
	return refuse("the key that verified the token is no longer accepted, or the rules for tokens have changed")
}

// currentKeys returns the keys of an algorithm that are accepted now. It fetches none.
func (v *Verifier) currentKeys(alg string) []any {
	keys := append([]any(nil), v.keys[alg]...)
	if v.jwks != nil {
		if set := v.jwks.keys.Load(); set != nil {
			for _, named := range *set {
				for _, k := range named {
					if k.alg == alg {
						keys = append(keys, k.key)
					}
				}
			}
		}
	}
	return keys
}

// acceptance returns the bytes that identify a key and the rules by which its tokens are accepted: by other rules, a token may be
// rejected, or have another organization, project or scope. Check applies the rule about organizations itself.
func (v *Verifier) acceptance(key any) []byte { return append([]byte(v.rules), keyBytes(key)...) }

// rules returns a text that differs for options that read claims differently.
func rules(o Options, names claimNames) string {
	return fmt.Sprintf("iss=%q aud=%q organization=%q project=%q missing_scope=%t key=", o.Issuer, o.Audience, names.organization, names.project, o.AllowMissingScope)
}

// keyBytes returns the bytes that identify a key.
func keyBytes(key any) []byte {
	if secret, ok := key.([]byte); ok {
		return secret
	}
	encoded, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		panic(err) // algorithmOf accepts only keys that have this form
	}
	return encoded
}
