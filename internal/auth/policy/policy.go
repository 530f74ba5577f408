package policy

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/deployrecords/deployrecords/internal/auth/claims"
	"github.com/deployrecords/deployrecords/internal/auth/jwks"
	"github.com/deployrecords/deployrecords/internal/auth/trust"
)

// Policy is all rules at one time. A reload replaces it as a whole.
type Policy struct {
	Rules []*Entry
	Flags *Entry // nil if no key is set apart from those of the rules; for tokens of any issuer that no rule accepts
}

// Entries returns the rules in the order in which they are tried.
func (p *Policy) Entries() []*Entry {
	if p.Flags == nil {
		return p.Rules
	}
	return append(slices.Clip(p.Rules), p.Flags)
}

// Entry is a rule with what is running for it.
type Entry struct {
	trust.Rule
	Set *jwks.Set // nil without a source
	// Validator checks the dates, and for Flags the issuer and the audience.
	Validator *jwt.Validator
}

// Accepted is a token that an entry accepted.
type Accepted struct {
	Entry      *Entry
	Key        any
	Registered jwt.RegisteredClaims
	Grant      trust.Grant
}

// isFor reports whether the rule is for tokens of the token's issuer.
func (e *Entry) isFor(t *Token) bool {
	return t.claimsErr == nil && e.Issuer == t.Issuer && t.hasIssuer == (e.Issuer != "")
}

// failed returns the reasons of the conditions that do not hold.
func (e *Entry) failed(t *Token) (reasons []string) {
	for _, check := range e.Checks(t.Claims) {
		if !check.OK {
			reasons = append(reasons, check.Reason())
		}
	}
	return reasons
}

// accept verifies a token whose conditions hold. Decides is whether no later rule is tried: a key of this rule verified the token, or
// its keys were never loaded. A key that is not known yet does not decide, for the token may be signed by a key of a later rule.
func (e *Entry) accept(ctx context.Context, t *Token) (a Accepted, decides bool, err error) {
	a.Entry = e
	a.Key, err = e.findKey(ctx, t)
	pending, isPending := errors.AsType[*jwks.PendingError](err)
	if err != nil && !isPending {
		return Accepted{}, false, err
	}
	decides = !isPending || !pending.UnknownKey
	// A token whose key is missing is read too, but not trusted: a token that
	// no key can make acceptable is refused for good (rule T2).
	if err := a.read(t); err != nil {
		return Accepted{}, decides, err
	}
	if isPending {
		return Accepted{}, decides, pending
	}
	return a, decides, nil
}

// read reads and checks the claims of a token.
func (a *Accepted) read(t *Token) (err error) {
	if t.claimsErr != nil {
		return t.claimsErr
	}
	if a.Registered, err = t.Claims.Registered(); err != nil {
		return err
	}
	if a.Registered.ExpiresAt == nil && !a.Entry.AllowMissingExpiry {
		return claims.Refuse("the token has no expiry (claim exp)")
	}
	if a.Grant, err = a.Entry.Of(t.Claims); err != nil {
		return err
	}
	if err := a.Entry.Validator.Validate(a.Registered); err != nil {
		return ClaimViolation(err)
	}
	return nil
}

// Verify tries the rules in their order. The first one whose issuer, algorithm, conditions and key are the token's decides: no
// later rule accepts a token that it refuses. That includes a rule whose keys are not loaded yet: otherwise a token would get the rights of
// another rule for a while. A rule whose keys are loaded, and may not be looked up again yet for the token's kid, does not decide: two
// rules of one issuer may have different keys. If no later rule decides either, the error is its *jwks.PendingError.
func (p *Policy) Verify(ctx context.Context, t *Token) (Accepted, error) {
	var refused rejection
	for _, e := range p.Rules {
		if !e.isFor(t) {
			continue
		}
		refused.trusted = true
		if reasons := e.failed(t); len(reasons) > 0 {
			refused.consider(e, reasons)
			continue
		}
		a, decides, err := e.accept(ctx, t)
		if err == nil || decides {
			return a, err
		}
		if !refused.wait(err) {
			refused.signature = err
		}
	}
	if p.Flags != nil {
		a, decides, err := p.Flags.accept(ctx, t)
		if err == nil || decides || len(p.Rules) == 0 {
			return a, err
		}
		refused.wait(err)
	}
	return Accepted{}, refused.reason(t)
}

// rejection collects why no rule accepts a token.
type rejection struct {
	trusted   bool  // a rule is for the token's issuer
	signature error // of the last rule whose conditions hold
	pending   error // of the first rule that may have the token's key after its next refresh
	// nearest is the rule with the fewest conditions that do not hold, and reasons are theirs.
	nearest *Entry
	reasons []string
}

func (r *rejection) consider(e *Entry, reasons []string) {
	if r.nearest == nil || len(reasons) < len(r.reasons) {
		r.nearest, r.reasons = e, reasons
	}
}

// wait keeps the first error that is a *jwks.PendingError, and reports whether this one is.
func (r *rejection) wait(err error) bool {
	_, isPending := errors.AsType[*jwks.PendingError](err)
	if isPending && r.pending == nil {
		r.pending = err
	}
	return isPending
}

// reason returns the *jwks.PendingError, or else a *TokenError that names the issuer. Only a token that the issuer signed learns what did not match, and of one
// rule alone.
func (r *rejection) reason(t *Token) error {
	issuer := "the issuer " + claims.Quote(t.Issuer)
	if !t.hasIssuer {
		issuer = "tokens without an issuer (claim iss)"
	}
	switch {
	case t.claimsErr != nil:
		return t.claimsErr
	case r.pending != nil:
		return r.pending
	case !r.trusted:
		return claims.Refuse("no rule trusts %s", issuer)
	case r.nearest != nil && firstKey(r.nearest.Current(t.method.Alg()), t) != nil:
		return claims.Refuse("no rule for %s accepts the token: %s", issuer, strings.Join(r.reasons, "; "))
	case r.signature != nil:
		return claims.Refuse("%s: %s", issuer, r.signature)
	}
	return claims.Refuse("%s: %s", issuer, errSignature)
}
