package cli

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/alecthomas/kong"
)

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
