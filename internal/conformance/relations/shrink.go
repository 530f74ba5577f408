package relations

import (
	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// shrink finds the smallest query that reproduces a finding: the empty one, or the query without some of its parameters.
// It does so for the first finding of each rule.
func (s *Suite) shrink(r client.Request, c *report.Checks) {
	for i := range c.Broken {
		f := &c.Broken[i]
		if len(s.results.Of(f.Rule).Shown) > 0 || f.Rule.Basis == report.Own && !s.Strict || len(r.Query) == 0 {
			continue
		}
		smallest := r
		reproduces := func(q client.Query) bool {
			smaller := s.requestFor(q).As(r.Credentials)
			if smaller.RawQuery == smallest.RawQuery || s.sent >= s.limit {
				return false // without requests left, the larger request is shown
			}
			a := s.send(smaller)
			if a == nil {
				return false
			}
			for _, again := range s.checkAnswer(a).Broken {
				if again.Rule == f.Rule {
					smallest, f.Text = smaller, again.Text
					return true
				}
			}
			return false
		}
		if !reproduces(nil) && len(r.Query) > 1 {
			for i := 0; i < len(smallest.Query); {
				if len(smallest.Query) == 1 || !reproduces(smallest.Query.Without(i)) {
					i++
				}
			}
		}
		f.Requests = s.commands(&client.Answer{Request: smallest})
	}
}
