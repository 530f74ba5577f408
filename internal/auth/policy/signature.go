package policy

import (
	"context"
	"errors"
	"slices"

	"github.com/golang-jwt/jwt/v5"

	"github.com/deployrecords/deployrecords/internal/auth/claims"
	"github.com/deployrecords/deployrecords/internal/auth/jwks"
	"github.com/deployrecords/deployrecords/internal/auth/keys"
)

var (
	errAlgorithm = claims.Refuse("the token's algorithm is not accepted")
	errSignature = claims.Refuse("the token's signature does not match any key")
)

// findKey returns the key that verifies the token. It tries the configured keys of the token's algorithm,
// any of which may match, and then those of the JWKS. In the JWKS it tries the key that
// the token's kid names. Without a kid it tries all keys of the algorithm, and
// exactly one must match (rules T1 and T2). The error is a *TokenError or a *jwks.PendingError.
func (e *Entry) findKey(ctx context.Context, t *Token) (any, error) {
	alg := t.method.Alg()
	if !slices.Contains(e.Algorithms, alg) {
		return nil, errAlgorithm
	}
	if key := firstKey(e.Keys[alg], t); key != nil {
		return key, nil
	}
	// A JWKS is public, so it has no HS256 key.
	if e.Set == nil || alg == keys.Secret {
		if len(e.Keys[alg]) == 0 {
			return nil, errAlgorithm
		}
		return nil, errSignature
	}
	if t.hasKID && t.KeyID == "" && t.header["kid"] != "" {
		return nil, claims.Refuse("the token's header kid is not a string")
	}
	if t.KeyID != "" {
		named, err := t.find(ctx, e.Set)
		if errors.Is(err, jwks.ErrUnknownKey) {
			return nil, claims.Refuse("the token's key (header kid) is not known")
		}
		if err != nil {
			return nil, err
		}
		if key := firstKey(named, t); key != nil {
			return key, nil
		}
		return nil, errSignature
	}
	all, err := e.Set.FindAll(ctx, alg)
	if err != nil {
		return nil, err
	}
	var matching []any
	for _, key := range all {
		if t.verifiedBy(key) {
			matching = append(matching, key)
		}
	}
	switch len(matching) {
	case 0:
		return nil, claims.Refuse("the token's header names no key (kid), and no known key matches its signature")
	case 1:
		return matching[0], nil
	}
	return nil, claims.Refuse("the token's header names no key (kid), and several keys match its signature")
}

// firstKey returns the first key that verifies the token, or nil.
func firstKey(candidates []any, t *Token) any {
	if i := slices.IndexFunc(candidates, t.verifiedBy); i >= 0 {
		return candidates[i]
	}
	return nil
}

// Current returns the keys of an algorithm that are accepted now. It fetches none.
func (e *Entry) Current(alg string) []any {
	current := slices.Clone(e.Keys[alg])
	if e.Set != nil {
		current = append(current, e.Set.Current(alg)...)
	}
	return current
}

// ClaimViolation translates an error of jwt.Validator. Of several violations it
// returns the first in this order.
func ClaimViolation(err error) error {
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return claims.Refuse("the token has expired")
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return claims.Refuse("the token is not valid yet (claim nbf)")
	case errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return claims.Refuse("the token was issued in the future (claim iat)")
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return claims.Refuse("the token has another issuer (claim iss)")
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return claims.Refuse("the token is for another audience (claim aud)")
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return claims.Refuse("the token has no issuer or no audience (claims iss and aud)")
	}
	return claims.Refuse("the token's claims are not accepted")
}
