package openapi

import (
	"maps"
	"net/url"
	"slices"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// unknownParameters returns a violation for each query parameter that the document does not name, with the documented
// name that is nearest to it (Q1).
func (o *Operation) unknownParameters(query url.Values) (violations []string) {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if o.documents(name) {
			continue
		}
		violation := deployments.QuoteName(name) + ": is not a parameter of " + o.Name()
		if len(o.Endpoint.Query) == 0 {
			violation += ", which has none"
		} else if nearest := deployments.Nearest(name, o.Endpoint.Query); nearest != "" {
			violation += "; the nearest one is " + nearest
		}
		violations = append(violations, violation)
	}
	return violations
}

// documents reports whether a name in a query belongs to a documented parameter, implemented or not.
func (o *Operation) documents(name string) bool {
	for _, parameter := range o.query {
		if parameter.Name == name {
			return true
		}
	}
	return slices.ContainsFunc(o.unsupported, func(p unsupportedParameter) bool { return p.hasName(name) })
}
