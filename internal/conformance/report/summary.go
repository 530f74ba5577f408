package report

import (
	"fmt"
	"io"
	"strings"
)

// MaxSummary is the size of the largest step summary that GitHub accepts.
const MaxSummary = 1 << 20

// WriteSummary writes the report as the Markdown of a step summary of GitHub Actions. Beyond limit bytes it leaves requests out
// and writes how many.
func (r *Report) WriteSummary(w io.Writer, limit int) error {
	s := summary{}
	s.add("## conform: %s\n\n%s\n\n", inline(r.URL), inline(r.Summary()))
	s.add("Judged by %s, %d requests, seed %d.\n", inline(r.Document), r.Requests, r.Seed)
	for _, remark := range r.Remarks {
		s.add("\n%s\n", inline(remark))
	}
	for _, v := range []struct {
		title   string
		verdict Verdict
	}{{"Faults", Broken}, {"Differences from docs/semantics.md, which are no faults", Differs}} {
		results := r.With(v.verdict)
		if len(results) == 0 {
			continue
		}
		s.add("\n### %s\n\n| Rule | Checks | |\n|---|---|---|\n", v.title)
		for _, result := range results {
			s.add("| `%s` | %s | %s |\n", result.ID, checksText(result), inline(result.Sentence))
		}
		for _, result := range results {
			s.addFaults(result.ID, result.Shown)
		}
	}
	if c := r.Comparison; c != nil {
		s.add("\n### Compared with %s\n\n%d of %d answers differ.\n", inline(c.URL), c.Different, c.Asked)
		for _, kind := range c.ByKind() {
			var faults []Fault
			for _, d := range kind.Shown {
				faults = append(faults, Fault{d.Text, []string{d.Request, d.Other}})
			}
			s.addFaults(fmt.Sprintf("%s: %d", kind.Kind, kind.Different), faults)
		}
	}
	_, err := io.WriteString(w, s.within(limit))
	return err
}

// summary is a text in parts.
type summary []summaryPart

// summaryPart is a part that stays or, if it has faults, may be left out.
type summaryPart struct {
	text   string
	faults int
}

func (s *summary) add(format string, args ...any) {
	*s = append(*s, summaryPart{text: fmt.Sprintf(format, args...)})
}

// addFaults adds faults as a block that opens on a click.
func (s *summary) addFaults(title string, faults []Fault) {
	*s = append(*s, summaryPart{collapsed(title, faults), len(faults)})
}

// within returns the text without the blocks that do not fit into a number of bytes, and with a line about them.
func (s summary) within(limit int) string {
	const leftOut = "\n%d faults with their requests are left out, since GitHub accepts no more. `--output text` has them.\n"
	limit -= len(leftOut) + 10 // digits
	for _, part := range s {
		if part.faults == 0 {
			limit -= len(part.text)
		}
	}
	var text strings.Builder
	missing := 0
	for _, part := range s {
		switch {
		case part.faults == 0:
		case len(part.text) <= limit:
			limit -= len(part.text)
		default:
			missing += part.faults
			continue
		}
		text.WriteString(part.text)
	}
	if missing > 0 {
		fmt.Fprintf(&text, leftOut, missing)
	}
	return text.String()
}

// collapsed returns faults with their requests as a block that opens on a click.
func collapsed(title string, faults []Fault) string {
	var lines []string
	for _, fault := range faults {
		lines = append(lines, fault.Text)
		for _, request := range fault.Requests {
			lines = append(lines, "  "+request)
		}
	}
	block := strings.Join(lines, "\n")
	fence := "```"
	for strings.Contains(block, fence) {
		fence += "`"
	}
	return fmt.Sprintf("\n<details><summary>%s</summary>\n\n%stext\n%s\n%s\n\n</details>\n", escapeMarkdown.Replace(title), fence, block, fence)
}

// escapeMarkdown keeps text from being read as Markdown or HTML.
var escapeMarkdown = func() *strings.Replacer {
	pairs := []string{"&", "&amp;", "<", "&lt;", ">", "&gt;", "\n", " ", "\r", " "}
	for _, c := range "\\`*_{}[]()#+!|~" {
		pairs = append(pairs, string(c), "\\"+string(c))
	}
	return strings.NewReplacer(pairs...)
}()

// inline returns text as a part of a line of Markdown.
func inline(text string) string { return escapeMarkdown.Replace(text) }
