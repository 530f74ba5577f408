package cli

import (
	"embed"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// No completion library fits. The ones for kong had their last releases in 2022 and 2023 and depend on a module without
// maintainer. None of them offers the values of a flag with a placeholder such as text|json. Each shell's script only calls
// the hidden command __complete, as the scripts of cobra do.

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is printed by completion --help.
func (completionCommand) Help() string {
	return `The script completes commands, flags, file names, and the values of flags that have a fixed set of values. It never contacts a server.

Examples:

  source <(deployrecords completion bash)    # in ~/.bashrc
  source <(deployrecords completion zsh)     # in ~/.zshrc, after compinit
  deployrecords completion fish \
    > ~/.config/fish/completions/deployrecords.fish`
}

// Run prints the script of the shell.
func (c *completionCommand) Run(streams Streams) error {
	script, err := completionScripts.ReadFile("completion/deployrecords." + c.Shell)
	if err != nil {
		return err
	}
	_, err = streams.Out.Write(script)
	return err
}

// completionScripts has one script per shell. The scripts pass the words up to the cursor to __complete, which prints one
// candidate per line with its description behind a tab, or offerFiles.
//
//go:embed completion
var completionScripts embed.FS

// offerFiles makes the shell complete file names.
const offerFiles = ":files\n"

type completeCommand struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// Run prints the candidates for the last word.
func (c *completeCommand) Run(app *kong.Kong, streams Streams) error {
	_, err := io.WriteString(streams.Out, strings.Join(candidates(app.Model.Node, c.Words), ""))
	return err
}

// candidates returns the lines for the last of the words of a command line, without the program's name.
func candidates(node *kong.Node, words []string) (lines []string) {
	if len(words) == 0 {
		return nil
	}
	program := node
	words = joinCommand(words)
	before, current := words[:len(words)-1], words[len(words)-1]
	for _, word := range before {
		i := slices.IndexFunc(node.Children, func(child *kong.Node) bool { return child.Name == word })
		if i >= 0 {
			node = node.Children[i]
			break
		}
	}
	var flagName, prefix string
	if name, value, ok := strings.Cut(current, "="); ok && strings.HasPrefix(name, "--") {
		flagName, prefix, current = name, name+"=", value
	} else {
		if current == "=" { // Bash
			current = ""
		} else if len(before) > 0 && before[len(before)-1] == "=" {
			before = before[:len(before)-1]
		}
		if len(before) > 0 {
			flagName = before[len(before)-1]
		}
	}
	add := func(name, help string) {
		if strings.HasPrefix(name, current) {
			lines = append(lines, strings.TrimSuffix(prefix+name+"\t"+firstSentence(help), "\t")+"\n")
		}
	}
	flags := slices.Concat(node.AllFlags(true)...)
	if i := slices.IndexFunc(flags, func(flag *kong.Flag) bool {
		return flagName == "--"+flag.Name || flag.Short != 0 && flagName == "-"+string(flag.Short)
	}); i >= 0 && !flags[i].IsBool() {
		if flags[i].PlaceHolder == "FILE" {
			return []string{offerFiles}
		}
		for _, value := range fixedValues(flags[i].Enum, flags[i].PlaceHolder) {
			add(value, "")
		}
		return lines
	}
	for _, argument := range node.Positional {
		if argument.Name == "file" && !strings.HasPrefix(current, "-") {
			return []string{offerFiles}
		}
		for _, value := range fixedValues(argument.Enum, "") {
			add(value, "")
		}
	}
	if node == program || node.Name == "help" {
		for _, command := range program.Children {
			if !command.Hidden && !strings.Contains(command.Name, " ") {
				add(command.Name, command.Help)
			}
		}
	}
	if node.Name == "token" && len(before) == 1 {
		add("check", "Explain why a server accepts a token or not")
	}
	if strings.HasPrefix(current, "-") || len(node.Children)+len(node.Positional) == 0 {
		for _, flag := range flags {
			add("--"+flag.Name, flag.Help)
			if flag.Tag.Negatable == "_" { // kong's value for --no-NAME
				add("--no-"+flag.Name, "Opposite of --"+flag.Name)
			}
		}
	}
	return lines
}

// fixedValues returns the values of an enumeration, or of a placeholder such as text|json.
func fixedValues(enum, placeholder string) []string {
	switch {
	case enum != "":
		return strings.Split(enum, ",")
	case strings.Contains(placeholder, "|"):
		return strings.Split(placeholder, "|")
	}
	return nil
}

// firstSentence returns the first sentence without its full stop, to fit on one line.
func firstSentence(help string) string {
	help, _, _ = strings.Cut(help, ". ")
	return strings.TrimSuffix(help, ".")
}
