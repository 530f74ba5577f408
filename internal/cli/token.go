package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/config"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

type tokenCommand struct {
	config.Token
}

// Help is printed by token --help.
func (tokenCommand) Help() string {
	return `Prints a token on one line, signed (HS256) with JWT_HMAC_SECRET or, without it, with the first secret of --jwt-hmac-secret-file. In production, an identity provider issues the tokens.

Example:

  deployrecords token --organization acme --ttl 1h`
}

func (c *tokenCommand) Run(streams Streams) error {
	scopes, violations := c.scopes()
	violations = append(c.Validate(), violations...)
	if err := deployments.CheckOrganization(c.Organization); err != nil {
		violations = append(violations, fmt.Errorf("--organization: %w", err))
	}
	secrets, err := readSecrets(&c.Secrets)
	if err == nil && len(secrets) == 0 {
		err = errors.New("there is no secret: set JWT_HMAC_SECRET or --jwt-hmac-secret-file")
	}
	if err := config.Join(append(violations, err)...); err != nil {
		return usageError{err}
	}
	request := auth.MintRequest{
		Organization:      c.Organization,
		Subject:           c.Subject,
		Issuer:            c.Issuer,
		Audience:          c.Audience,
		OrganizationClaim: c.OrganizationClaim,
		ProjectClaim:      c.ProjectClaim,
		Scopes:            scopes,
		TTL:               c.TTL.Value,
		Now:               time.Now(),
	}
	if c.Project != nil {
		request.Project = *c.Project
	}
	token, err := auth.Mint(secrets[0], request)
	if err != nil {
		return usageError{err}
	}
	_, err = fmt.Fprintln(streams.Out, token)
	return err
}

// scopes returns the scopes of the flags, and their violations.
func (c *tokenCommand) scopes() (scopes []auth.Scope, violations []error) {
	for _, words := range c.Scope {
		for word := range strings.FieldsSeq(words) {
			switch scope := auth.Scope(word); {
			case strings.Contains(word, ","):
				violations = append(violations, fmt.Errorf("--scope: %q has a comma: repeat --scope for each scope", word))
			case scope != auth.ReadDeployments && scope != auth.WriteDeployments:
				violations = append(violations, fmt.Errorf("--scope: %q is neither %s nor %s", word, auth.ReadDeployments, auth.WriteDeployments))
			case scope == auth.WriteDeployments && c.Project != nil:
				violations = append(violations, fmt.Errorf("--scope: %s does not go with --project", scope))
			default:
				scopes = append(scopes, scope)
			}
		}
	}
	return scopes, violations
}
