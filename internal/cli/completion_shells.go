package cli

import (
	"fmt"
	"io"
	"strings"
)

// The scripts are static: what they offer was known when they were printed. Names of commands and flags have nothing in
// them that a shell reads as its own; help texts may, and are quoted.

const bashScript = `# Completion of deployrecords for bash, made by: deployrecords completion bash
_deployrecords() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command="" before="" offer="" word
  COMPREPLY=()
  # Bash takes --flag=value apart, unless COMP_WORDBREAKS was changed.
  if [[ $cur == "=" ]]; then
    cur=""
  elif [[ $prev == "=" ]]; then
    prev=${COMP_WORDS[COMP_CWORD-2]}
  elif [[ $cur == --*=* ]]; then
    prev=${cur%%%%=*} before=${cur%%%%=*}= cur=${cur#*=}
  fi
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
      %s) command=$word; break ;;
    esac
  done
  case $command:$prev in
%s    *)
      if [[ $cur == -* ]]; then
        case $command in
%s        esac
      else
        case $command in
%s        esac
      fi
      ;;
  esac
  if [[ $offer == "(files)" ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r word; do COMPREPLY+=("$before$word"); done < <(compgen -f -- "$cur")
  else
    while IFS= read -r word; do COMPREPLY+=("$before$word"); done < <(compgen -W "$offer" -- "$cur")
  fi
}
complete -F _deployrecords deployrecords
`

func writeBash(w io.Writer, root completion) {
	var names []string
	var values, flags, arguments strings.Builder
	line := func(b *strings.Builder, indent int, pattern, offer string) {
		fmt.Fprintf(b, "%s%s) offer=\"%s\" ;;\n", strings.Repeat(" ", indent), pattern, offer)
	}
	line(&flags, 10, `""`, strings.Join(flagNames(root), " "))
	for _, command := range root.commands {
		names = append(names, command.name)
		var free []string
		for _, flag := range command.flags {
			name, offer := command.name+":--"+flag.name, offered(flag.values, flag.files)
			switch {
			case flag.takesValue && offer == "":
				free = append(free, name)
			case flag.takesValue:
				line(&values, 4, name, offer)
			}
		}
		if len(free) > 0 { // a value is expected, and any will do
			line(&values, 4, strings.Join(free, " | \\\n    "), "")
		}
		line(&flags, 10, command.name, strings.Join(flagNames(command), " "))
		offer := offered(command.values, command.files)
		if offer == "" {
			// Nothing but flags can follow.
			offer = strings.Join(flagNames(command), " ")
		}
		line(&arguments, 10, command.name, offer)
	}
	line(&arguments, 10, `""`, strings.Join(names, " "))
	fmt.Fprintf(w, bashScript, strings.Join(names, "|"), values.String(), flags.String(), arguments.String())
}

// offered is the list of values, or a word that no value is.
func offered(values []string, files bool) string {
	if files {
		return "(files)"
	}
	return strings.Join(values, " ")
}

func flagNames(c completion) []string {
	names := make([]string, len(c.flags))
	for i, flag := range c.flags {
		names[i] = "--" + flag.name
	}
	return names
}

const zshScript = `#compdef deployrecords
# Completion of deployrecords for zsh, made by: deployrecords completion zsh
_deployrecords() {
  local curcontext=$curcontext state line
  local -a commands
  commands=(
%s  )
  _arguments -C%s '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe -t commands command commands ;;
    argument)
      case $line[1] in
%s      esac
      ;;
  esac
}
# As a file of $fpath it is the function; sourced, it is named.
if [[ $funcstack[1] == _deployrecords ]]; then
  _deployrecords "$@"
else
  compdef _deployrecords deployrecords
fi
`

func writeZsh(w io.Writer, root completion) {
	var commands, arguments strings.Builder
	for _, command := range root.commands {
		fmt.Fprintf(&commands, "    %s\n", quoteShell(command.name+":"+command.help))
		fmt.Fprintf(&arguments, "        %s) _arguments%s", command.name, zshFlags(command))
		switch {
		case command.files:
			arguments.WriteString(" '*:file:_files'")
		case len(command.values) > 0:
			fmt.Fprintf(&arguments, " '1:argument:(%s)'", strings.Join(command.values, " "))
		}
		arguments.WriteString(" ;;\n")
	}
	fmt.Fprintf(w, zshScript, commands.String(), zshFlags(root), arguments.String())
}

var zshHelp = strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `:`, `\:`)

func zshFlags(c completion) string {
	var b strings.Builder
	for _, flag := range c.flags {
		spec := "--" + flag.name
		if flag.repeats {
			spec = "*" + spec
		}
		if flag.takesValue {
			spec += "="
		}
		spec += "[" + zshHelp.Replace(flag.help) + "]"
		switch {
		case flag.files:
			spec += ":file:_files"
		case len(flag.values) > 0:
			spec += ":value:(" + strings.Join(flag.values, " ") + ")"
		case flag.takesValue:
			spec += ":value: "
		}
		b.WriteString(" \\\n          " + quoteShell(spec))
	}
	return b.String()
}

func writeFish(w io.Writer, root completion) {
	fmt.Fprintln(w, "# Completion of deployrecords for fish, made by: deployrecords completion fish")
	fmt.Fprintln(w, "complete -c deployrecords -f")
	fishFlags(w, "__fish_use_subcommand", root)
	for _, command := range root.commands {
		fmt.Fprintf(w, "complete -c deployrecords -n __fish_use_subcommand -a %s -d %s\n", command.name, quoteFish(command.help))
	}
	for _, command := range root.commands {
		condition := "'__fish_seen_subcommand_from " + command.name + "'"
		fishFlags(w, condition, command)
		switch {
		case command.files:
			fmt.Fprintf(w, "complete -c deployrecords -n %s -F\n", condition)
		case len(command.values) > 0:
			fmt.Fprintf(w, "complete -c deployrecords -n %s -a '%s'\n", condition, strings.Join(command.values, " "))
		}
	}
}

func fishFlags(w io.Writer, condition string, c completion) {
	for _, flag := range c.flags {
		value := ""
		switch {
		case flag.files:
			value = " -r -F"
		case len(flag.values) > 0:
			value = " -x -a '" + strings.Join(flag.values, " ") + "'"
		case flag.takesValue:
			value = " -x"
		}
		fmt.Fprintf(w, "complete -c deployrecords -n %s -l %s%s -d %s\n", condition, flag.name, value, quoteFish(flag.help))
	}
}

// quoteShell is for bash and zsh.
func quoteShell(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func quoteFish(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) + "'"
}
