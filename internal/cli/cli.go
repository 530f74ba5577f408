// Package cli is the command line. One file per command has its flags and connects the packages that do the work.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/deployrecords/deployrecords/internal/config"
)

// Streams are the standard streams of a command.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Exit codes.
const (
	exitOK          = 0
	exitFailure     = 1 // the command failed
	exitUsage       = 2 // the command line or the configuration is invalid
	exitRejected    = 3 // the server rejected the request
	exitUnreachable = 4 // the server was unreachable, or failed, on every try
)

type commands struct {
	Serve        serveCommand      `cmd:"" help:"Run the server."`
	Import       importCommand     `cmd:"" help:"Import records from NDJSON files."`
	Demo         demoCommand       `cmd:"" help:"Generate demo records."`
	Migrate      migrateCommand    `cmd:"" help:"Migrate the database schema to this program's version."`
	Verify       verifyCommand     `cmd:"" help:"Compare precomputed totals with the records."`
	Token        tokenCommand      `cmd:"" help:"Create a token for development and tests."`
	TokenCheck   tokenCheckCommand `cmd:"" name:"token check" help:"Explain why a server accepts a token or not."`
	Record       recordCommand     `cmd:"" help:"Record a deployment on a server."`
	List         listCommand       `cmd:"" help:"List the records of a server."`
	Conform      conformCommand    `cmd:"" help:"Test a server against the OpenAPI document."`
	Completion   completionCommand `cmd:"" help:"Print a shell completion script."`
	Help         helpCommand       `cmd:"" help:"Print the help of a command."`
	PrintVersion versionCommand    `cmd:"" name:"version" help:"Print the version."`
	Complete     completeCommand   `cmd:"" name:"__complete" hidden:"" passthrough:""`

	// Version is last: kong would use it in place of record's own --version otherwise. See hideVersionFromRecord.
	Version kong.VersionFlag `help:"Print the version, the commit and the digest of the OpenAPI document."`
}

// hideVersionFromRecord makes record --version the version of a chart. Commands inherit the program's flags, which take
// precedence, so record gets a parent without --version.
func hideVersionFromRecord(k *kong.Kong) error {
	parent := *k.Model.Node
	parent.Flags = slices.DeleteFunc(slices.Clone(parent.Flags), func(flag *kong.Flag) bool { return flag.Name == "version" })
	for _, child := range k.Model.Children {
		if child.Name == "record" {
			child.Parent = &parent
		}
	}
	return nil
}

// joinCommand makes one word of a command of two words: kong's name of "token check" has a space. A command with commands
// below it could have no flags of its own, as token has.
func joinCommand(words []string) []string {
	if len(words) > 1 && words[0] == "token" && words[1] == "check" {
		return append([]string{"token check"}, words[2:]...)
	}
	return words
}

const description = `deployrecords answers which artifact runs in which environment, since when, and what ran there before.

Start a server on an SQLite file and query it with a token for one organization:

  export JWT_HMAC_SECRET=$(head -c 32 /dev/urandom | base64)
  export DEPLOYRECORDS_TOKEN=$(deployrecords token --organization acme)
  deployrecords import --organization acme records.ndjson
  deployrecords serve &
  deployrecords list --retry-for 10s

The clients record and list use the server at DEPLOYRECORDS_URL with the token in DEPLOYRECORDS_TOKEN.`

// exit is the panic value that carries the exit code of --help and --version out of kong.
type exit int

// usageError is an invalid command line or configuration, as opposed to a command that failed.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// exitError is a failure with its own exit code.
type exitError struct {
	error
	code int
}

func (e exitError) Unwrap() error { return e.error }

// jwtPattern matches a signed or encrypted token.
var jwtPattern = regexp.MustCompile(`\beyJ[\w-]+(\.[\w-]*){2,}`)

// Run runs the command in args until it ends or ctx is done, and returns the exit code. Its error
// has no token that was an argument by mistake: the standard error of a pipeline is stored.
func Run(ctx context.Context, args []string, streams Streams) (code int) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(exit)
			if !ok {
				panic(r)
			}
			if code = int(e); len(args) == 0 {
				code = exitUsage // the help stands in for the error that there is no command
			}
		}
	}()
	config.TrimEnvironment()
	parser := newParser(streams, kong.BindTo(ctx, (*context.Context)(nil)))
	line := joinCommand(withoutEquals(args))
	if len(args) == 0 {
		line, parser.Stdout = []string{"--help"}, streams.Err
	}
	command, err := parser.Parse(line)
	if err != nil {
		err = usageOf(parser, err)
	} else if err = repeatedFlags(command); err == nil {
		err = command.Run()
	}
	var usage usageError
	var coded exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		code = exitUsage
	case errors.As(err, &coded):
		code = coded.code
	default:
		code = exitFailure
	}
	fmt.Fprintf(streams.Err, "deployrecords: %s\n", jwtPattern.ReplaceAllString(err.Error(), "(a token)"))
	return code
}

// newParser returns a parser of the command line.
func newParser(streams Streams, options ...kong.Option) *kong.Kong {
	parser, err := kong.New(&commands{}, append(options,
		kong.Name("deployrecords"),
		kong.Description(description),
		kong.Vars{"version": versionText()},
		kong.Writers(streams.Out, streams.Err),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.Help(printHelp),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.ValueFormatter(helpWithDefault),
		kong.Bind(streams),
		kong.PostBuild(hideVersionFromRecord),
	)...)
	if err != nil {
		panic(err) // the commands above are invalid
	}
	return parser
}

// helpWithDefault returns the help of a flag with its default and its environment variable.
func helpWithDefault(value *kong.Value) string {
	var notes []string
	if value.HasDefault {
		notes = append(notes, "default "+value.Default)
	}
	for _, variable := range value.Tag.Envs {
		notes = append(notes, "$"+variable)
	}
	if len(notes) == 0 {
		return value.Help
	}
	return strings.TrimSuffix(value.Help, ".") + " (" + strings.Join(notes, ", ") + ")."
}
