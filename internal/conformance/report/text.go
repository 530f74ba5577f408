package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/template"
)

// text is the report for people.
var text = template.Must(template.New("report").Funcs(template.FuncMap{
	"section": func(r *Report, title string, v Verdict) section { return section{r, title, v} },
	"total":   formatTotal,
	"line":    ruleLine,
	"minus":   func(a, b int) int { return a - b },
}).Parse(`{{.URL}}
  against {{.Document}} ({{.Digest}})
  {{.Requests}} requests of at most {{.Limit}}, seed {{.Seed}}{{if .Strict}}, strict{{end}}, {{printf "%.1f" .Seconds}} s

{{range .Groups}}{{.Title}}{{if and (eq .Basis "own") (not $.Strict)}} (faults only with --strict){{end}}
{{range .Rules}}{{line .}}{{end}}
{{end}}Observed behaviour
{{range .Profile}}  {{.What}}: {{.How}}
{{end}}
{{- template "section" section . "Faults" "fault"}}
{{- template "section" section . "Differences from docs/semantics.md, which are no faults" "differs"}}
{{- with .Comparison}}
Compared with {{.URL}}
  {{.Different}} of {{.Asked}} answers differ; {{.Unsettled}} changed during the comparison
{{range .ByKind}}  {{.Kind}}: {{.Different}}
{{range .Shown}}    - {{.Text}}
      {{.Request}}
      {{.Other}}
{{end}}{{template "more" minus .Different (len .Shown)}}{{end}}{{end}}
Coverage
  records: {{total .Data.LatestTotal}} latest, {{total .Data.HistoryTotal}} in the history, {{.Data.RecordsMet}} met{{if .Has "recording"}}, {{.Data.Recordings}} recordings sent{{end}}
  rules: {{.Judged}} judged, {{.Count "not judged"}} not judged, {{.Count "unsettled"}} not settled
{{range .Remarks}}  {{.}}
{{end}}
{{.Summary}}
{{define "more"}}{{if gt . 0}}    - and {{.}} more
{{end}}{{end}}
{{- define "section"}}{{$verdict := .Verdict}}{{if .Report.Count $verdict}}
{{.Title}}
{{range .Report.Rules}}{{if eq .Verdict $verdict}}  {{.ID}}: {{.Sentence}}
{{range .Shown}}    - {{.Text}}
{{range .Requests}}      {{.}}
{{end}}{{end}}{{template "more" minus .Faults (len .Shown)}}{{end}}{{end}}{{end}}{{end}}`))

// section lists the findings with a verdict.
type section struct {
	Report  *Report
	Title   string
	Verdict Verdict
}

func (r *Report) writeText(w io.Writer) error { return text.Execute(w, r) }

// ruleLine returns the line of a rule, and a second line with the reason if the rule has no verdict.
func ruleLine(r Result) string {
	name := r.ID
	if r.Number != "" {
		name += " (" + r.Number + ")"
	}
	verdict, tried := string(r.Verdict), checksText(r)
	if tried != "" {
		tried = strings.ReplaceAll(tried, " of ", "/") + "×"
	}
	if r.Verdict == Broken {
		verdict = strings.ToUpper(verdict)
	}
	const format = "  %-10s %9s  %-26s %s\n"
	line := fmt.Sprintf(format, verdict, tried, name, r.Sentence)
	if r.Why != "" {
		line += fmt.Sprintf(format, "", "", "", "  "+r.Why)
	}
	return line
}

func formatTotal(n int64) string {
	if n < 0 {
		return "an unknown number of"
	}
	return strconv.FormatInt(n, 10)
}
