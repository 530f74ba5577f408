// Package manpage writes the manual of a command line that kong parses, in the macros of man(7). The only library that does this
// for kong had its last release in 2022, and none prints a help with sections.
package manpage

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// Manual is what the pages have in common. The zero Date is no date.
type Manual struct {
	Program       *kong.Node
	Version, Date string
	// Usage returns how to call a command.
	Usage func(command *kong.Node) string
	// Help returns the help of a flag or an argument.
	Help func(*kong.Value) string
}

// Pages returns the text of each page by the name of its file: one for the program, and one for each command.
func (m Manual) Pages() map[string]string {
	pages := map[string]string{m.name(m.Program) + ".1": m.program()}
	for _, command := range m.commands() {
		pages[m.name(command)+".1"] = m.command(command)
	}
	return pages
}

// commands returns the commands that the help lists.
func (m Manual) commands() (commands []*kong.Node) {
	for _, command := range m.Program.Children {
		if !command.Hidden {
			commands = append(commands, command)
		}
	}
	return commands
}

// name returns the name of a page, such as deployrecords-token-check.
func (m Manual) name(node *kong.Node) string {
	if node == m.Program {
		return node.Name
	}
	return m.Program.Name + "-" + strings.ReplaceAll(node.Name, " ", "-")
}

func (m Manual) program() string {
	summary, _, _ := strings.Cut(m.Program.Help, "\n")
	p := m.page(m.Program, strings.TrimPrefix(summary, m.Program.Name+" "))
	p.prose("DESCRIPTION", m.Program.Help)
	p.options(m, m.Program)
	p.section("COMMANDS")
	for _, command := range m.commands() {
		p.tagged(bold(m.name(command))+"(1)", command.Help)
	}
	return p.String()
}

func (m Manual) command(command *kong.Node) string {
	p := m.page(command, command.Help)
	p.prose("DESCRIPTION", command.Help+"\n\n"+command.Detail)
	p.arguments(m, command)
	p.options(m, command)
	p.sections()
	p.section("SEE ALSO")
	p.line(bold(m.name(m.Program)) + "(1)")
	return p.String()
}

// page returns a page with its title, its name and its usage.
func (m Manual) page(node *kong.Node, summary string) *page {
	p := &page{}
	p.line(fmt.Sprintf(`.TH %s 1 "%s" "%s" "User Commands"`, strings.ToUpper(escape(m.name(node))), m.Date, escape(m.Program.Name+" "+m.Version)))
	p.section("NAME")
	p.line(escape(m.name(node)) + ` \- ` + escape(strings.TrimSuffix(summary, ".")))
	p.section("SYNOPSIS")
	p.line(escape(m.Usage(node)))
	return p
}
