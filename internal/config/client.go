package config

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
)

// Remote is a running server, as a client sees it.
type Remote struct {
	URL       string   `name:"url" env:"DEPLOYRECORDS_URL" default:"http://127.0.0.1:8080" placeholder:"URL" group:"Server" help:"URL of the server, without /v1/deployments."`
	TokenFile string   `name:"token-file" env:"DEPLOYRECORDS_TOKEN_FILE" placeholder:"FILE" group:"Server" help:"File with the token on its first line. Without it, the environment variable DEPLOYRECORDS_TOKEN has the token. No flag takes the token itself, since other users of the machine can read command lines."`
	Timeout   Duration `name:"timeout" default:"30s" placeholder:"TIME" group:"Server" help:"Limit for one try of a request."`
}

// Client has the settings of the commands that retry requests. A command sets the variable retry_for to its default.
type Client struct {
	Remote
	RetryFor Duration `name:"retry-for" default:"${retry_for}" min:"0s" placeholder:"TIME" group:"Server" help:"How long to retry while the server is unreachable, too busy or failing; 0s is a single try."`
}

// Conform has the settings of the conformance suite.
type Conform struct {
	Remote
	Compare          string   `name:"compare" placeholder:"URL" group:"Comparison" help:"Send the same requests to this server too, and report where its answers differ."`
	CompareTokenFile string   `name:"compare-token-file" placeholder:"FILE" group:"Comparison" help:"File with the token for --compare on its first line. That server receives no other token."`
	Write            bool     `name:"write" help:"Record too, with the token, and judge the rules of recording. Every recorded name begins with conform-. Records cannot be removed, so the token is for an organization that is meant for this."`
	OtherToken       []string `name:"other-token" sep:"none" placeholder:"KIND=FILE" help:"File with a further token for --url, to judge what it may do: expired, no-scope, read-only, write-only, project or organization (another one). Repeatable."`
	Requests         Int      `default:"2000" min:"20" placeholder:"N" help:"Maximum number of requests; a comparison sends as many again to each server."`
	Seed             Int      `default:"1" min:"0" placeholder:"N" help:"Selects values and pages; the same seed sends the same requests for the same data."`
}

// StepSummary returns the file for the summary of a step of GitHub Actions, or "" in another place.
func StepSummary() string { return os.Getenv("GITHUB_STEP_SUMMARY") }

// Token returns the token of the environment, or "".
func (*Remote) Token() string { return os.Getenv("DEPLOYRECORDS_TOKEN") }

// Validate returns the violations of the settings. The command that sends the token checks the token itself.
func (r *Remote) Validate() []error { return r.with(r) }

// Validate returns the violations of the settings, as Remote.Validate does.
func (c *Client) Validate() []error { return c.with(c) }

// Validate returns the violations of the settings, as Remote.Validate does.
func (c *Conform) Validate() []error {
	violations := c.with(c)
	switch {
	case c.Compare == "" && c.CompareTokenFile != "":
		violations = append(violations, errors.New("--compare-token-file: needs --compare"))
	case c.Compare != "":
		violations = append(violations, checkAddress("--compare", c.Compare))
		if c.CompareTokenFile == "" {
			violations = append(violations, errors.New("--compare-token-file: is missing: the token of --url does not go to --compare"))
		}
	}
	return violations
}

// with adds the violations of the server's address and of the missing token to those of settings.
func (r *Remote) with(settings any) []error {
	violations := append([]error{checkAddress("--url", r.URL)}, validate(settings)...)
	if r.TokenFile == "" && r.Token() == "" {
		violations = append(violations, errors.New("--token-file: there is no token: name a file that has one, or set DEPLOYRECORDS_TOKEN"))
	}
	return violations
}

// checkAddress checks the URL of a server.
func checkAddress(flag, text string) error {
	u, err := url.Parse(text)
	var violation string
	switch {
	case text == "":
		return fmt.Errorf("%s: is empty", flag)
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "":
		violation = "is not http://HOST:PORT or https://HOST:PORT, with or without a path"
	case !isPort(u.Port()):
		violation = "has a port that is not from 1 to 65535"
	case u.User != nil:
		violation = "has a user name or a password, which this server does not use"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		violation = "has a query or a fragment; give the server's URL without /v1/deployments"
	default:
		return nil
	}
	return fmt.Errorf("%s: %s %s", flag, QuoteURL(text), violation)
}

// isPort reports whether a client can connect to the port of a URL, which may be absent.
func isPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}
