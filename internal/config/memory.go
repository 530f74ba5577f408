package config

import (
	"errors"
	"fmt"
	"net"
)

// Memory has the settings of a server for tests of clients. They have no environment variables: a forgotten variable
// must not make a server keep its records in memory.
type Memory struct {
	InMemory     Switch   `name:"memory" group:"Tests" help:"Keep records in memory instead of a database and lose them at exit. Prints the server's URL and a development token on standard output."`
	Load         []string `name:"load" sep:"none" placeholder:"FILE" group:"Tests" help:"With --memory: start with the records of this file, in the format of import; - is standard input. Repeatable."`
	Now          Time     `name:"now" placeholder:"TIME" group:"Tests" help:"With --memory: stop the clock at this RFC 3339 time, for example 2026-11-01T09:30:00Z."`
	Organization string   `name:"organization" default:"test" placeholder:"KEY" group:"Tests" help:"With --memory: organization of the token and of the loaded records."`
	Variant      []string `name:"variant" sep:"none" placeholder:"NAME" group:"Tests" help:"With --memory: read upstream's document in another legal way: one-based, filter-before-latest, other-order, unknown-name-404, one-empty-page, omit-empty, offset-times, charset, unknown-parameter-400 or lenient-spelling. Repeatable."`

	Control            string `name:"control" placeholder:"HOST:PORT" group:"Tests" help:"With --memory: serve the control API at this address, by which tests create sandboxes, make requests fail and read the journal. Prints its URL on standard output."`
	ControlAllowRemote Switch `name:"control-allow-remote" group:"Tests" help:"With --control: allow an address that other machines reach. Who reaches it reads the tokens of all sandboxes."`
}

// violations returns the violations of the settings of the control API.
func (m *Memory) violations() (violations []error) {
	if m.Control == "" {
		if m.ControlAllowRemote.Value {
			violations = append(violations, errors.New("--control-allow-remote: goes with --control only"))
		}
		return violations
	}
	if violations = checkListenAddress("control", m.Control); len(violations) > 0 || m.ControlAllowRemote.Value {
		return violations
	}
	if host, _, err := net.SplitHostPort(m.Control); err == nil && host != "localhost" && !net.ParseIP(host).IsLoopback() {
		return []error{fmt.Errorf("--control: %q is not a loopback address such as 127.0.0.1:0; --control-allow-remote allows it", m.Control)}
	}
	return nil
}
