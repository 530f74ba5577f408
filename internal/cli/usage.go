package cli

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
)

// plainErrors rewrites errors of kong. The suggestion for an unknown flag of one letter is always wrong: it resembles every
// other flag of one letter.
var plainErrors = []struct {
	kong *regexp.Regexp
	text string
}{
	{regexp.MustCompile(`^(unknown flag -[^-]), did you mean .*`), "$1"},
	{regexp.MustCompile(`^(--\S+): expected .* value but got "(-[^-"][^"]*)".*`), "$1: needs a value; write $1=$2 for one that begins with a hyphen"},
	{regexp.MustCompile(`^(--\S+: )expected .* value but got .*`), "${1}needs a value"},
	{regexp.MustCompile(`^expected "(<\S+>).*`), "missing argument: $1"},
	{regexp.MustCompile(`^(<\S+>) must be one of "(.*)" but got (".*")$`), "$1: $3 is not one of $2"},
}

// usageOf returns the usage error for an invalid command line. It names the help of the command in which the fault is, and
// the whole help of the program if there is no command.
func usageOf(app *kong.Kong, err error) error {
	text, program := err.Error(), app.Model.Name
	for _, plain := range plainErrors {
		text = plain.kong.ReplaceAllString(text, plain.text)
	}
	text = strings.ReplaceAll(text, `","`, ", ") // between the values of an enumeration
	var invalid *kong.ParseError
	if errors.As(err, &invalid) && invalid.Context.Selected() != nil {
		return usageError{fmt.Errorf("%s\nrun '%s %s --help' for its flags", text, program, invalid.Context.Selected().Name)}
	}
	text = strings.Replace(text, "unexpected argument", "unknown command", 1)
	return usageError{fmt.Errorf("%s\nrun '%s --help' for a list of commands", text, program)}
}

// requiredChoice returns the flags of which a command requires one, or "".
func requiredChoice(command *kong.Node) string {
	if one, ok := reflect.TypeAssert[interface{ requiresOne() string }](command.Target.Addr()); ok {
		return one.requiresOne()
	}
	return ""
}

// printHelp prints kong's help. It adds the flags of which a command requires one to the usage, on a second line.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	node := ctx.Selected()
	if node == nil || requiredChoice(node) == "" {
		return kong.DefaultHelpPrinter(options, ctx)
	}
	out := ctx.Stdout
	defer func() { ctx.Stdout = out }()
	var help bytes.Buffer
	ctx.Stdout = &help
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	_, err := out.Write([]byte(strings.Replace(help.String(), " [flags]\n", "\n       "+requiredChoice(node)+" [flags]\n", 1)))
	return err
}
