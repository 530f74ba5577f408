package cli

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/auth/jwks"
	"github.com/deployrecords/deployrecords/internal/config"
	"github.com/deployrecords/deployrecords/internal/ui"
	"github.com/deployrecords/deployrecords/internal/ui/provider"
)

// pages returns the options of the pages, or nil without pages.
func (c *serveCommand) pages() (*ui.Options, error) {
	if !c.UI.Value {
		return nil, nil
	}
	secrets, err := readSecretFile("ui-key-file", c.UIKeyFile)
	return &ui.Options{SessionSecrets: secrets, LogicalEnvironments: c.UILogicalEnvironments}, err
}

// loginProvider returns the options of the login provider, or nil without one. ID tokens have the rules of bearer tokens.
func (c *serveCommand) loginProvider(rules auth.Options) (*provider.Options, error) {
	o := &c.OIDC
	if o.Issuer == "" || !c.UI.Value {
		return nil, nil
	}
	var violations []error
	if err := checkIssuer(o.Issuer); err != nil {
		violations = append(violations, fmt.Errorf("--oidc-issuer: %s %w", config.QuoteURL(o.Issuer), err))
	}
	secret := strings.TrimSpace(o.ClientSecret())
	if o.ClientSecretFile != "" {
		var err error
		secret, err = readTokenFile("--oidc-client-secret-file", o.ClientSecretFile)
		violations = append(violations, err)
	}
	if o.Organization != "" {
		rules.FixedOrganization = o.Organization
	}
	return &provider.Options{
		Issuer: o.Issuer, ClientID: o.ClientID, ClientSecret: secret, Scopes: o.Scopes, RedirectURL: o.RedirectURL,
		Name: o.Name, Only: o.Only.Value, Rules: rules, Logger: rules.Logger,
	}, errors.Join(violations...)
}

// checkIssuer checks the issuer of a provider, which is the beginning of the address of its configuration.
func checkIssuer(issuer string) error {
	if err := jwks.CheckURL(issuer); err != nil {
		return err
	}
	if u, err := url.Parse(issuer); err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("has a user, a query or a fragment, which no issuer has")
	}
	return nil
}
