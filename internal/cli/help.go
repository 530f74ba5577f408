package cli

import (
	"strings"

	"github.com/alecthomas/kong"
)

type helpCommand struct {
	Command []string `arg:"" optional:"" help:"Command to describe."`
}

// Run prints the help of the command, or of the program without one. Kong ends the program after it.
func (c *helpCommand) Run(app *kong.Kong) error {
	args := []string{"--help"}
	if len(c.Command) > 0 {
		args = []string{strings.Join(c.Command, " "), "--help"}
	}
	_, err := app.Parse(args)
	return usageOf(app, err)
}
