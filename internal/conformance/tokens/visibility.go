package tokens

import (
	"slices"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// maxRounds limits the attempts to compare lists that others change.
const maxRounds = 5

const projectParameter = "project_name"

// queries are lists to compare: both sets, pages, and filters by the values of some records.
func (s *Suite) queries(records []*client.Value) []client.Query {
	all := []client.Query{nil, {{Name: "full_history", Value: "true"}}}
	for _, size := range []string{"1", "3"} {
		all = append(all, client.Query{{Name: "full_history", Value: "true"}, {Name: s.list.Layout.SizeParameter, Value: size}, {Name: s.list.Layout.PageParameter, Value: "1"}})
	}
	for _, p := range s.list.Parameters {
		values := p.Enum()
		for _, record := range records[:min(len(records), 3)] {
			if p.Field != nil && record.Text(p.Field...) != "" && !slices.Contains(values, record.Text(p.Field...)) {
				values = append(values, record.Text(p.Field...))
			}
		}
		for _, value := range values {
			all = append(all, client.Query{{Name: p.Name, Value: value}}, client.Query{{Name: p.Name, Value: value}, {Name: "full_history", Value: "true"}})
		}
	}
	return slices.DeleteFunc(all, func(q client.Query) bool {
		return slices.ContainsFunc(q, func(pair client.Pair) bool {
			p := s.list.Parameter(pair.Name)
			return p == nil || !p.Accepts(pair.Value)
		})
	})
}

// checkProject compares what a token with a project sees with what the filter by its project finds (T5).
func (s *Suite) checkProject() {
	if claim := s.others[Project].Claim(projectParameter); claim != "" {
		s.project = claim
	}
	switch {
	case s.project == "":
		s.results.NotJudged("the token's claims name no project; --value project_name=… does", report.TokensProject)
	case s.list.Parameter(projectParameter) == nil:
		s.results.NotJudged("the document has no "+projectParameter, report.TokensProject)
	default:
		for _, q := range s.queries(s.history()) {
			s.compareProject(q)
		}
		own := client.NewRequest(s.list.Path, client.Query{{Name: projectParameter, Value: s.project}})
		s.requireSame(Project, report.TokensProject, own, own)
	}
	s.requireNoRecording(Project, report.TokensProjectRecords)
}

// compareProject sends a query with the token that has a project, and with the filter and the token of the run.
func (s *Suite) compareProject(q client.Query) {
	limited, filtered := client.NewRequest(s.list.Path, q), client.NewRequest(s.list.Path, q.With(projectParameter, s.project))
	s.requireSame(Project, report.TokensProject, limited, filtered)
}

// requireSame requires the answer to a request with the token of a kind to be that to another with the token of the run.
func (s *Suite) requireSame(kind string, rule *report.Rule, r, other client.Request) {
	for range maxRounds {
		before, got, after := s.send("", other), s.send(kind, r), s.send("", other)
		if s.err != nil {
			return
		}
		if !slices.Equal(lines(before), lines(after)) {
			continue // others write
		}
		here, there := client.DifferingLines(lines(got), lines(before))
		s.check(rule, here == there && got.Status == before.Status, []answer{got, before}, "%s with the token of the kind %s; %s with the other", here, kind, there)
		return
	}
	s.results.Unsettled(rule)
}

// lines returns the body of an answer, one line for each value.
func lines(a answer) []string {
	if a.Value == nil {
		return nil
	}
	return a.Value.Lines()
}

// history returns the newest records that the token of the run sees.
func (s *Suite) history() []*client.Value {
	a := s.send("", s.request("full_history", "true"))
	if a.List == nil {
		return nil
	}
	return a.List.Records
}

// checkOrganization looks for records of the first organization with the token of another one (T3).
func (s *Suite) checkOrganization() {
	records := s.history()
	if len(records) == 0 {
		s.results.NotJudged("the first organization has no records", report.TokensOrganization, report.TokensHidden)
		return
	}
	ids := client.IDs(records)
	const unused = "no-such-name-5e1f"
	if a := s.send(Organization, client.NewRequest(s.list.Path, nil)); a.List == nil {
		s.results.NotJudged("the token of another organization is answered with "+s.first.Summary(a.Answer), report.TokensOrganization, report.TokensHidden)
		return
	}
	for _, q := range s.queries(records) {
		a := s.send(Organization, client.NewRequest(s.list.Path, q))
		if a.List == nil {
			s.check(report.TokensOrganization, false, []answer{a}, "the list is answered with %s", s.first.Summary(a.Answer))
			continue
		}
		for _, id := range client.IDs(a.List.Records) {
			s.check(report.TokensOrganization, !slices.Contains(ids, id), []answer{a}, "the record %s of the first organization is listed", id)
		}
	}
	for _, p := range s.list.Parameters {
		if p.Field == nil || !p.IsText() {
			continue
		}
		nothing := s.send(Organization, s.request(p.Name, unused))
		for _, record := range records[:min(len(records), 3)] {
			name := record.Text(p.Field...)
			if name == "" {
				continue
			}
			a := s.send(Organization, s.request(p.Name, name))
			if a.List != nil && a.List.Total > 0 {
				continue // the other organization has the name too
			}
			same := a.Status == nothing.Status && (a.List == nil || slices.Equal(lines(a), lines(nothing)))
			s.check(report.TokensHidden, same, []answer{a, nothing},
				"a name of the first organization is answered with %s, and one that nobody has with %s", s.first.Summary(a.Answer), s.first.Summary(nothing.Answer))
		}
	}
}
