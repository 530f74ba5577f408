package manpage

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// page is the text of a page.
type page struct {
	strings.Builder
	last string // the line that was added last
	// later are the sections of the prose that follow the options.
	later []proseSection
}

type proseSection struct{ title, text string }

// titles are the sections that begin with one of these lines of a help.
var titles = map[string]string{"Exit codes:": "EXIT STATUS", "Example:": "EXAMPLES", "Examples:": "EXAMPLES"}

// escape returns a text without the characters that have a meaning in roff.
func escape(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, `"`, `\(dq`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		return `\&` + text
	}
	return text
}

func bold(text string) string { return `\fB` + escape(text) + `\fR` }

func italic(text string) string { return `\fI` + escape(text) + `\fR` }

// line adds a line of roff.
func (p *page) line(text string) {
	fmt.Fprintln(p, text)
	p.last = text
}

func (p *page) section(title string) { p.line(".SH " + title) }

// prose adds a section with a text whose indented lines are kept as they are. The parts of it that have a title of their own
// are added by sections.
func (p *page) prose(title, text string) {
	p.section(title)
	later := false
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if title, ok := titles[block]; ok {
			p.later = append(p.later, proseSection{title: title})
			later = true
		} else if last := len(p.later) - 1; later {
			p.later[last].text += block + "\n\n"
		} else {
			p.block(block)
		}
	}
}

// sections adds the sections that prose left out.
func (p *page) sections() {
	for _, section := range p.later {
		p.section(section.title)
		for block := range strings.SplitSeq(strings.TrimRight(section.text, "\n"), "\n\n") {
			p.block(block)
		}
	}
}

// block adds a paragraph or, if it is indented, lines that are kept as they are.
func (p *page) block(text string) {
	if !strings.HasPrefix(p.last, ".SH ") { // which begins a paragraph
		p.line(".PP")
	}
	if !strings.HasPrefix(text, " ") {
		p.line(escape(text))
		return
	}
	p.line(".RS 4\n.EX")
	for line := range strings.SplitSeq(text, "\n") {
		p.line(escape(strings.TrimPrefix(line, "  ")))
	}
	p.line(".EE\n.RE")
}

// tagged adds a paragraph with a tag, such as a flag.
func (p *page) tagged(tag, text string) {
	p.line(".TP\n" + tag)
	p.line(escape(text))
}

func (p *page) arguments(m Manual, command *kong.Node) {
	if len(command.Positional) == 0 {
		return
	}
	p.section("ARGUMENTS")
	for _, argument := range command.Positional {
		p.tagged(italic(argument.Summary()), m.Help(argument))
	}
}

// options adds the flags, those of each group under its title.
func (p *page) options(m Manual, node *kong.Node) {
	var groups []string
	flags := map[string][]*kong.Flag{}
	for _, level := range node.AllFlags(true) {
		for _, flag := range level {
			group := ""
			if flag.Group != nil {
				group = flag.Group.Title
			}
			if flags[group] == nil {
				groups = append(groups, group)
			}
			flags[group] = append(flags[group], flag)
		}
	}
	p.section("OPTIONS")
	for _, group := range groups {
		if group != "" {
			p.line(".SS " + escape(group))
		}
		for _, flag := range flags[group] {
			p.tagged(flagTag(flag), m.Help(flag.Value))
		}
	}
}

func flagTag(flag *kong.Flag) string {
	name := "--" + flag.Name
	if flag.Tag.Negatable == "_" { // kong's value for --no-NAME
		name = "--[no-]" + flag.Name
	}
	tag := bold(name)
	if flag.Short != 0 {
		tag = bold("-"+string(flag.Short)) + ", " + tag
	}
	if !flag.IsBool() && !flag.IsCounter() {
		tag += "=" + italic(flag.FormatPlaceHolder())
	}
	return tag
}
