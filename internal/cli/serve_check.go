package cli

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/alecthomas/kong"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/config"
	"github.com/deployrecords/deployrecords/internal/fixture"
	"github.com/deployrecords/deployrecords/internal/sandbox"
	"github.com/deployrecords/deployrecords/internal/ui"
	"github.com/deployrecords/deployrecords/internal/ui/provider"
	"github.com/deployrecords/deployrecords/internal/variant"
)

// checkedServe is what the settings of serve and their files specify.
type checkedServe struct {
	tokens         auth.Options
	trust          *trustFiles
	pages          *ui.Options       // nil without pages
	login          *provider.Options // nil without a login provider
	variants       variant.Set
	tracesProtocol string // empty without traces

	// Of --memory: the development token, who issues more of its kind, and the files to load.
	token  string
	issuer sandbox.Issuer
	files  []fixture.File
}

// check reads the files of the settings. It reports all violations at once, before anything starts.
func (c *serveCommand) check(parsed *kong.Context, logger *slog.Logger) (*checkedServe, error) {
	checked := &checkedServe{trust: newTrustFiles(&c.Trust, logger)}
	var keyViolations []error
	checked.tokens, keyViolations = verifierOptions(&c.Accepted)
	checked.tokens.Logger = logger
	keyViolations = append(keyViolations, checked.trust.load(&checked.tokens)...)

	violations := c.Validate()
	var err error
	if checked.variants, err = variant.Parse(c.Variant); err != nil {
		violations = append(violations, fmt.Errorf("--variant: %w", err))
	}
	if c.InMemory.Value {
		checked.token, checked.issuer, err = c.developmentToken(&checked.tokens)
		violations = append(violations, err)
		var unreadable []error
		checked.files, unreadable = c.readFiles()
		violations = append(violations, unreadable...)
	} else {
		violations = append(violations, checkDatabaseURL(c.Database.URL), checkReplicaURL(&c.Database, &c.Replicas))
	}
	violations = append(violations, checkOrganizations(&c.Organizations)...)
	violations = append(violations, keyViolations...)
	checked.pages, err = c.pages()
	violations = append(violations, err)
	checked.login, err = c.loginProvider(checked.tokens)
	violations = append(violations, err)
	violations = append(violations, conflictingFlags(parsed, c.InMemory.Value)...)
	checked.tracesProtocol, err = config.TracesProtocol()
	violations = append(violations, err)
	return checked, config.Join(violations...)
}

// verifiers starts the verifier of bearer tokens, and the login provider's of ID tokens. all has both.
func (s *checkedServe) verifiers(ctx context.Context) (bearer *auth.Verifier, all accepting, err error) {
	bearer, err = auth.New(ctx, s.tokens)
	if err != nil {
		return nil, nil, err
	}
	all = accepting{bearer}
	if s.login != nil {
		s.pages.Provider = provider.New(ctx, *s.login)
		all = append(all, s.pages.Provider)
	}
	return bearer, all, nil
}
