package trust

import (
	"slices"
	"unicode/utf8"

	"github.com/deployrecords/deployrecords/internal/auth/claims"
)

// Scope is one word of OAuth's space-separated scope claim (rule T4).
type Scope string

const (
	// ReadDeployments lets a token list deployment records.
	ReadDeployments Scope = "deployments:read"
	// WriteDeployments lets a token record deployments.
	WriteDeployments Scope = "deployments:write"
)

// Grants is how the claims of a token become what it grants.
type Grants struct {
	Organization Value
	// Project limits a token to a project (rule T5). The zero Value does not.
	Project Value
	// ProjectID refuses a token with a project_id and without a project: upstream's tokens mean their project by both, other
	// issuers use the name for something else.
	ProjectID bool
	Scopes    Scopes
}

// Grant is what a token grants.
type Grant struct {
	Organization string
	Project      string // empty: the token is not limited to a project
	Scopes       []Scope
}

// maxOrganizationRunes is the longest name that the importer accepts (rule I1);
// a longer one can't own a record.
const maxOrganizationRunes = 256

// Of returns what a token grants (rules T3 to T5). The error is a *claims.Error.
func (g *Grants) Of(c claims.Claims) (grant Grant, err error) {
	if grant.Organization, _, err = g.Organization.Of(c); err != nil {
		return Grant{}, err
	}
	if err = CheckOrganization(g.Organization.Claims(), grant.Organization); err != nil {
		return Grant{}, err
	}
	if grant.Project, err = g.project(c); err != nil {
		return Grant{}, err
	}
	grant.Scopes, err = g.Scopes.Of(c)
	return grant, err
}

// project holds rule T5. A project claim that can't be read is refused:
// to ignore it would open the whole organization.
func (g *Grants) project(c claims.Claims) (string, error) {
	if g.Project.IsZero() {
		return "", nil
	}
	name := g.Project.Claims()
	project, present, err := g.Project.Of(c)
	if err != nil {
		return "", err
	}
	_, hasID := c["project_id"]
	switch {
	case present && project == "":
		return "", claims.Refuse("the token's claim %s is empty", name)
	case present:
		return project, claims.CheckName(name, project)
	case g.ProjectID && hasID:
		return "", claims.Refuse("the token has a project_id without a %s", name)
	case !g.Project.Optional:
		return "", claims.Refuse("the token has no project (claim %s)", name)
	}
	return "", nil
}

// CheckOrganization checks an organization that a claim names (rule T3).
func CheckOrganization(claim, name string) error {
	if name == "" {
		return claims.Refuse("the token has no organization (claim %s)", claim)
	}
	if utf8.RuneCountInString(name) > maxOrganizationRunes {
		return claims.Refuse("the token's claim %s is longer than %d characters", claim, maxOrganizationRunes)
	}
	return claims.CheckName(claim, name)
}

var (
	// scopeClaims grant scopes. Issuers differ in which of them they set.
	scopeClaims = []claims.Path{claims.Literal("scope"), claims.Literal("scp")}
	// restrictingClaims grant nothing here, but a token with one of them is
	// restricted by its issuer: it is not a token without a scope claim.
	restrictingClaims = []claims.Path{claims.Literal("roles"), claims.Literal("permissions")}
)

// Scopes is how a token gets its scopes (rule T4). The zero value reads the claims scope and scp.
type Scopes struct {
	// Fixed are granted to every token; then no claim counts.
	Fixed []Scope
	// Claim replaces the claims scope and scp, if it is not empty.
	Claim claims.Path
	// Words has what each word of the issuer grants. Nil: the words are ours.
	Words map[string][]Scope
	// AllowMissing lets a token read that no claim restricts: a token with an empty scope grants nothing.
	AllowMissing bool
}

// Of returns the scopes of a token.
func (s *Scopes) Of(c claims.Claims) (scopes []Scope, err error) {
	if len(s.Fixed) > 0 {
		return s.Fixed, nil
	}
	from := scopeClaims
	if len(s.Claim) > 0 {
		from = []claims.Path{s.Claim}
	}
	for _, path := range from {
		words, _, err := c.WordsAt(path)
		if err != nil {
			return nil, err
		}
		for _, word := range words {
			if s.Words == nil {
				scopes = append(scopes, Scope(word))
			}
			scopes = append(scopes, s.Words[word]...)
		}
	}
	restricted := slices.ContainsFunc(slices.Concat(from, scopeClaims, restrictingClaims), func(path claims.Path) bool {
		_, present, _ := c.Lookup(path)
		return present
	})
	if !restricted && s.AllowMissing {
		scopes = append(scopes, ReadDeployments)
	}
	return scopes, nil
}
