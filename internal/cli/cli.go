// Package cli is the command line: one file a command, with its flags and how it wires the rest together.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"

	"github.com/alecthomas/kong"

	"github.com/deployrecords/deployrecords"
)

// Version and Commit are set when a release is built.
var (
	Version = "dev"
	Commit  = ""
)

// Streams are where a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Exit codes.
const (
	exitOK          = 0
	exitFailure     = 1 // the command was understood and failed
	exitUsage       = 2 // the command or the configuration is wrong
	exitRefused     = 3 // the server refused what it was asked
	exitUnreachable = 4 // the server could not be reached, or failed, as often as it was tried
)

type commands struct {
	Serve      serveCommand      `cmd:"" help:"Serve the API."`
	Import     importCommand     `cmd:"" help:"Load records from NDJSON files."`
	Demo       demoCommand       `cmd:"" help:"Make up records to try the server with, any number of them."`
	Migrate    migrateCommand    `cmd:"" help:"Bring the database's schema to the version of this program."`
	Verify     verifyCommand     `cmd:"" help:"Count everything anew from the records and compare."`
	Token      tokenCommand      `cmd:"" help:"Make a token for development and tests."`
	Record     recordCommand     `cmd:"" help:"Tell a server what was deployed, from a pipeline say."`
	List       listCommand       `cmd:"" help:"Ask a server what runs where."`
	Conform    conformCommand    `cmd:"" help:"Hold a server, this one or another, against the OpenAPI document."`
	Completion completionCommand `cmd:"" help:"Print a script with which a shell completes commands and flags."`

	// The last, since kong would find a second --version in record otherwise; see giveRecordItsVersion.
	Version kong.VersionFlag `help:"Print the version, the commit and the digest of the contract that is served."`
}

// giveRecordItsVersion lets record --version be that of a chart. Commands inherit the program's flags, and those go
// first: record gets a parent without --version.
func giveRecordItsVersion(k *kong.Kong) error {
	parent := *k.Model.Node
	parent.Flags = slices.DeleteFunc(slices.Clone(parent.Flags), func(flag *kong.Flag) bool { return flag.Name == "version" })
	for _, child := range k.Model.Children {
		if child.Name == "record" {
			child.Parent = &parent
		}
	}
	return nil
}

const description = `deployrecords answers which artifact runs in which environment, since when, and what ran there before.

A first server, on an SQLite file, with a token for one organization:

  export JWT_HMAC_SECRET=$(head -c 32 /dev/urandom | base64)
  deployrecords import --organization acme records.ndjson
  deployrecords serve &
  curl -H "Authorization: Bearer $(deployrecords token --organization acme)" http://127.0.0.1:8080/v1/deployments

Of a server that runs somewhere, record and list are the clients: DEPLOYRECORDS_URL says where it is, and DEPLOYRECORDS_TOKEN is their token.`

// exit carries the code with which kong ends --help and --version.
type exit int

// usageError says that the command or the configuration is wrong, rather than that what it does failed.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// exitError is a failure with an exit code of its own.
type exitError struct {
	error
	code int
}

func (e exitError) Unwrap() error { return e.error }

// Run runs the command of the arguments until it is done or ctx ends, and gives the exit code.
func Run(ctx context.Context, args []string, streams Streams) (code int) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(exit)
			if !ok {
				panic(r)
			}
			code = int(e)
		}
	}()
	parser, err := kong.New(&commands{},
		kong.Name("deployrecords"),
		kong.Description(description),
		kong.Vars{"version": versionText()},
		kong.Writers(streams.Out, streams.Err),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(streams),
		kong.PostBuild(giveRecordItsVersion),
	)
	if err != nil {
		panic(err) // the commands above are wrong
	}
	command, err := parser.Parse(args)
	if err == nil {
		err = command.Run()
	} else {
		err = usageError{fmt.Errorf("%w\nrun 'deployrecords --help' to see what there is", err)}
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
	fmt.Fprintf(streams.Err, "deployrecords: %v\n", err)
	return code
}

func versionText() string {
	commit := Commit
	if info, ok := debug.ReadBuildInfo(); ok && commit == "" {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				commit = setting.Value
			}
		}
	}
	if commit == "" {
		commit = "unknown"
	}
	return fmt.Sprintf("deployrecords %s\ncommit %s\ncontract %s", Version, commit, deployrecords.ContractDigest())
}
