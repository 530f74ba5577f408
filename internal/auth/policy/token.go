package policy

import (
	"bytes"
	"context"
	"errors"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/deployrecords/deployrecords/internal/auth/claims"
	"github.com/deployrecords/deployrecords/internal/auth/jwks"
	"github.com/deployrecords/deployrecords/internal/auth/keys"
)

// Token is a token whose parts were read. None of them is trusted before the signature was verified.
type Token struct {
	method            jwt.SigningMethod
	header            map[string]any
	signed            string // what the signature is of
	signature         []byte
	claimsErr         error
	hasIssuer, hasKID bool
	// Claims are empty if they cannot be read.
	Claims claims.Claims
	// Issuer and KeyID are the claim iss and the header kid, if they are strings.
	Issuer, KeyID string

	found map[*jwks.Set]lookup // see find
}

// lookup is the result of jwks.Set.Find for the KeyID of a token.
type lookup struct {
	keys []any
	err  error
}

// payload keeps the bytes of a payload, which golang-jwt unmarshals before it looks at the signature.
type payload struct {
	jwt.RegisteredClaims
	raw []byte
}

// UnmarshalJSON keeps a copy of the payload.
func (p *payload) UnmarshalJSON(b []byte) error {
	p.raw = bytes.Clone(b)
	return nil
}

// parser is strict: the unused bits of a segment's last character must be zero,
// so that a token has one spelling.
var parser = jwt.NewParser(jwt.WithStrictDecoding())

// Parse reads a token. The error is a *claims.Error.
func Parse(text string) (*Token, error) {
	var p payload
	// Not jwt.Parse: its Keyfunc hands over all keys before any is tried, so
	// the JWKS would be fetched for tokens that a configured key verifies.
	parsed, _, err := parser.ParseUnverified(text, &p)
	switch {
	case errors.Is(err, jwt.ErrTokenUnverifiable):
		return nil, errAlgorithm
	case err != nil:
		return nil, claims.Refuse("the token is malformed")
	}
	method := keys.Method(parsed.Method.Alg())
	if method == nil {
		return nil, errAlgorithm
	}
	// crit lists extensions that must be understood (RFC 7515 section 4.1.11);
	// this package understands none.
	if _, ok := parsed.Header["crit"]; ok {
		return nil, claims.Refuse("the token demands an extension (header crit) that is not supported")
	}
	t := &Token{found: map[*jwks.Set]lookup{}, method: method, header: parsed.Header, signed: text[:strings.LastIndexByte(text, '.')], signature: parsed.Signature}
	t.KeyID, _ = parsed.Header["kid"].(string)
	_, t.hasKID = parsed.Header["kid"]
	if t.Claims, t.claimsErr = claims.Read(p.raw); t.claimsErr == nil {
		t.Issuer, t.hasIssuer, t.claimsErr = t.Claims.Text("iss")
	}
	return t, nil
}

// verifiedBy reports whether the key verifies the signature.
func (t *Token) verifiedBy(key any) bool {
	return t.method.Verify(t.signed, t.signature, key) == nil
}

// find returns the keys of a set that have the token's kid and algorithm, as jwks.Set.Find does. All rules with this set share one
// look-up: after a refresh that did not bring the kid, a second one would return a *jwks.PendingError.
func (t *Token) find(ctx context.Context, set *jwks.Set) ([]any, error) {
	result, done := t.found[set]
	if !done {
		result.keys, result.err = set.Find(ctx, t.KeyID, t.method.Alg())
		t.found[set] = result
	}
	return result.keys, result.err
}
