package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// writeText writes the report for people.
func (r *Report) writeText(w io.Writer) error {
	t := &textReport{w: w}
	t.line("%s", r.URL)
	t.line("  against %s (%s)", r.Document, r.Digest)
	strict := ""
	if r.Strict {
		strict = ", strict"
	}
	t.line("  %d requests of at most %d, seed %d%s, %.1f s", r.Requests, r.Limit, r.Seed, strict, r.Seconds)
	titles := map[Basis]string{
		Document: "Rules of the document",
		Relation: "Metamorphic relations, which hold for every list whatever its data",
		Own:      "Rules of docs/semantics.md, where the document leaves a choice (faults only with --strict)",
	}
	if r.Strict {
		titles[Own] = "Rules of docs/semantics.md, where the document leaves a choice"
	}
	for _, basis := range []Basis{Document, Relation, Own} {
		t.line("\n%s", titles[basis])
		for _, o := range r.Rules {
			if o.Basis == basis {
				t.rule(o)
			}
		}
	}
	t.line("\nObserved behaviour")
	for _, o := range r.Profile {
		t.line("  %s: %s", o.What, o.How)
	}
	t.findings(r, Broken, "Faults")
	if !r.Strict {
		t.findings(r, Differs, "Differences from docs/semantics.md, which are no faults")
	}
	if c := r.Comparison; c != nil {
		t.comparison(c)
	}
	t.line("\nCoverage")
	t.line("  records: %s latest, %s in the history, %d met", total(r.Data.LatestTotal), total(r.Data.HistoryTotal), r.Data.RecordsMet)
	t.line("  rules: %d judged, %d not judged, %d not settled", r.Judged(), r.Count(NotJudged), r.Count(Unsettled))
	for _, remark := range r.Remarks {
		t.line("  %s", remark)
	}
	t.line("\n%s", r.Summary())
	return t.err
}

type textReport struct {
	w   io.Writer
	err error
}

func (t *textReport) line(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format+"\n", args...)
	}
}

func (t *textReport) rule(o Result) {
	name := o.ID
	if o.Number != "" {
		name += " (" + o.Number + ")"
	}
	tried := fmt.Sprintf("%d×", o.Tried)
	switch o.Verdict {
	case NotJudged, Unsettled:
		tried = ""
	case Broken, Differs:
		tried = fmt.Sprintf("%d/%d×", o.Faults, max(o.Tried, o.Faults))
	}
	t.line("  %-10s %9s  %-26s %s", map[Verdict]string{Broken: "FAULT"}[o.Verdict]+strings.TrimPrefix(string(o.Verdict), string(Broken)), tried, name, o.Sentence)
	if o.Why != "" {
		t.line("  %-10s %9s  %-26s   %s", "", "", "", o.Why)
	}
}

func (t *textReport) findings(r *Report, verdict Verdict, title string) {
	if r.Count(verdict) == 0 {
		return
	}
	t.line("\n%s", title)
	for _, o := range r.Rules {
		if o.Verdict != verdict {
			continue
		}
		t.line("  %s: %s", o.ID, o.Sentence)
		for _, fault := range o.Shown {
			t.line("    - %s", fault.Text)
			for _, request := range fault.Requests {
				t.line("      %s", request)
			}
		}
		if more := o.Faults - len(o.Shown); more > 0 {
			t.line("    - and %d more", more)
		}
	}
}

func (t *textReport) comparison(c *Comparison) {
	t.line("\nCompared with %s", c.URL)
	t.line("  %d of %d answers differ; %d changed during the comparison", c.Different, c.Asked, c.Unsettled)
	for _, d := range c.Shown {
		t.line("    - %s", d.Text)
		t.line("      %s", d.Request)
		t.line("      %s", d.Other)
	}
	if more := c.Different - len(c.Shown); more > 0 {
		t.line("    - and %d more", more)
	}
}

func total(n int64) string {
	if n < 0 {
		return "an unknown number of"
	}
	return strconv.FormatInt(n, 10)
}
