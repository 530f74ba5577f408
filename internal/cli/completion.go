package cli

import (
	"bytes"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is printed by completion --help.
func (completionCommand) Help() string {
	return `The script completes commands, flags, and the values of flags that have a few. It asks nothing of a server.

Examples:

  source <(deployrecords completion bash)                  # in ~/.bashrc
  source <(deployrecords completion zsh)                   # in ~/.zshrc, after compinit
  deployrecords completion fish > ~/.config/fish/completions/deployrecords.fish`
}

func (c *completionCommand) Run(app *kong.Kong, streams Streams) error {
	var script bytes.Buffer
	root := completable(app.Model.Node)
	switch c.Shell {
	case "bash":
		writeBash(&script, root)
	case "zsh":
		writeZsh(&script, root)
	case "fish":
		writeFish(&script, root)
	}
	_, err := streams.Out.Write(script.Bytes())
	return err
}

// completion is what shells need to know of a command.
type completion struct {
	name, help string
	flags      []completionFlag
	commands   []completion
	// values are those of the argument; files says that it is a file.
	values []string
	files  bool
}

type completionFlag struct {
	name, help string
	// takesValue is false of switches. What the value is, values or files say if there are not too many.
	takesValue bool
	values     []string
	files      bool
	// repeats says that the flag can be given several times.
	repeats bool
}

func completable(node *kong.Node) completion {
	c := completion{name: node.Name, help: brief(node.Help)}
	for _, group := range node.AllFlags(true) {
		for _, flag := range group {
			c.flags = append(c.flags, completionFlag{
				name:       flag.Name,
				help:       brief(flag.Help),
				takesValue: !flag.IsBool(),
				values:     valuesOf(flag.Enum, flag.PlaceHolder),
				files:      flag.PlaceHolder == "FILE",
				repeats:    flag.IsCumulative(),
			})
			if flag.Tag.Negatable == "_" { // kong's mark of --no-
				c.flags = append(c.flags, completionFlag{name: "no-" + flag.Name, help: "The opposite of --" + flag.Name})
			}
		}
	}
	for _, argument := range node.Positional {
		c.values = append(c.values, valuesOf(argument.Enum, "")...)
		c.files = c.files || argument.Name == "file"
	}
	for _, child := range node.Children {
		if !child.Hidden {
			c.commands = append(c.commands, completable(child))
		}
	}
	return c
}

// valuesOf finds the values of a flag: its enumeration, or a placeholder that is one, as text|json.
func valuesOf(enum, placeholder string) []string {
	switch {
	case enum != "":
		return strings.Split(enum, ",")
	case strings.Contains(placeholder, "|"):
		return strings.Split(placeholder, "|")
	}
	return nil
}

// brief gives the first sentence, without the default and the full stop: a line has to do.
func brief(help string) string {
	help, _, _ = strings.Cut(help, ". ")
	help = strings.TrimSuffix(help, ".")
	if i := strings.LastIndex(help, " ("); i >= 0 && strings.HasSuffix(help, ")") {
		help = help[:i]
	}
	return help
}
