package auth

import (
	"github.com/deployrecords/deployrecords/internal/auth/policy"
	"github.com/deployrecords/deployrecords/internal/auth/trust"
)

// Scope is one word of OAuth's space-separated scope claim (rule T4).
type Scope = trust.Scope

const (
	// ReadDeployments lets a token list deployment records.
	ReadDeployments = trust.ReadDeployments
	// WriteDeployments lets a token record deployments.
	WriteDeployments = trust.WriteDeployments
)

// Principal is who a verified token names. Only [Verifier.Verify] makes one
// that allows anything: the zero Principal allows nothing.
type Principal struct {
	// Subject is the claim sub; it may be empty.
	Subject string
	// Issuer is the issuer of the rule that accepted the token. It is empty
	// for a rule without one, and for the settings of a single issuer.
	Issuer string
	// Organization is the tenant whose records the token opens (rule T3).
	// It is never empty in a Principal that Verify returned.
	Organization string
	// Project is the one project that the token is limited to (rule T5).
	// Empty: the token is not limited to a project.
	Project string

	// read and write are granted by the token's scopes. Allows applies T5.
	read, write bool
}

func newPrincipal(a policy.Accepted) Principal {
	p := Principal{
		Subject: a.Registered.Subject, Issuer: a.Entry.Issuer,
		Organization: a.Grant.Organization, Project: a.Grant.Project,
	}
	for _, scope := range a.Grant.Scopes {
		switch scope {
		case ReadDeployments:
			p.read = true
		case WriteDeployments:
			p.write = true
		}
	}
	return p
}

// Client names the client among those of the organization: issuers may have
// the same subjects. It may be empty.
func (p Principal) Client() string {
	if p.Issuer == "" {
		return p.Subject
	}
	return p.Issuer + "\n" + p.Subject // neither has a line break
}

// Allows reports whether the token grants s (rule T4). A token that is limited
// to a project never grants WriteDeployments, whatever its scope (rule
// T5). A scope that this package does not name is never granted.
func (p Principal) Allows(s Scope) bool {
	switch s {
	case ReadDeployments:
		return p.read
	case WriteDeployments:
		return p.write && p.Project == ""
	default:
		return false
	}
}
