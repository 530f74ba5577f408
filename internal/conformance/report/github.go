package report

import (
	"fmt"
	"io"
	"strings"
)

// maxAnnotations is the number of annotations of a level that GitHub shows for a step.
const maxAnnotations = 10

// writeGitHub writes workflow commands of GitHub Actions: an error for each broken rule and each kind of difference between
// two servers, a warning for each rule that differs.
func (r *Report) writeGitHub(w io.Writer) error {
	var errs, warnings []annotation
	for _, result := range r.Rules {
		switch result.Verdict {
		case Broken:
			errs = append(errs, annotationOf(result))
		case Differs:
			warnings = append(warnings, annotationOf(result))
		}
	}
	if c := r.Comparison; c != nil {
		for _, kind := range c.ByKind() {
			errs = append(errs, annotation{"comparison: " + kind.Kind, fmt.Sprintf("%d answers differ from those of %s. %s", kind.Different, c.URL, kind.Shown[0].Text)})
		}
	}
	if r.Broken != "" {
		errs = append(errs, annotation{"the run ended early", r.Broken})
	}
	var text strings.Builder
	writeAnnotations(&text, "error", errs)
	writeAnnotations(&text, "warning", warnings)
	writeAnnotations(&text, "notice", []annotation{{"conform", r.Summary()}})
	_, err := io.WriteString(w, text.String())
	return err
}

type annotation struct{ title, text string }

func annotationOf(r Result) annotation {
	text := r.Sentence
	if len(r.Shown) > 0 {
		text += "\n" + r.Shown[0].Text + "\n" + strings.Join(r.Shown[0].Requests, "\n")
	}
	return annotation{"conform: " + r.ID, text}
}

func writeAnnotations(w *strings.Builder, level string, all []annotation) {
	for i, a := range all {
		if left := len(all) - i; i == maxAnnotations-1 && left > 1 {
			a = annotation{"conform", fmt.Sprintf("and %d more, which the summary lists", left)}
		}
		if i < maxAnnotations {
			fmt.Fprintf(w, "::%s title=%s::%s\n", level, escapeProperty.Replace(a.title), escapeData.Replace(a.text))
		}
	}
}

// The escapes of workflow commands keep text of the server from beginning a command of its own.
var (
	escapeData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	escapeProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// WriteSummary writes the report as the Markdown of a step summary of GitHub Actions.
func (r *Report) WriteSummary(w io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "## conform: %s\n\n", inline(r.URL))
	fmt.Fprintf(&text, "%s\n\n", inline(r.Summary()))
	fmt.Fprintf(&text, "Judged by %s, %d requests, seed %d.\n", inline(r.Document), r.Requests, r.Seed)
	for _, v := range []struct {
		title   string
		verdict Verdict
	}{{"Faults", Broken}, {"Differences from docs/semantics.md, which are no faults", Differs}} {
		results := r.With(v.verdict)
		if len(results) == 0 {
			continue
		}
		fmt.Fprintf(&text, "\n### %s\n\n| Rule | Checks | |\n|---|---|---|\n", v.title)
		for _, result := range results {
			fmt.Fprintf(&text, "| `%s` | %s | %s |\n", result.ID, checksText(result), inline(result.Sentence))
		}
		for _, result := range results {
			text.WriteString(collapsed(result.ID, result.Shown))
		}
	}
	if c := r.Comparison; c != nil {
		fmt.Fprintf(&text, "\n### Compared with %s\n\n%d of %d answers differ.\n", inline(c.URL), c.Different, c.Asked)
		for _, kind := range c.ByKind() {
			var faults []Fault
			for _, d := range kind.Shown {
				faults = append(faults, Fault{d.Text, []string{d.Request, d.Other}})
			}
			text.WriteString(collapsed(fmt.Sprintf("%s: %d", kind.Kind, kind.Different), faults))
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
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
