package conformance

import (
	"fmt"
	"slices"
)

// mostFaults is how many faults of a rule are told in full.
const mostFaults = 5

// Fault is something that an answer, or several, show to be broken.
type Fault struct {
	Text string `json:"text"`
	// Requests are the commands that show it, with the token left out.
	Requests []string `json:"requests"`
}

// outcome is what came of a rule.
type outcome struct {
	rule   *Rule
	tried  int
	broken int
	// unsettled is how often answers changed while the rule was judged.
	unsettled int
	faults    []Fault
	notJudged string
}

// ledger keeps the outcomes of all rules.
type ledger struct {
	client   *client
	outcomes map[*Rule]*outcome
}

func newLedger(c *client) *ledger {
	l := &ledger{client: c, outcomes: make(map[*Rule]*outcome)}
	for _, rule := range catalogue.rules {
		l.outcomes[rule] = &outcome{rule: rule}
	}
	return l
}

// enter takes in what was judged. shown stands in for findings that name no requests.
func (l *ledger) enter(j *judgement, shown ...request) {
	for _, rule := range j.tried {
		l.outcomes[rule].tried++
	}
	for _, f := range j.broken {
		o := l.outcomes[f.rule]
		o.broken++
		requests := f.show
		if requests == nil {
			requests = shown
		}
		fault := Fault{Text: l.client.printable(f.text)}
		for _, r := range requests {
			if curl := r.curl(l.client.base); !slices.Contains(fault.Requests, curl) {
				fault.Requests = append(fault.Requests, curl)
			}
		}
		if len(o.faults) < mostFaults && !o.has(fault) {
			o.faults = append(o.faults, fault)
		}
	}
}

// has says whether a fault like this one is told already.
func (o *outcome) has(fault Fault) bool {
	for _, told := range o.faults {
		if fmt.Sprint(told.Requests) == fmt.Sprint(fault.Requests) {
			return true
		}
	}
	return false
}

// notJudged says why rules could not be tried, should it come to that. The last reason stands.
func (l *ledger) notJudged(why string, rules ...*Rule) {
	for _, rule := range rules {
		l.outcomes[rule].notJudged = why
	}
}
