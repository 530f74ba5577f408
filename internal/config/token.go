package config

import "errors"

// Token has the settings of the token command.
type Token struct {
	Secrets
	Claims
	Organization string   `name:"organization" required:"" placeholder:"KEY" help:"Organization of the token."`
	Scope        []string `name:"scope" default:"deployments:read" sep:" " placeholder:"SCOPE" help:"Scopes of the token: deployments:read, deployments:write, or both."`
	Project      *string  `name:"project" placeholder:"NAME" help:"Restrict the token to records of artifacts of this project; such a token cannot record."`
	Subject      string   `name:"subject" placeholder:"TEXT" help:"Subject (sub) of the token."`
	TTL          Duration `name:"ttl" default:"24h" placeholder:"TIME" help:"Lifetime of the token."`
}

// Validate returns the violations of the settings. The command checks the organization, the scopes and the secrets.
func (t *Token) Validate() []error {
	violations := validate(t)
	if t.OrganizationClaim == "" {
		violations = append(violations, errors.New("--organization-claim: is empty"))
	}
	switch {
	case t.Project == nil:
	case *t.Project == "":
		violations = append(violations, errors.New("--project: is empty; without the flag, the token is for all projects"))
	case t.ProjectClaim == "":
		violations = append(violations, errors.New("--project: without --project-claim no claim limits a token to a project"))
	}
	return violations
}

// TokenCheck has the settings of the token check command, which are those of the server.
type TokenCheck struct {
	Accepted
	File string `arg:"" name:"file" help:"File with the token on its first line; - is standard input."`
}

// Validate returns the violations of the settings. The command checks the files.
func (t *TokenCheck) Validate() []error {
	violations := validate(t)
	if !t.hasKey() {
		violations = append(violations, errors.New("tokens: there is no key: give the settings of the server, such as --trust or --jwks-url"))
	}
	return append(violations, t.Keys.violations()...)
}
