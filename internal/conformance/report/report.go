// Package report holds the rules of the conformance suite, the results of checking answers against them, and the report in
// its formats.
package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Report is the outcome of a run.
type Report struct {
	URL      string  `json:"url"`
	Document string  `json:"document"`
	Digest   string  `json:"document_digest"`
	Strict   bool    `json:"strict"`
	Seed     uint64  `json:"seed"`
	Requests int     `json:"requests"`
	Limit    int     `json:"requests_limit"`
	Seconds  float64 `json:"seconds"`
	// Data is the amount of data that the run saw, Profile the server's observed behaviour.
	Data    Data       `json:"data"`
	Profile []Observed `json:"profile"`
	Rules   []Result   `json:"rules"`
	// Remarks are limits of the verdict.
	Remarks []string `json:"remarks"`
	// Broken is the reason why the run ended early, or "".
	Broken     string      `json:"broken,omitempty"`
	Comparison *Comparison `json:"comparison,omitempty"`
}

// Data counts records. A total is -1 if the server does not report it.
type Data struct {
	LatestTotal  int64 `json:"latest_total"`
	HistoryTotal int64 `json:"history_total"`
	RecordsMet   int   `json:"records_met"`
	// Recordings counts the requests that record, invalid ones included.
	Recordings int `json:"recordings,omitempty"`
}

// Observed is the server's behaviour on a point that the document leaves open.
type Observed struct {
	What string `json:"what"`
	How  string `json:"how"`
}

// Faults returns the number of broken rules.
func (r *Report) Faults() int { return r.Count(Broken) }

// Judged returns the number of rules that were checked.
func (r *Report) Judged() int { return r.Count(Kept) + r.Count(Broken) + r.Count(Differs) }

// Count returns the number of rules with a verdict.
func (r *Report) Count(v Verdict) (n int) {
	for _, o := range r.Rules {
		if o.Verdict == v {
			n++
		}
	}
	return n
}

// Has reports whether the run tried rules of the basis.
func (r *Report) Has(basis Basis) bool {
	return slices.ContainsFunc(r.Rules, func(o Result) bool { return o.Basis == basis })
}

// Summary returns the verdict in one line.
func (r *Report) Summary() string {
	parts := []string{fmt.Sprintf("%d of %d rules broken", r.Faults(), len(r.Rules))}
	if r.Faults() == 0 {
		parts[0] = fmt.Sprintf("no faults, by the %d of %d rules that could be judged", r.Judged(), len(r.Rules))
	}
	if differ := r.Count(Differs); !r.Strict || differ > 0 {
		parts = append(parts, fmt.Sprintf("%d observed to differ from docs/semantics.md", differ))
	}
	if c := r.Comparison; c != nil {
		parts = append(parts, fmt.Sprintf("%d of %d answers differ from those of %s", c.Different, c.Asked, c.URL))
	}
	if r.Broken != "" {
		parts = append(parts, "the run ended early: "+r.Broken)
	}
	return strings.Join(parts, "; ")
}

// Formats are the formats of [Report.Write].
var Formats = []string{"text", "json", "junit", "html", "github"}

// Write writes the report in one of [Formats].
func (r *Report) Write(w io.Writer, format string) error {
	switch format {
	case "text":
		return r.writeText(w)
	case "json":
		return r.writeJSON(w)
	case "junit":
		return r.writeJUnit(w)
	case "html":
		return r.writeHTML(w)
	case "github":
		return r.writeGitHub(w)
	}
	return fmt.Errorf("%q is not one of %s", format, strings.Join(Formats, ", "))
}
