package config

import (
	"fmt"
	"net/netip"
	"net/url"
	"os"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// OIDC has the settings of the login by an OpenID provider.
type OIDC struct {
	Issuer           string   `name:"oidc-issuer" env:"OIDC_ISSUER" placeholder:"URL" group:"Pages" help:"OpenID provider that logs people in to the pages, exactly as its tokens name it in iss: https, or http on loopback. Without it, people log in by token alone."`
	ClientID         string   `name:"oidc-client-id" env:"OIDC_CLIENT_ID" placeholder:"TEXT" group:"Pages" help:"Client id of this server at the provider."`
	ClientSecretFile string   `name:"oidc-client-secret-file" env:"OIDC_CLIENT_SECRET_FILE" placeholder:"FILE" group:"Pages" help:"File with the client secret on its first line. Without it, the environment variable OIDC_CLIENT_SECRET has the secret; without both, this server is a public client. No flag takes the secret itself, since other users of the machine can read command lines."`
	Scopes           []string `name:"oidc-scopes" env:"OIDC_SCOPES" sep:" " placeholder:"SCOPE" group:"Pages" help:"Scopes to request in addition to openid, separated by spaces; some providers need one to send the claim of the organization."`
	RedirectURL      string   `name:"oidc-redirect-url" env:"OIDC_REDIRECT_URL" placeholder:"URL" group:"Pages" help:"Address of /login/callback as browsers reach it and as it is registered at the provider. Default: https and the host of the request, or http if that is a loopback host."`
	Organization     string   `name:"oidc-organization" env:"OIDC_ORGANIZATION" placeholder:"KEY" group:"Pages" help:"Organization of everyone who logs in by the provider. Without it, --organization-claim of the ID token names the organization."`
	Name             string   `name:"oidc-name" env:"OIDC_NAME" placeholder:"TEXT" group:"Pages" help:"Name of the provider on the login page. Default: the host of --oidc-issuer."`
	Only             Switch   `name:"oidc-only" env:"OIDC_ONLY" default:"false" group:"Pages" help:"Remove the login by token, and lead people without a session straight to the provider."`
}

// ClientSecret returns the client secret of the environment, or "".
func (*OIDC) ClientSecret() string { return os.Getenv("OIDC_CLIENT_SECRET") }

// callbackPath is the path of the redirect URL: the server has no other one.
const callbackPath = "/login/callback"

// isLoopback reports whether browsers keep the cookies of the host without https.
func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// violations returns what the settings contradict. The command checks the issuer and the files.
func (o *OIDC) violations(organizations *Organizations) (violations []error) {
	add := func(format string, args ...any) { violations = append(violations, fmt.Errorf(format, args...)) }
	if o.Issuer == "" {
		for _, given := range []struct {
			flag string
			set  bool
		}{
			{"client-id", o.ClientID != ""},
			{"client-secret-file", o.ClientSecretFile != ""},
			{"scopes", len(o.Scopes) > 0},
			{"redirect-url", o.RedirectURL != ""},
			{"organization", o.Organization != ""},
			{"name", o.Name != ""},
			{"only", o.Only.Value},
		} {
			if given.set {
				add("--oidc-%s: needs --oidc-issuer", given.flag)
			}
		}
		return violations
	}
	if o.ClientID == "" {
		add("--oidc-client-id: is missing: --oidc-issuer needs it")
	}
	if o.RedirectURL != "" {
		u, err := url.Parse(o.RedirectURL)
		if err != nil || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != callbackPath {
			add("--oidc-redirect-url: %s is not https://HOST%s, or http on a loopback host", QuoteURL(o.RedirectURL), callbackPath)
		}
	}
	if o.Organization != "" {
		if err := deployments.CheckOrganization(o.Organization); err != nil {
			add("--oidc-organization: %s %w", deployments.Quote(o.Organization), err)
		} else if !organizations.Includes(o.Organization) {
			add("--oidc-organization: %s is not one of --organizations", deployments.Quote(o.Organization))
		}
	}
	return violations
}
