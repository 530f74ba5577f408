package config

import (
	"net/url"
	"os"
)

// Remote is a running server that a command asks.
type Remote struct {
	URL       string   `name:"url" env:"DEPLOYRECORDS_URL" default:"http://127.0.0.1:8080" placeholder:"URL" group:"Server" help:"Where the server is (${default})."`
	TokenFile string   `name:"token-file" env:"DEPLOYRECORDS_TOKEN_FILE" placeholder:"FILE" group:"Server" help:"File whose first line is the token to send. Without it, the token is that of the environment variable DEPLOYRECORDS_TOKEN; there is no flag for the token itself, since other users of the machine can read a command line."`
	Timeout   Duration `name:"timeout" default:"30s" placeholder:"TIME" group:"Server" help:"How long one try of a request may take (${default})."`
}

// Client are the settings of the commands that go on trying.
type Client struct {
	Remote
	RetryFor Duration `name:"retry-for" default:"2m" placeholder:"TIME" group:"Server" help:"How long to go on trying while the server can't be reached, is too busy or fails; 0s is a single try (${default})."`
}

// Token is the token of the environment, or "".
func (*Remote) Token() string { return os.Getenv("DEPLOYRECORDS_TOKEN") }

// Faults tells everything that is wrong with the settings, except for the token itself, which the command that reads
// its file judges.
func (r *Remote) Faults() []error {
	var f faults
	f.address("--url", r.URL)
	if r.TokenFile == "" && r.Token() == "" {
		f.add("--token-file", "there is no token: name a file that has one, or set DEPLOYRECORDS_TOKEN")
	}
	f.duration("--timeout", r.Timeout)
	return f
}

// address judges where a server is. It does not tell the text: it may have a password in it.
func (f *faults) address(flag, text string) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		f.add(flag, "is empty")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "":
		f.add(flag, "is not http://HOST:PORT or https://HOST:PORT, with a path or without")
	case u.User != nil:
		f.add(flag, "has a user or a password in it, which this server has no use for")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		f.add(flag, "has a query or a fragment; it is where the server is, without /v1/deployments")
	}
}

// Faults tells everything that is wrong with the settings, as Remote does.
func (c *Client) Faults() []error {
	f := faults(c.Remote.Faults())
	if c.RetryFor.fault != "" {
		f.add("--retry-for", "%s", c.RetryFor.fault)
	} else if c.RetryFor.Value < 0 {
		f.add("--retry-for", "%s is less than 0", c.RetryFor.Value)
	}
	return f
}
