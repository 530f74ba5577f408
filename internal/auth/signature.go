package auth

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

var (
	errAlgorithm = refuse("the token's algorithm is not accepted")
	errSignature = refuse("the token's signature does not match any key")
)

// checkSignature tries the configured keys of the token's algorithm, any of
// which may match, and then those of the JWKS. In the JWKS it tries the key that
// the token's kid names. Without a kid it tries all keys of the algorithm, and
// exactly one must match (rules T1 and T2).
func (v *Verifier) checkSignature(ctx context.Context, token string, parsed *jwt.Token) error {
	alg := parsed.Method.Alg()
	method, ok := methods[alg]
	if !ok {
		return errAlgorithm
	}
	// crit lists extensions that must be understood (RFC 7515 section 4.1.11);
	// this package understands none.
	if _, ok := parsed.Header["crit"]; ok {
		return refuse("the token demands an extension (header crit) that is not supported")
	}
	signed := token[:strings.LastIndexByte(token, '.')]
	verifies := func(key any) bool { return method.Verify(signed, parsed.Signature, key) == nil }
	if slices.ContainsFunc(v.keys[alg], verifies) {
		return nil
	}
	// A JWKS is public, so it has no HS256 key.
	if v.jwks == nil || method == jwt.SigningMethodHS256 {
		if len(v.keys[alg]) == 0 {
			return errAlgorithm
		}
		return errSignature
	}
	kid, isText := parsed.Header["kid"].(string)
	if _, named := parsed.Header["kid"]; named && !isText {
		return refuse("the token's header kid is not a string")
	}
	if kid != "" {
		keys, err := v.jwks.find(ctx, kid, alg)
		if err == nil && !slices.ContainsFunc(keys, verifies) {
			err = errSignature
		}
		return err
	}
	keys, err := v.jwks.findAll(ctx, alg)
	if err != nil {
		return err
	}
	matching := 0
	for _, key := range keys {
		if verifies(key) {
			matching++
		}
	}
	switch matching {
	case 0:
		return refuse("the token's header names no key (kid), and no known key matches its signature")
	case 1:
		return nil
	}
	return refuse("the token's header names no key (kid), and several keys match its signature")
}

// claimViolation translates an error of jwt.Validator. Of several violations it
// returns the first in this order.
func claimViolation(err error) error {
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return refuse("the token has expired")
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return refuse("the token is not valid yet (claim nbf)")
	case errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return refuse("the token was issued in the future (claim iat)")
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return refuse("the token has another issuer (claim iss)")
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return refuse("the token is for another audience (claim aud)")
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return refuse("the token has no issuer or no audience (claims iss and aud)")
	}
	return refuse("the token's claims are not accepted")
}
