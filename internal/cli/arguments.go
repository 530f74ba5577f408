package cli

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"

	"github.com/alecthomas/kong"

	"github.com/deployrecords/deployrecords/internal/config"
)

// number is an optional flag of the API's type int32, not negative. It accepts any text, as the types of package config do,
// so that its violation is reported with all others.
type number struct {
	text  string
	given bool
}

// Decode implements kong.MapperValue.
func (n *number) Decode(ctx *kong.DecodeContext) (err error) {
	n.text, err = config.PopValue(ctx.Scan)
	n.given = err == nil
	return err
}

// parse returns the value, or nil if the flag is not given.
func (n number) parse() (*int32, error) {
	if !n.given {
		return nil, nil
	}
	value, err := strconv.ParseUint(n.text, 10, 31)
	if err != nil {
		return nil, fmt.Errorf("%q is not a whole number from 0 to %d", n.text, math.MaxInt32)
	}
	return new(int32(value)), nil
}

var letterWithEquals = regexp.MustCompile(`^(-[A-Za-z])=`)

// withoutEquals removes the equals sign after flags of one letter. Kong would read -o=json as the value "=json".
func withoutEquals(args []string) []string {
	args = slices.Clone(args)
	for i, arg := range args {
		if arg == "--" || arg == "__complete" {
			break
		}
		args[i] = letterWithEquals.ReplaceAllString(arg, "$1")
	}
	return args
}

// repeatedFlags returns a usage error if flags that have one value are given several times. Kong would use the last value.
func repeatedFlags(parsed *kong.Context) error {
	times := map[*kong.Flag]int{}
	var violations []error
	for _, step := range parsed.Path {
		if step.Flag == nil || isRepeatable(step.Flag) {
			continue
		}
		if times[step.Flag]++; times[step.Flag] == 2 {
			violations = append(violations, fmt.Errorf("--%s: is given several times and has one value", step.Flag.Name))
		}
	}
	if len(violations) == 0 {
		return nil
	}
	return usageError{fmt.Errorf("%w\nrun '%s %s --help' for its flags", errors.Join(violations...), parsed.Model.Name, parsed.Selected().Name)}
}

// isRepeatable reports whether a flag has a list of values. Kong's IsCumulative is false for lists of named types.
func isRepeatable(flag *kong.Flag) bool { return flag.Target.Kind() == reflect.Slice }
