package auth

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/deployrecords/deployrecords/internal/auth/claims"
	"github.com/deployrecords/deployrecords/internal/auth/keys"
	"github.com/deployrecords/deployrecords/internal/auth/trust"
)

// MintRequest describes a new token. Only Organization and TTL must be
// set; what is empty is left out of the token.
type MintRequest struct {
	Organization, Project, Subject, Issuer, Audience string
	// OrganizationClaim and ProjectClaim name the claims that hold the
	// organization and the project. Empty: org_id and project_name.
	OrganizationClaim, ProjectClaim string
	// ScopeClaim leads to the claim that holds the scopes. Empty: scope.
	ScopeClaim claims.Path
	// Scopes become the scope claim. Empty: the token has no scope claim, and
	// grants nothing unless the server runs with --allow-missing-scope (rule
	// T4).
	Scopes []Scope
	// TTL is how long the token is good, from Now.
	TTL time.Duration
	// Now is when the token is issued. Zero: time.Now.
	Now time.Time
}

// Mint signs a token with an HMAC secret (HS256) that Verify accepts where
// that secret is set. Its jti is random, so no two tokens are alike.
//
// The error reports every violation of the request and never the secret. The
// violations are a secret under 32 bytes, an organization that rule T3 refuses,
// a TTL that is not positive, an unknown scope, and the write scope together
// with a project (rule T5).
func Mint(secret []byte, r MintRequest) (string, error) {
	r.OrganizationClaim = cmp.Or(r.OrganizationClaim, defaultOrganizationClaim)
	r.ProjectClaim = cmp.Or(r.ProjectClaim, defaultProjectClaim)
	if r.Now.IsZero() {
		r.Now = time.Now()
	}
	if err := r.check(secret); err != nil {
		return "", err
	}

	c := jwt.MapClaims{
		"iat": r.Now.Unix(),
		"exp": ceilSeconds(r.Now.Add(r.TTL)),
		"jti": rand.Text(),
	}
	for claim, value := range map[string]string{
		"sub": r.Subject,
		"iss": r.Issuer,
		"aud": r.Audience,
	} {
		if value != "" {
			c[claim] = value
		}
	}
	if len(r.Scopes) > 0 {
		addScopes(c, r.ScopeClaim, r.Scopes)
	}
	for _, named := range []struct{ what, claim, value string }{
		{"project", r.ProjectClaim, r.Project},
		{"organization", r.OrganizationClaim, r.Organization},
	} {
		if _, taken := c[named.claim]; taken && named.value != "" {
			return "", fmt.Errorf("the %s can't be the claim %s, which the token has for something else", named.what, named.claim)
		}
		if named.value != "" {
			c[named.claim] = named.value
		}
	}

	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(secret)
	if err != nil {
		return "", fmt.Errorf("sign the token: %w", err)
	}
	return token, nil
}

// check checks a request by the rules that Verify applies to its token.
func (r MintRequest) check(secret []byte) error {
	violations := []error{
		keys.CheckSecretBytes(secret),
		trust.CheckOrganization(r.OrganizationClaim, r.Organization),
		claims.CheckName(r.ProjectClaim, r.Project),
		claims.CheckName("sub", r.Subject),
		claims.CheckName("iss", r.Issuer),
		claims.CheckName("aud", r.Audience),
	}
	if r.TTL <= 0 {
		violations = append(violations, errors.New("the time to live must be more than zero"))
	}
	for _, s := range r.Scopes {
		switch s {
		case ReadDeployments:
		case WriteDeployments:
			if r.Project != "" {
				violations = append(violations, fmt.Errorf("a token limited to a project can't have the scope %s", WriteDeployments))
			}
		default:
			violations = append(violations, fmt.Errorf("the scope %q is unknown, there are %s and %s", s, ReadDeployments, WriteDeployments))
		}
	}
	return errors.Join(violations...)
}

// addScopes adds the claim at a path, and the objects on the way.
func addScopes(c jwt.MapClaims, path claims.Path, scopes []Scope) {
	words := make([]string, len(scopes))
	for i, s := range scopes {
		words[i] = string(s)
	}
	if len(path) == 0 {
		path = claims.Literal("scope")
	}
	var value any = strings.Join(words, " ")
	for len(path) > 1 {
		value, path = map[string]any{path[len(path)-1]: value}, path[:len(path)-1]
	}
	c[path[0]] = value
}

// ceilSeconds rounds up: a token with a TTL of half a second must not be expired at once.
func ceilSeconds(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}
