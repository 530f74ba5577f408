package relations

import (
	"slices"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/spec"
)

// maxCandidates limits the records of a part that discriminate considers.
const maxCandidates = 25

// filterValues returns values to filter a part by: some that its records have, and one that none of them has.
func (s *Suite) filterValues(part part, p *spec.Parameter) []string {
	if p.IsEnum() {
		unset, _ := p.Default()
		return slices.DeleteFunc(p.Enum(), func(name string) bool { return name == unset })
	}
	values := slices.Clone(s.Values[p.Name])
	if p.Field == nil || !p.IsText() {
		return values
	}
	var others []string
	for _, record := range s.sample(len(s.met)) {
		text := record.Text(p.Field...)
		if text == "" || slices.Contains(values, text) || slices.Contains(others, text) {
			continue
		}
		if s.matches(record, part.Query) && len(values) < 2 {
			values = append(values, text)
		} else {
			others = append(others, text)
		}
	}
	return append(values, others[:min(len(others), 1)]...)
}

// matches reports whether a record has the values of a query, as far as records show them.
func (s *Suite) matches(record *client.Value, q client.Query) bool {
	for _, pair := range q {
		if p := s.doc.Parameter(pair.Name); p != nil && p.Field != nil && record.Text(p.Field...) != pair.Value {
			return false
		}
	}
	return true
}

// matching returns the records that have the values of a query.
func (s *Suite) matching(records []*client.Value, q client.Query) (found []*client.Value) {
	for _, record := range records {
		if s.matches(record, q) {
			found = append(found, record)
		}
	}
	return found
}

// withRequired adds the parameter that p requires. It returns false if no value of that parameter is known.
func (s *Suite) withRequired(q client.Query, p *spec.Parameter) (client.Query, bool) {
	if s.doc.Parameter(p.Requires) == nil || q.Has(p.Requires) {
		return q, true
	}
	known := s.known(p.Requires)
	if len(known) == 0 {
		return q, false
	}
	return q.With(p.Requires, known[0]), true
}

// baseFor returns the query that a parameter needs to be valid.
func (s *Suite) baseFor(p *spec.Parameter) client.Query {
	q, ok := s.withRequired(nil, p)
	if !ok {
		q = q.With(p.Requires, noSuchName)
	}
	return q
}

// discriminate chooses a part of the data and values of two filters such that each filter excludes as much as possible of the
// other's records: this reveals a server that ignores one of them. It returns false if no record has values for both.
func (s *Suite) discriminate(p, other *spec.Parameter, parts ...part) (base, one, two client.Query, ok bool) {
	best := -1.0
	for _, part := range parts {
		q := part.Append(s.history())
		candidates := s.matching(s.sample(len(s.met)), part.Query)
		for _, record := range candidates[:min(len(candidates), maxCandidates)] {
			first, ok := s.filterLike(p, record, q)
			second, ok2 := s.filterLike(other, record, q)
			if !ok || !ok2 {
				continue
			}
			if share := min(s.excludedShare(part.Append(first), second), s.excludedShare(part.Append(second), first)); share > best {
				best, base, one, two = share, q, first, second
			}
		}
	}
	return base, one, two, best >= 0
}

// excludedShare returns the share of the records of a query that a filter excludes.
func (s *Suite) excludedShare(q, filter client.Query) float64 {
	all, out := 0, 0
	for _, id := range s.met {
		if record := s.records[id]; s.matches(record, q) {
			all++
			if !s.matches(record, filter) {
				out++
			}
		}
	}
	return float64(out) / float64(max(all, 1))
}

// filterLike filters by the value of a record, or by a known value if records do not show it. It returns false if there is
// none, or if the query has the filter already.
func (s *Suite) filterLike(p *spec.Parameter, record *client.Value, base client.Query) (client.Query, bool) {
	if base.Has(p.Name) {
		return nil, false
	}
	if p.Field != nil {
		text := record.Text(p.Field...)
		return client.Query{{Name: p.Name, Value: text}}, text != ""
	}
	q, ok := s.withRequired(nil, p)
	if len(s.Values[p.Name]) == 0 || !ok {
		return nil, false
	}
	return q.With(p.Name, s.Values[p.Name][0]), true
}

// forEachPair visits every two filters that do not require each other. n varies with the pair.
func (s *Suite) forEachPair(visit func(n int, p, other *spec.Parameter)) {
	var filters []*spec.Parameter
	for _, p := range s.doc.Parameters {
		if p.IsText() || p.IsEnum() {
			filters = append(filters, p)
		}
	}
	for i, p := range filters {
		for j, other := range filters[:i] {
			if p.Requires != other.Name && other.Requires != p.Name {
				visit(i+j, p, other)
			}
		}
	}
}

// rotate returns the elements from n on, then those before, so that pairs of filters take turns with the parts.
func rotate[E any](elements []E, n int) []E {
	if len(elements) == 0 {
		return nil
	}
	n %= len(elements)
	return slices.Concat(elements[n:], elements[:n])
}

// alternate returns an element of a, then one of b, until both have no more.
func alternate[E any](a, b []E) []E {
	var all []E
	for i := range max(len(a), len(b)) {
		all = append(append(all, a[min(i, len(a)):min(i+1, len(a))]...), b[min(i, len(b)):min(i+1, len(b))]...)
	}
	return all
}
