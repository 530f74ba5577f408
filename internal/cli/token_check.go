package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/config"
)

type tokenCheckCommand struct {
	config.TokenCheck
}

// Help is printed by token check --help.
func (tokenCheckCommand) Help() string {
	return `Prints what each rule of --trust makes of the token, and what the token grants. Give the settings of the server: the command reads the same files, and fetches the same keys. It never prints the token. The exit code is 1 for a token that the server would not accept.

Examples:

  deployrecords token check --trust trust.yaml token.txt
  echo "$TOKEN" | deployrecords token check --trust trust.yaml -`
}

// errNotAccepted is the result of a check; the output has the reasons.
var errNotAccepted = errors.New("the token is not accepted")

func (c *tokenCheckCommand) Run(ctx context.Context, streams Streams) error {
	logger := slog.New(slog.NewTextHandler(streams.Err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	options, violations := verifierOptions(&c.Accepted)
	options.Logger = logger
	trusted := newTrustFiles(&c.Trust, logger)
	violations = append(c.Validate(), append(violations, trusted.load(&options)...)...)
	violations = append(violations, checkOrganizations(&c.Organizations)...)
	if err := config.Join(violations...); err != nil {
		return usageError{err}
	}
	token, err := c.token(streams.In)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	verifier, err := auth.New(ctx, options)
	if err != nil {
		return usageError{config.Join(err)}
	}
	return explainToken(ctx, streams.Out, verifier, token)
}

// token returns the token on the first line of the file.
func (c *tokenCheckCommand) token(stdin io.Reader) (string, error) {
	in := stdin
	if c.File != "-" {
		file, err := os.Open(c.File)
		if err != nil && jwtPattern.MatchString(c.File) {
			return "", usageError{errors.New("<file>: got a token; give a file whose first line is the token, or - for standard input")}
		}
		if err != nil {
			return "", err
		}
		defer file.Close()
		in = file
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	lines.Scan()
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("%s: %w", c.File, err)
	}
	token := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
	if token == "" {
		return "", fmt.Errorf("%s: the first line has no token", c.File)
	}
	return token, nil
}

// explainToken prints what each rule makes of a token. It returns errNotAccepted if the verifier does not accept it.
func explainToken(ctx context.Context, out io.Writer, verifier *auth.Verifier, token string) error {
	rules, err := verifier.Explain(ctx, token)
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, rule := range rules {
		name := "the settings without --trust"
		if rule.Rule.Number > 0 {
			name = fmt.Sprintf("rule %d (line %d)", rule.Rule.Number, rule.Rule.Line)
		}
		failed := 0
		for _, step := range rule.Steps {
			if !step.OK {
				failed++
			}
		}
		verdict := "does not match"
		switch {
		case rule.Decides && failed == 0:
			verdict = "accepts the token"
		case rule.Decides:
			verdict = "matches and rejects the token"
		}
		fmt.Fprintf(&text, "%s %s\n", name, verdict)
		for _, step := range rule.Steps {
			mark := "ok"
			if !step.OK {
				mark = "NO"
			}
			fmt.Fprintf(&text, "  %s  %s: %s\n", mark, step.Name, step.Detail)
		}
	}
	principal, err := verifier.Verify(ctx, token)
	if err != nil {
		fmt.Fprintf(&text, "not accepted: %v\n", err)
		_, _ = io.WriteString(out, text.String())
		return errNotAccepted
	}
	fmt.Fprintf(&text, "accepted: %s\n", describePrincipal(principal))
	_, err = io.WriteString(out, text.String())
	return err
}

// describePrincipal returns what a token grants.
func describePrincipal(p auth.Principal) string {
	var allowed []string
	for _, scope := range []auth.Scope{auth.ReadDeployments, auth.WriteDeployments} {
		if p.Allows(scope) {
			allowed = append(allowed, string(scope))
		}
	}
	granted := strings.Join(allowed, " ")
	if granted == "" {
		granted = "(none: every request is a 403)"
	}
	text := fmt.Sprintf("organization %q, scopes %s", p.Organization, granted)
	if p.Project != "" {
		text += fmt.Sprintf(", project %q alone", p.Project)
	}
	if p.Subject != "" {
		text += fmt.Sprintf(", subject %q", p.Subject)
	}
	return text
}
