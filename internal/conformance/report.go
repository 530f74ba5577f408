package conformance

import (
	"fmt"
	"slices"
	"strings"
)

// Verdict is what came of a rule.
type Verdict string

const (
	Kept      Verdict = "ok"
	Broken    Verdict = "fault"
	Differs   Verdict = "differs"    // from docs/semantics.md, and the suite is not strict
	Unsettled Verdict = "unsettled"  // the data changed whenever it was tried
	NotJudged Verdict = "not judged" // there was nothing to try it on
)

// Report is what came of a run.
type Report struct {
	URL      string  `json:"url"`
	Document string  `json:"document"`
	Digest   string  `json:"document_digest"`
	Strict   bool    `json:"strict"`
	Seed     uint64  `json:"seed"`
	Requests int     `json:"requests"`
	Limit    int     `json:"requests_limit"`
	Seconds  float64 `json:"seconds"`
	// Data is what could be seen, and Profile what the server was observed to do.
	Data    Data       `json:"data"`
	Profile []Observed `json:"profile"`
	Rules   []Outcome  `json:"rules"`
	// Remarks say what limits the verdict.
	Remarks []string `json:"remarks"`
	// Broken says why the run ended early, if it did.
	Broken     string      `json:"broken,omitempty"`
	Comparison *Comparison `json:"comparison,omitempty"`
}

// Data says how much there was to judge by. Totals are -1 if the server does not tell them.
type Data struct {
	LatestTotal  int64 `json:"latest_total"`
	HistoryTotal int64 `json:"history_total"`
	RecordsMet   int   `json:"records_met"`
}

// Observed is how the server does what the document leaves open.
type Observed struct {
	What string `json:"what"`
	How  string `json:"how"`
}

// Outcome is what came of a rule.
type Outcome struct {
	ID       string  `json:"id"`
	Basis    Basis   `json:"basis"`
	Number   string  `json:"number,omitempty"`
	Sentence string  `json:"sentence"`
	Verdict  Verdict `json:"verdict"`
	// Tried is how often answers were held against the rule, and Faults how often they broke it.
	Tried  int     `json:"tried"`
	Faults int     `json:"faults"`
	Shown  []Fault `json:"shown,omitempty"`
	Why    string  `json:"why,omitempty"`
}

// Faults is how many rules are broken.
func (r *Report) Faults() int { return r.count(Broken) }

// Judged is how many rules have a verdict.
func (r *Report) Judged() int { return r.count(Kept) + r.count(Broken) + r.count(Differs) }

func (r *Report) count(v Verdict) (n int) {
	for _, o := range r.Rules {
		if o.Verdict == v {
			n++
		}
	}
	return n
}

func (s *suite) report(o Options) *Report {
	r := &Report{
		URL: s.client.base, Document: o.DocumentName, Digest: s.doc.digest, Strict: o.Strict, Seed: o.Seed, Requests: s.sent, Limit: o.Requests,
		Data: Data{s.latestTotal, s.historyTotal, len(s.met)},
	}
	for _, rule := range catalogue.rules {
		r.Rules = append(r.Rules, s.outcomes[rule].report(o.Strict))
	}
	r.Profile = s.profile()
	r.Remarks = s.remarks(r)
	return r
}

func (o *outcome) report(strict bool) Outcome {
	out := Outcome{ID: o.rule.ID, Basis: o.rule.Basis, Number: o.rule.Number, Sentence: o.rule.Sentence, Tried: o.tried, Faults: o.broken, Shown: o.faults}
	switch {
	case o.broken > 0 && o.rule.Basis == Own && !strict:
		out.Verdict = Differs
	case o.broken > 0:
		out.Verdict = Broken
	case o.tried > 0:
		out.Verdict = Kept
	case o.unsettled > 0:
		out.Verdict, out.Why = Unsettled, fmt.Sprintf("the data changed each of the %d times that it was tried: others write", o.unsettled)
	default:
		out.Verdict, out.Why = NotJudged, o.notJudged
		if out.Why == "" {
			out.Why = "no answer was about it"
		}
	}
	return out
}

// remarks say what a reader of the verdict should know.
func (s *suite) remarks(r *Report) (remarks []string) {
	switch {
	case s.historyTotal == 0:
		remarks = append(remarks, "The server has no records: of filters, pages, order and history, this proves little.")
	case s.historyTotal > 0 && len(s.met) < 10:
		remarks = append(remarks, fmt.Sprintf("There were %d records to judge by: this proves little of filters, pages, order and history.", len(s.met)))
	}
	for _, p := range s.doc.parameters {
		if p.isText() && p.field == nil && len(s.given[p.name]) == 0 {
			remarks = append(remarks, "Whether "+p.name+" finds the right records was not judged: records do not show it. A value that is known can be given: --value "+p.name+"=…")
		}
	}
	if len(s.cut) > 0 {
		remarks = append(remarks, "The number of requests was used up in: "+strings.Join(s.cut, ", ")+". More can be allowed: --requests.")
	}
	if n := r.count(Unsettled); n > 0 {
		remarks = append(remarks, fmt.Sprintf("%d rules were not settled: the data changed whenever they were tried.", n))
	}
	return remarks
}

// profile says how the server does what the document leaves open.
func (s *suite) profile() []Observed {
	number := func(n int64) string {
		if n <= 0 {
			return "not known"
		}
		return itoa(n)
	}
	verdict := func(rule *Rule, kept, broken string) string {
		switch o := s.outcomes[rule]; {
		case o.broken > 0:
			return broken
		case o.tried > 0:
			return kept
		default:
			return "not known"
		}
	}
	first := verdict(ownPageBase, "pages, from "+itoa(s.firstPage), "records, from 0")
	return []Observed{
		{"pagination.page counts", first},
		{"page size if none is asked for", number(s.defaultSize)},
		{"largest page size", number(s.maxSize)},
		{"order", s.observedOrder()},
		{"filters without full_history", verdict(ownAfterLatest, "choose among the latest records", "choose before the latest are found")},
		{"a name that nothing has", verdict(ownUnknownName, "200 and an empty list", s.firstText(ownUnknownName))},
		{"a text filter without a value", verdict(ownEmptyText, "as if absent", "filters")},
		{"a parameter given twice", verdict(ownRepeated, "400", s.firstText(ownRepeated))},
		{"a parameter that nobody knows", verdict(ownUnknownParam, "ignored", s.firstText(ownUnknownParam))},
		{"a negative page or page size", verdict(ownNegative, "400", s.firstText(ownNegative))},
		{"other spellings of numbers, booleans and enums", verdict(ownSpelling, "400", s.firstText(ownSpelling))},
		{"filters", verdict(ownExact, "match exactly", s.firstText(ownExact))},
	}
}

func (s *suite) firstText(rule *Rule) string {
	if faults := s.outcomes[rule].faults; len(faults) > 0 {
		return faults[0].Text
	}
	return ""
}

// observedOrder compares the records of the first pages.
func (s *suite) observedOrder() string {
	o := s.outcomes[ownOrder]
	switch {
	case o.tried == 0:
		return "not known"
	case o.broken == 0:
		return "created_at, then id, both descending"
	case len(o.faults) > 0 && slices.ContainsFunc(o.faults, func(f Fault) bool { return len(f.Requests) > 0 }):
		return "another than created_at, then id, both descending"
	}
	return "not known"
}
