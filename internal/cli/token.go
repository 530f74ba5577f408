package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/config"
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
	secrets, err := readSecrets(&c.Secrets)
	if err == nil && len(secrets) == 0 {
		err = errors.New("there is no secret: set JWT_HMAC_SECRET or --jwt-hmac-secret-file")
	}
	if err != nil {
		return usageError{err}
	}
	if c.Project != nil && *c.Project == "" {
		return usageError{errors.New("--project: is empty; without the flag, the token is for all projects")}
	}
	if c.Project != nil && c.ProjectClaim == "" {
		return usageError{errors.New("--project: without --project-claim no claim limits a token to a project")}
	}
	request := auth.MintRequest{
		Organization:      c.Organization,
		Subject:           c.Subject,
		Issuer:            c.Issuer,
		Audience:          c.Audience,
		OrganizationClaim: c.OrganizationClaim,
		ProjectClaim:      c.ProjectClaim,
		TTL:               c.TTL,
		Now:               time.Now(),
	}
	if c.Project != nil {
		request.Project = *c.Project
	}
	for _, scopes := range c.Scope {
		for scope := range strings.FieldsSeq(scopes) {
			request.Scopes = append(request.Scopes, auth.Scope(scope))
		}
	}
	token, err := auth.Mint(secrets[0], request)
	if err != nil {
		return usageError{err}
	}
	_, err = fmt.Fprintln(streams.Out, token)
	return err
}
