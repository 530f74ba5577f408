package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/deployrecords/deployrecords/internal/auth/jwks"
	"github.com/deployrecords/deployrecords/internal/auth/policy"
)

// leeway is how far the issuer's clock and ours may differ for exp, nbf and
// iat (rule T1).
const leeway = 30 * time.Second

// Verifier checks tokens. It is safe for concurrent use.
type Verifier struct {
	options Options
	limits  jwks.Limits
	dates   *jwt.Validator // of exp, nbf and iat alone
	// policy is loaded after verified: see reset.
	policy   atomic.Pointer[policy.Policy]
	verified atomic.Pointer[verifiedTokens]
	revoked  atomic.Pointer[map[string]struct{}]

	// required are the sets without which the server is not ready: those of the start.
	required []*jwks.Set

	replacing sync.Mutex
	sets      map[jwks.Source]*jwks.Set // those of the policy; guarded by replacing
}

// New returns a Verifier, or one error with every violation of the options. No error text holds a secret or the user information of a URL.
//
// It fetches the keys of all sources before it returns, for 5 seconds at most.
// Unavailable keys are no error, since the issuer may come up later: Ready
// reports it, and fetching continues in the background until ctx ends.
func New(ctx context.Context, o Options) (*Verifier, error) {
	return newVerifier(ctx, o, jwks.DefaultLimits())
}

func newVerifier(ctx context.Context, o Options, limits jwks.Limits) (*Verifier, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	flags, err := o.rule()
	if !o.hasKeys() && o.Rules == nil {
		err = errors.Join(err, errors.New("no key is set: tokens need HMAC secrets, public keys, a JWKS URL or rules"))
	}
	if o.Logger == nil {
		err = errors.Join(errors.New("no logger is set"), err)
	}
	if err != nil {
		return nil, err
	}
	v := &Verifier{options: o, limits: limits, dates: newValidator(o.Now), sets: map[jwks.Source]*jwks.Set{}}
	p := &policy.Policy{}
	if o.hasKeys() {
		p.Flags = &policy.Entry{Rule: flags, Validator: o.validator()}
	}
	v.policy.Store(p)
	v.reset()
	v.Revoke(o.Revoked)
	if err := v.Replace(ctx, o.Rules); err != nil {
		return nil, err
	}
	v.required = slices.Collect(maps.Values(v.sets))
	return v, nil
}

// Ready is nil once all keys are loaded, apart from those of rules that Replace
// added. A JWKS that was
// loaded once stays ready when later refreshes fail, since its keys stay in
// use (rule T2). The error does not contain the URL.
func (v *Verifier) Ready() error {
	entries := v.policy.Load().Entries()
	for _, set := range v.required {
		inUse := slices.ContainsFunc(entries, func(e *policy.Entry) bool { return e.Set == set })
		if inUse && !set.Loaded() {
			return errors.New("the keys that verify tokens (JWKS) have not been loaded yet")
		}
	}
	return nil
}

// KeysFetchedAt returns when the key sets were last fetched, the oldest of them: the zero time if one never was. It also returns
// whether there are any.
func (v *Verifier) KeysFetchedAt() (oldest time.Time, isSet bool) {
	v.replacing.Lock()
	defer v.replacing.Unlock()
	for _, set := range v.sets {
		if at := set.FetchedAt(); !isSet || at.Before(oldest) {
			oldest, isSet = at, true
		}
	}
	return oldest, isSet
}

// Verify checks a token by rules T1 to T5 and returns the principal that it
// names. The error is a *TokenError, or a *KeysError if a key that may verify
// the token has not been fetched yet.
//
// It waits only where no key is known for the token and the JWKS may be
// fetched again: at most one caller a minute, for the time of one fetch.
//
// An accepted token is cached: later calls check only its dates and its jti, until the
// keys of a JWKS or the rules change.
func (v *Verifier) Verify(ctx context.Context, text string) (Principal, error) {
	if err := checkTokenBytes(text); err != nil {
		return Principal{}, err
	}
	verified := v.verified.Load() // before any rule or key is looked at: see reset
	digest := sha256.Sum256([]byte(text))
	if known, ok := verified.byDigest.Get(digest); ok {
		if err := v.dates.Validate(known.dates); err != nil {
			verified.byDigest.Remove(digest)
			return Principal{}, policy.ClaimViolation(err)
		}
		if err := v.checkRevoked(known.dates.ID); err != nil {
			return Principal{}, err
		}
		return known.principal, nil
	}
	a, _, err := v.verify(ctx, v.policy.Load(), text)
	if err != nil {
		return Principal{}, err
	}
	principal := newPrincipal(a)
	r := a.Registered
	dates := jwt.RegisteredClaims{ExpiresAt: r.ExpiresAt, NotBefore: r.NotBefore, IssuedAt: r.IssuedAt, ID: r.ID}
	verified.byDigest.Add(digest, verifiedToken{principal, dates})
	return principal, nil
}

// verify checks a token that is not cached.
func (v *Verifier) verify(ctx context.Context, p *policy.Policy, text string) (policy.Accepted, *policy.Token, error) {
	t, err := policy.Parse(text)
	if err != nil {
		return policy.Accepted{}, nil, err
	}
	a, err := p.Verify(ctx, t)
	if err != nil {
		return policy.Accepted{}, nil, err
	}
	return a, t, v.check(a)
}

// check returns a *TokenError for a valid token of an organization that is not one of this server, and for one that is revoked.
// Only a caller with a valid token learns which organizations there are.
func (v *Verifier) check(a policy.Accepted) error {
	if err := v.checkOrganization(a.Entry, a.Grant.Organization); err != nil {
		return err
	}
	return v.checkRevoked(a.Registered.ID)
}

// Explain returns what each rule makes of a token, up to the one that decides. Verify has the result.
func (v *Verifier) Explain(ctx context.Context, text string) ([]policy.Explanation, error) {
	if err := checkTokenBytes(text); err != nil {
		return nil, err
	}
	t, err := policy.Parse(text)
	if err != nil {
		return nil, err
	}
	return v.policy.Load().Explain(ctx, t, v.check), nil
}

// checkOrganization returns a *TokenError if the organization is not one of this server.
func (v *Verifier) checkOrganization(e *policy.Entry, organization string) error {
	if len(v.options.Organizations) == 0 || slices.Contains(v.options.Organizations, organization) {
		return nil
	}
	if claim := e.Organization.Claims(); claim != "" {
		return refuse("the token's organization (claim %s) is not one of this server", claim)
	}
	return refuse("the token's organization is not one of this server")
}
