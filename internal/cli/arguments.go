package cli

import (
	"errors"
	"fmt"

	"github.com/alecthomas/kong"
)

// repeatedFlags returns a usage error if flags that have one value are given several times. Kong would use the last value.
func repeatedFlags(parsed *kong.Context) error {
	times := map[*kong.Flag]int{}
	var violations []error
	for _, step := range parsed.Path {
		if step.Flag == nil || step.Flag.IsCumulative() {
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
