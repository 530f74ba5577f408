package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/alecthomas/kong"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/fixture"
	"github.com/deployrecords/deployrecords/internal/store"
)

// This file has what serve --memory does differently from serve.

// conflictingFlags returns the violations of flags that contradict --memory or need it. Environment variables never
// conflict, so that --memory works where DATABASE_URL is set for another purpose.
func conflictingFlags(parsed *kong.Context, inMemory bool) (violations []error) {
	forMemory := []string{"load", "now", "organization"}
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

// developmentToken returns a token and adds its secret to the options.
func (c *serveCommand) developmentToken(options *auth.Options) (string, error) {
	if err := deployments.CheckOrganization(c.Organization); err != nil {
		return "", fmt.Errorf("--organization: %w", err)
	}
	if c.FixedOrganization != "" && c.FixedOrganization != c.Organization {
		return "", fmt.Errorf("--fixed-organization: %s is not --organization, %s, whose records --memory has",
			deployments.Quote(c.FixedOrganization), deployments.Quote(c.Organization))
	}
	if len(options.Organizations) > 0 {
		options.Organizations = append(slices.Clone(options.Organizations), c.Organization)
	}
	secret, token, err := fixture.Token(auth.MintRequest{
		Organization:      c.Organization,
		OrganizationClaim: c.OrganizationClaim,
		Subject:           "development",
		Issuer:            c.Issuer,
		Audience:          c.Audience,
		ScopeClaim:        options.ScopeClaim,
	})
	options.HMACSecrets = append(options.HMACSecrets, secret)
	return token, err
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
	for i, name := range c.Load {
		if name == "-" {
			data, err := io.ReadAll(stdin)
			if err != nil {
				return nil, fmt.Errorf("--load: %w", err)
			}
			files[i].Data = data
		}
	}
	return fixture.Open(ctx, c.Organization, files, c.clock())
}

// announce prints the URL and the token as assignments of the environment variables that record and list read. One write
// prints both lines, so that a reader of the first line need not wait for the second.
func announce(w io.Writer, listening net.Addr, token string) error {
	_, err := fmt.Fprintf(w, "DEPLOYRECORDS_URL=%s\nDEPLOYRECORDS_TOKEN=%s\n", baseURL(listening), token)
	if err != nil {
		return fmt.Errorf("print the address: %w", err)
	}
	return nil
}

// baseURL returns the URL for clients on this machine. It is the loopback address for a server that listens on every
// address.
func baseURL(listening net.Addr) string {
	address, ok := listening.(*net.TCPAddr)
	if !ok {
		return "http://" + listening.String()
	}
	host := address.IP.String()
	switch {
	case address.IP.Equal(net.IPv4zero):
		host = "127.0.0.1"
	case address.IP.IsUnspecified():
		host = "::1"
	case address.Zone != "":
		host += "%25" + address.Zone
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(address.Port))
}
