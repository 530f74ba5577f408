package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// leeway is how far the issuer's clock and ours may differ for exp, nbf and
// iat (rule T1).
const leeway = 30 * time.Second

// Options defines which tokens are accepted. At least one kind of key must be
// set; several may be set together (rule T1).
type Options struct {
	// HMACSecrets verify HS256. Each has 32 bytes or more; any may match.
	HMACSecrets [][]byte
	// PublicKeyPEM is any number of PEM blocks: PUBLIC KEY, RSA PUBLIC KEY or
	// CERTIFICATE. RSA keys of 2048 bits or more verify RS256, P-256 keys
	// ES256, Ed25519 keys EdDSA; any key of the algorithm may match. Every
	// block is trusted with the signing of tokens, so a chain of certificates
	// does not belong here, only the one that signs.
	PublicKeyPEM []byte
	// JWKSURL is where the issuer publishes its keys: https, or http to a
	// loopback address (rule T2).
	JWKSURL string

	// Issuer and Audience are checked when they are not empty.
	Issuer, Audience string
	// OrganizationClaim names the claim that holds the organization (rule T3).
	// Empty: org_id.
	OrganizationClaim string
	// Organizations are those whose tokens are accepted (rule T3). Empty: all.
	Organizations []string
	// ProjectClaim names the claim that limits a token to a project (rule T5).
	// Empty: project_name.
	ProjectClaim string
	// IgnoreProjects switches rule T5 off: no claim limits a token to a project.
	IgnoreProjects bool
	// AllowMissingScope lets a token read that has none of the claims scope,
	// scp, roles and permissions (rule T4).
	AllowMissingScope bool

	// Logger receives the results of JWKS fetches. It is required. It never
	// receives a token or a key.
	Logger *slog.Logger
	// Now is the clock for exp, nbf and iat and for the limit on refreshes.
	// Nil: time.Now.
	Now func() time.Time
}

// Verifier checks tokens. It is safe for concurrent use.
type Verifier struct {
	keys      keysByAlg // never written after New
	jwks      *keySet   // nil if no JWKS is set
	parser    *jwt.Parser
	validator *jwt.Validator
	dates     *jwt.Validator // of exp, nbf and iat alone
	verified  atomic.Pointer[verifiedTokens]

	names             claimNames
	organizations     []string // empty: all
	allowMissingScope bool
	rules             string // see acceptance
}

// New returns a Verifier, or one error with every violation of the options. No error text holds a secret or the user information of a URL.
//
// With a JWKSURL it fetches the keys before it returns, for 5 seconds at most.
// Unavailable keys are no error, since the issuer may come up later: Ready
// reports it, and fetching continues in the background until ctx ends.
func New(ctx context.Context, o Options) (*Verifier, error) {
	return newVerifier(ctx, o, defaultJWKSSettings())
}

// read reads the keys of the options.
func (o Options) read(settings jwksSettings) (keysByAlg, *keySet, error) {
	var violations []error
	if o.Logger == nil {
		violations = append(violations, errors.New("no logger is set"))
	}
	keys := keysByAlg{}
	if err := keys.addSecrets(o.HMACSecrets); err != nil {
		violations = append(violations, err)
	}
	if len(o.PublicKeyPEM) > 0 {
		if err := keys.addPEM(o.PublicKeyPEM); err != nil {
			violations = append(violations, err)
		}
	}
	var jwks *keySet
	if o.JWKSURL != "" {
		var err error
		if jwks, err = newKeySet(o.JWKSURL, settings, o.Logger, o.Now); err != nil {
			violations = append(violations, err)
		}
	}
	return keys, jwks, errors.Join(violations...)
}

func newVerifier(ctx context.Context, o Options, settings jwksSettings) (*Verifier, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	keys, jwks, err := o.read(settings)
	if len(o.HMACSecrets) == 0 && len(o.PublicKeyPEM) == 0 && o.JWKSURL == "" {
		err = errors.Join(err, errors.New("no key is set: tokens need HMAC secrets, public keys or a JWKS URL"))
	}
	if err != nil {
		return nil, err
	}

	v := &Verifier{
		keys: keys,
		jwks: jwks,
		// Strict: the unused bits of a segment's last character must be zero,
		// so that a token has one spelling.
		parser:    jwt.NewParser(jwt.WithStrictDecoding()),
		validator: newValidator(o),
		dates:     newValidator(Options{Now: o.Now}),
		names: claimNames{
			organization: cmp.Or(o.OrganizationClaim, defaultOrganizationClaim),
			project:      cmp.Or(o.ProjectClaim, defaultProjectClaim),
		},
		organizations:     o.Organizations,
		allowMissingScope: o.AllowMissingScope,
	}
	if o.IgnoreProjects {
		v.names.project = ""
	}
	v.rules = rules(o, v.names)
	v.reset()
	if jwks != nil {
		jwks.changed = v.reset
		jwks.start(ctx)
	}
	return v, nil
}

// newValidator sets what golang-jwt leaves open: by default it accepts a token
// without exp, one issued tomorrow, and any issuer and audience.
func newValidator(o Options) *jwt.Validator {
	options := []jwt.ParserOption{
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(leeway),
		jwt.WithTimeFunc(o.Now),
	}
	if o.Issuer != "" {
		options = append(options, jwt.WithIssuer(o.Issuer))
	}
	if o.Audience != "" {
		options = append(options, jwt.WithAudience(o.Audience))
	}
	return jwt.NewValidator(options...)
}

// Ready is nil once all configured kinds of keys are loaded. A JWKS that was
// loaded once stays ready when later refreshes fail, since its keys stay in
// use (rule T2). The error does not contain the URL.
func (v *Verifier) Ready() error {
	if v.jwks != nil && !v.jwks.loaded() {
		return errors.New("the keys that verify tokens (JWKS) have not been loaded yet")
	}
	return nil
}

// Verify checks a token by rules T1 to T5 and returns the principal that it
// names. The error is a *TokenError, or a *KeysError if a key that may verify
// the token has not been fetched yet.
//
// It waits only where no key is known for the token and the JWKS may be
// fetched again: at most one caller a minute, for the time of one fetch.
//
// An accepted token is cached: later calls check only its dates, until the
// keys of the JWKS change.
func (v *Verifier) Verify(ctx context.Context, token string) (Principal, error) {
	if err := checkTokenBytes(token); err != nil {
		return Principal{}, err
	}
	verified := v.verified.Load() // before any key is looked at: see reset
	digest := sha256.Sum256([]byte(token))
	if known, ok := verified.byDigest.Get(digest); ok {
		if err := v.dates.Validate(known.dates); err != nil {
			verified.byDigest.Remove(digest)
			return Principal{}, claimViolation(err)
		}
		return known.principal, nil
	}

	c, err := v.verify(ctx, token)
	if err != nil {
		return Principal{}, err
	}
	principal := c.principal(v.allowMissingScope)
	dates := jwt.RegisteredClaims{ExpiresAt: c.ExpiresAt, NotBefore: c.NotBefore, IssuedAt: c.IssuedAt}
	verified.byDigest.Add(digest, verifiedToken{principal, dates})
	return principal, nil
}

// verify checks a token that is not cached.
func (v *Verifier) verify(ctx context.Context, token string) (claims, error) {
	var c claims
	// Not jwt.Parse: its Keyfunc hands over all keys before any is tried, so
	// the JWKS would be fetched for tokens that a configured key verifies. The
	// signature is checked below, and no claim is read before that.
	parsed, _, err := v.parser.ParseUnverified(token, &c)
	switch {
	case errors.Is(err, jwt.ErrTokenUnverifiable):
		return claims{}, errAlgorithm
	case err != nil:
		return claims{}, refuse("the token is malformed")
	}
	err = v.checkSignature(ctx, token, parsed)
	var missing *KeysError
	if err != nil && !errors.As(err, &missing) {
		return claims{}, err
	}
	// A token whose key is missing is decoded too, but not trusted: a token that
	// no key can make acceptable is refused for good (rule T2).
	if err := c.decode(v.names); err != nil {
		return claims{}, err
	}
	if err := v.validator.Validate(c); err != nil {
		return claims{}, claimViolation(err)
	}
	if missing != nil {
		return claims{}, missing
	}
	// Only a caller with a valid token learns which organizations there are.
	return c, v.checkOrganization(c.organization)
}

// checkOrganization returns a *TokenError if the organization is not one of this server.
func (v *Verifier) checkOrganization(organization string) error {
	if len(v.organizations) > 0 && !slices.Contains(v.organizations, organization) {
		return refuse("the token's organization (claim %s) is not one of this server", v.names.organization)
	}
	return nil
}
