package config

import (
	"net/url"
	"os"
)

// Client are the settings of the commands that ask a running server.
type Client struct {
	URL       string   `name:"url" env:"DEPLOYRECORDS_URL" default:"http://127.0.0.1:8080" placeholder:"URL" group:"Server" help:"Where the server is (${default})."`
	TokenFile string   `name:"token-file" env:"DEPLOYRECORDS_TOKEN_FILE" placeholder:"FILE" group:"Server" help:"File whose first line is the token to send. Without it, the token is that of the environment variable DEPLOYRECORDS_TOKEN; there is no flag for the token itself, since other users of the machine can read a command line."`
	Timeout   Duration `name:"timeout" default:"30s" placeholder:"TIME" group:"Server" help:"How long one try of a request may take (${default})."`
	RetryFor  Duration `name:"retry-for" default:"2m" placeholder:"TIME" group:"Server" help:"How long to go on trying while the server can't be reached, is too busy or fails; 0s is a single try (${default})."`
}

// Token is the token of the environment, or "".
func (*Client) Token() string { return os.Getenv("DEPLOYRECORDS_TOKEN") }

// Faults tells everything that is wrong with the settings, except for the token itself, which the command that reads
// its file judges.
func (c *Client) Faults() []error {
	var f faults
	// None of these tell the text: it may have a password in it.
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		f.add("--url", "is empty")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Opaque != "":
		f.add("--url", "is not http://HOST:PORT or https://HOST:PORT, with a path or without")
	case u.User != nil:
		f.add("--url", "has a user or a password in it, which this server has no use for")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		f.add("--url", "has a query or a fragment; it is where the server is, without /v1/deployments")
	}
	if c.TokenFile == "" && c.Token() == "" {
		f.add("--token-file", "there is no token: name a file that has one, or set DEPLOYRECORDS_TOKEN")
	}
	f.duration("--timeout", c.Timeout)
	if c.RetryFor.fault != "" {
		f.add("--retry-for", "%s", c.RetryFor.fault)
	} else if c.RetryFor.Value < 0 {
		f.add("--retry-for", "%s is less than 0", c.RetryFor.Value)
	}
	return f
}
