package httpserver

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// unknownParameters returns a violation for each query parameter that the document does not name, with the documented
// name that is nearest to it (Q1).
func (o *operation) unknownParameters(query url.Values) (violations []string) {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if o.documents(name) {
			continue
		}
		violation := deployments.QuoteName(name) + ": is not a parameter of " + o.name()
		if len(o.endpoint.Query) == 0 {
			violation += ", which has none"
		} else if nearest := o.nearestParameter(name); nearest != "" {
			violation += "; the nearest one is " + nearest
		}
		violations = append(violations, violation)
	}
	return violations
}

// documents reports whether a name in a query belongs to a documented parameter, implemented or not.
func (o *operation) documents(name string) bool {
	for _, parameter := range o.query {
		if parameter.Name == name {
			return true
		}
	}
	return slices.ContainsFunc(o.unsupported, func(p unsupportedParameter) bool { return p.hasName(name) })
}

// nearestParameter returns the implemented query parameter whose name differs least, or "" if each one differs in more than
// half of the name.
func (o *operation) nearestParameter(name string) (nearest string) {
	least := len(letters(name))/2 + 1
	for _, known := range o.endpoint.Query {
		if d := nameDistance(name, known); d < least {
			nearest, least = known, d
		}
	}
	return nearest
}

// maxCompared is the number of bytes of a name that are compared. It bounds the time for a long name.
const maxCompared = 64

// nameDistance returns how much a name differs from a known one. Case and separators do not count, as in pageSize, and a
// part of the known name, as page or kind, is nearer than every other name.
func nameDistance(name, known string) int {
	name, known = letters(name[:min(len(name), maxCompared)]), letters(known)
	distance := editDistance(name, known)
	if name != "" && strings.Contains(known, name) {
		return distance - maxCompared
	}
	return distance
}

// letters returns a name in lower case without separators.
func letters(name string) string {
	return strings.ToLower(strings.NewReplacer(".", "", "_", "", "-", "").Replace(name))
}

// editDistance returns the number of bytes to insert, delete or replace to turn a into b (Levenshtein).
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
