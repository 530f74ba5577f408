package auth

import (
	"context"
	"crypto/x509"
	"slices"
	"time"

	"github.com/deployrecords/deployrecords/internal/auth/jwks"
	"github.com/deployrecords/deployrecords/internal/auth/policy"
)

// Credential is what a verified token was accepted for. A session that was issued for the token keeps it, and ends with it.
type Credential struct {
	Subject, Organization, Project string
	// Issuer, KeyID and TokenID are the claims iss and jti and the header kid; each may be empty.
	Issuer, KeyID, TokenID string
	// Key is the digest of the key that verified the token, and of the rules by which the token was accepted: see acceptance.
	Key string
	// Expires is the token's exp, or zero if it has none.
	Expires time.Time
}

// Digest returns a digest of the bytes of rules and a key. It is keyed with a secret, so that a digest reveals nothing about the key.
type Digest func(text []byte) string

// Credential verifies a token as Verify does. The caller checks the principal's scopes.
func (v *Verifier) Credential(ctx context.Context, text string, digest Digest) (Credential, Principal, error) {
	if err := checkTokenBytes(text); err != nil {
		return Credential{}, Principal{}, err
	}
	p := v.policy.Load()
	a, t, err := v.verify(ctx, p, text)
	if err != nil {
		return Credential{}, Principal{}, err
	}
	credential := Credential{
		Subject: a.Registered.Subject, Organization: a.Grant.Organization, Project: a.Grant.Project,
		Issuer: t.Issuer, KeyID: t.KeyID, TokenID: a.Registered.ID, Key: digest(acceptance(p, a.Entry, t.Issuer, a.Key)),
	}
	if a.Registered.ExpiresAt != nil {
		credential.Expires = a.Registered.ExpiresAt.Time
	}
	return credential, newPrincipal(a), nil
}

// Check returns nil if the key of the credential is still accepted, by the same rule after the same rules of its issuer, and its token
// is not revoked, and a *TokenError otherwise. It is a *KeysError while the key may be one that has not been fetched yet.
func (v *Verifier) Check(c Credential, digest Digest) error {
	if err := v.checkRevoked(c.TokenID); err != nil {
		return err
	}
	var missing *jwks.Set
	p := v.policy.Load()
	for _, e := range p.Entries() {
		for _, alg := range e.Algorithms {
			for _, key := range e.Current(alg) {
				if digest(acceptance(p, e, c.Issuer, key)) == c.Key {
					return v.checkOrganization(e, c.Organization)
				}
			}
		}
		if e.Set != nil && !e.Set.Loaded() {
			missing = e.Set
		}
	}
	if missing != nil {
		return missing.NotLoaded()
	}
	return refuse("the key that verified the token is no longer accepted, or the rules for tokens have changed")
}

// acceptance returns the bytes that identify a key and the rule by which its tokens of an issuer are accepted: by another rule, a token
// may be rejected, or have another organization, project or scope. The issuer's rules before it count too, since each of them could
// decide in its place. Check applies the rule about organizations itself.
func acceptance(p *policy.Policy, e *policy.Entry, issuer string, key any) []byte {
	var text []byte
	for _, earlier := range p.Entries() {
		if earlier == e {
			break
		}
		if earlier.Issuer == issuer {
			text = append(append(text, earlier.Text...), 0)
		}
	}
	return slices.Concat(text, []byte(e.Text), keyBytes(key))
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
