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
