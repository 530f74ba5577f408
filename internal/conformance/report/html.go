package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

// page is the template of the report as one HTML page. It loads nothing, runs no script, and its policy forbids both.
//
//go:embed report.html
var page string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"total":  formatTotal,
	"minus":  func(a, b int) int { return a - b },
	"checks": checksText,
	"class":  func(v Verdict) string { return verdictClasses[v] },
}).Parse(page))

// verdictClasses are the classes of the style sheet.
var verdictClasses = map[Verdict]string{Kept: "ok", Broken: "fault", Differs: "differs", Unsettled: "open", NotJudged: "open"}

func (r *Report) writeHTML(w io.Writer) error { return pageTemplate.Execute(w, r) }

// Groups returns the rules that the run tried, by their basis.
func (r *Report) Groups() []Group {
	var groups []Group
	for _, basis := range bases {
		group := Group{Basis: basis, Title: titles[basis]}
		for _, result := range r.Rules {
			if result.Basis == basis {
				group.Rules = append(group.Rules, result)
			}
		}
		if group.Rules != nil {
			groups = append(groups, group)
		}
	}
	return groups
}

// Group is the results of rules with one basis.
type Group struct {
	Basis Basis
	Title string
	Rules []Result
}

// With returns the results with a verdict.
func (r *Report) With(v Verdict) (results []Result) {
	for _, result := range r.Rules {
		if result.Verdict == v {
			results = append(results, result)
		}
	}
	return results
}

// checksText returns how often a rule was checked, and how often it failed.
func checksText(r Result) string {
	switch r.Verdict {
	case NotJudged, Unsettled:
		return ""
	case Broken, Differs:
		return fmt.Sprintf("%d of %d", r.Faults, max(r.Tried, r.Faults))
	}
	return fmt.Sprint(r.Tried)
}
