package report

import (
	"fmt"
	"slices"
)

// maxShown is the number of faults per rule that the report shows in full.
const maxShown = 5

// Finding is a rule that answers violate.
type Finding struct {
	Rule *Rule
	Text string
	// Requests are the commands that reproduce the finding. If there are none, [Results.Record] uses its own.
	Requests []string
	// Setting marks a finding that a documented setting of this project's server explains. It is no fault in any run.
	Setting bool
}

// Checks collects the rules that answers were checked against and the findings.
type Checks struct {
	Tried  []*Rule
	Broken []Finding
}

// Try notes that rules were tried.
func (c *Checks) Try(rules ...*Rule) { c.Tried = append(c.Tried, rules...) }

// Fail adds a finding.
func (c *Checks) Fail(rule *Rule, format string, args ...any) {
	c.Broken = append(c.Broken, Finding{Rule: rule, Text: fmt.Sprintf(format, args...)})
}

// Check tries a rule and adds a finding unless ok.
func (c *Checks) Check(rule *Rule, ok bool, format string, args ...any) {
	c.Try(rule)
	if !ok {
		c.Fail(rule, format, args...)
	}
}

// Verdict is the result of a rule in one word.
type Verdict string

// The verdicts of a rule.
const (
	Kept      Verdict = "ok"
	Broken    Verdict = "fault"
	Differs   Verdict = "differs"    // breaks a rule of docs/semantics.md in a run that is not strict, or by a setting
	Unsettled Verdict = "unsettled"  // the data changed during every attempt
	NotJudged Verdict = "not judged" // the run had nothing to try the rule on
)

// Result is the result of a rule.
type Result struct {
	ID       string  `json:"id"`
	Basis    Basis   `json:"basis"`
	Number   string  `json:"number,omitempty"`
	Sentence string  `json:"sentence"`
	Verdict  Verdict `json:"verdict"`
	// Tried counts the checks of the rule, Faults the failed ones.
	Tried  int     `json:"tried"`
	Faults int     `json:"faults"`
	Shown  []Fault `json:"shown,omitempty"`
	// Why is the reason for the verdicts Unsettled and NotJudged.
	Why string `json:"why,omitempty"`

	unsettled int
	settings  int // the findings among Faults that a setting explains
}

// Fault is one violation of a rule.
type Fault struct {
	Text string `json:"text"`
	// Requests are commands that reproduce the fault, with $TOKEN in place of the token.
	Requests []string `json:"requests"`
}

// Results holds the result of every rule during a run.
type Results struct {
	byRule map[*Rule]*Result
	bases  []Basis
	// printable makes text from the server safe to print.
	printable func(string) string
}

// NewResults returns empty results. The report has the rules of the bases.
func NewResults(printable func(string) string, bases ...Basis) *Results {
	r := &Results{byRule: make(map[*Rule]*Result), bases: bases, printable: printable}
	for _, rule := range catalogue {
		r.byRule[rule] = &Result{ID: rule.ID, Basis: rule.Basis, Number: rule.Number, Sentence: rule.Sentence}
	}
	return r
}

// Of returns the result of a rule.
func (r *Results) Of(rule *Rule) *Result { return r.byRule[rule] }

// Record adds checks. The requests are those of findings that have none. A fault that the same requests show as an earlier
// one is counted but not shown again.
func (r *Results) Record(c *Checks, requests ...string) {
	for _, rule := range c.Tried {
		r.byRule[rule].Tried++
	}
	for _, finding := range c.Broken {
		result := r.byRule[finding.Rule]
		result.Faults++
		if finding.Setting {
			result.settings++
		}
		fault := Fault{Text: r.printable(finding.Text), Requests: finding.Requests}
		if fault.Requests == nil {
			fault.Requests = requests
		}
		shown := slices.ContainsFunc(result.Shown, func(f Fault) bool { return slices.Equal(f.Requests, fault.Requests) })
		if len(result.Shown) < maxShown && !shown {
			result.Shown = append(result.Shown, fault)
		}
	}
}

// Unsettled notes that the data changed during every attempt to check a rule.
func (r *Results) Unsettled(rule *Rule) { r.byRule[rule].unsettled++ }

// NotJudged sets the reason that the report gives for rules that no check tries. The last reason wins.
func (r *Results) NotJudged(why string, rules ...*Rule) {
	for _, rule := range rules {
		r.byRule[rule].Why = why
	}
}

// All returns the results in the order of the report, with their verdicts.
func (r *Results) All(strict bool) []Result {
	all := make([]Result, 0, len(catalogue))
	for _, rule := range catalogue {
		if slices.Contains(r.bases, rule.Basis) {
			all = append(all, r.byRule[rule].withVerdict(strict))
		}
	}
	return all
}

func (r Result) withVerdict(strict bool) Result {
	why := r.Why
	r.Why = ""
	switch {
	case r.Faults > 0 && (r.Basis == Own && !strict || r.Faults == r.settings):
		r.Verdict = Differs
	case r.Faults > 0:
		r.Verdict = Broken
	case r.Tried > 0:
		r.Verdict = Kept
	case r.unsettled > 0:
		r.Verdict, r.Why = Unsettled, fmt.Sprintf("the data changed each of the %d times that it was tried: others write", r.unsettled)
	case why != "":
		r.Verdict, r.Why = NotJudged, why
	default:
		r.Verdict, r.Why = NotJudged, "no answer was about it"
	}
	return r
}
