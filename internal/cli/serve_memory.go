package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/alecthomas/kong"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/fixture"
	"github.com/deployrecords/deployrecords/internal/sandbox"
	"github.com/deployrecords/deployrecords/internal/store"
)

// This file has what serve --memory does differently from serve.

// conflictingFlags returns the violations of flags that contradict --memory or need it. Environment variables never
// conflict, so that --memory works where DATABASE_URL is set for another purpose.
func conflictingFlags(parsed *kong.Context, inMemory bool) (violations []error) {
	forMemory := []string{"load", "now", "organization", "control", "control-allow-remote", "variant"}
	forDatabase := []string{
		"database-url", "database-max-connections", "max-concurrent-lists", "database-wait", "database-replica-url", "database-session-settings", "replica-max-lag", "read-only",
		"max-environments", "max-logical-environments", "max-deployments", "max-projects", "max-project-versions", "max-idempotency-keys",
	}
	reported := map[string]bool{}
	for _, step := range parsed.Path {
		if step.Flag == nil || reported[step.Flag.Name] {
			continue
		}
		reported[step.Flag.Name] = true
		switch name := step.Flag.Name; {
		case inMemory && slices.Contains(forDatabase, name):
			violations = append(violations, fmt.Errorf("--%s: is for a database, and --memory has none", name))
		case !inMemory && slices.Contains(forMemory, name):
			violations = append(violations, fmt.Errorf("--%s: goes with --memory only", name))
		}
	}
	return violations
}

// developmentToken returns a token with its issuer, and adds the secret to the options.
func (c *serveCommand) developmentToken(options *auth.Options) (token string, issuer sandbox.Issuer, err error) {
	if err := deployments.CheckOrganization(c.Organization); err != nil {
		return "", issuer, fmt.Errorf("--organization: %w", err)
	}
	if c.FixedOrganization != "" && c.FixedOrganization != c.Organization {
		return "", issuer, fmt.Errorf("--fixed-organization: %s is not --organization, %s, whose records --memory has",
			deployments.Quote(c.FixedOrganization), deployments.Quote(c.Organization))
	}
	if len(options.Organizations) > 0 {
		options.Organizations = append(slices.Clone(options.Organizations), c.Organization)
	}
	issuer.Token = auth.MintRequest{
		Organization:      c.Organization,
		OrganizationClaim: c.OrganizationClaim,
		ProjectClaim:      c.ProjectClaim,
		Subject:           "development",
		Issuer:            c.Issuer,
		Audience:          c.Audience,
		ScopeClaim:        options.ScopeClaim,
	}
	issuer.Secret, token, err = fixture.Token(issuer.Token)
	options.HMACSecrets = append(options.HMACSecrets, issuer.Secret)
	return token, issuer, err
}

// clock returns nil for the real time.
func (c *serveCommand) clock() func() time.Time {
	now := c.Now.Value
	if now.IsZero() {
		return nil
	}
	return func() time.Time { return now }
}

// readFiles returns the files of --load, and the violations of those that cannot be read. Standard input is read later: it
// may be a terminal.
func (c *serveCommand) readFiles() (files []fixture.File, violations []error) {
	for _, name := range c.Load {
		file := fixture.File{Name: "--load " + name}
		if name != "-" {
			var err error
			if file.Data, err = os.ReadFile(name); err != nil {
				violations = append(violations, fmt.Errorf("--load: %w", err))
			}
		}
		files = append(files, file)
	}
	return files, violations
}

func (c *serveCommand) openMemory(ctx context.Context, files []fixture.File, stdin io.Reader) (*store.Store, error) {
	if err := c.readStandardInput(files, stdin); err != nil {
		return nil, err
	}
	return fixture.Open(ctx, c.Organization, files, c.clock())
}

// readStandardInput completes the files of --load.
func (c *serveCommand) readStandardInput(files []fixture.File, stdin io.Reader) error {
	for i, name := range c.Load {
		if name == "-" {
			data, err := io.ReadAll(stdin)
			if err != nil {
				return fmt.Errorf("--load: %w", err)
			}
			files[i].Data = data
		}
	}
	return nil
}

// announce prints the URL and the token as assignments of the environment variables that record and list read, and the URL of the
// control API if there is one. One write prints all lines, so that a reader of the first need not wait for the others.
func announce(w io.Writer, url, token, controlURL string) error {
	lines := fmt.Sprintf("DEPLOYRECORDS_URL=%s\nDEPLOYRECORDS_TOKEN=%s\n", url, token)
	if controlURL != "" {
		lines += fmt.Sprintf("DEPLOYRECORDS_CONTROL_URL=%s\n", controlURL)
	}
	if _, err := io.WriteString(w, lines); err != nil {
		return fmt.Errorf("print the address: %w", err)
	}
	return nil
}
