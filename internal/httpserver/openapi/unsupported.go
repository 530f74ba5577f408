package openapi

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/deployrecords/deployrecords/internal/api"
)

// Upstream's document may have operations and parameters that this server does not implement. A request that uses one
// gets a 501: answered as if it did not, it would be another request (Q1).

// unsupportedParameter is a documented parameter that the server does not implement.
type unsupportedParameter struct {
	*openapi3.Parameter
	// keys are the parameter's possible names in a query, prefixes the beginnings of such names.
	keys, prefixes []string
	// others are the names of other query parameters, which the prefixes do not cover.
	others []string
}

func newUnsupportedParameter(parameter *openapi3.Parameter, all openapi3.Parameters) unsupportedParameter {
	p := unsupportedParameter{Parameter: parameter}
	if parameter.In != openapi3.ParameterInQuery {
		return p
	}
	for _, other := range all {
		if other.Value.In == openapi3.ParameterInQuery && other.Value != parameter {
			p.others = append(p.others, other.Value.Name)
		}
	}
	// A parameter that is documented as labels[string] may be written labels[team]=a.
	base, _, _ := strings.Cut(parameter.Name, "[")
	p.keys, p.prefixes = []string{parameter.Name}, []string{base + "["}
	members, _ := ExplodedNames(parameter)
	p.keys = append(p.keys, members...)
	for _, member := range members {
		p.prefixes = append(p.prefixes, member+"[")
	}
	return p
}

// usedBy reports whether the request has the parameter under any of its names.
func (p *unsupportedParameter) usedBy(r *http.Request, query url.Values) bool {
	switch p.In {
	case openapi3.ParameterInHeader:
		return len(r.Header.Values(p.Name)) > 0
	case openapi3.ParameterInCookie:
		_, err := r.Cookie(p.Name)
		return err == nil
	}
	for name := range query {
		if p.hasName(name) {
			return true
		}
	}
	return false
}

// hasName reports whether a name in a query belongs to the parameter.
func (p *unsupportedParameter) hasName(name string) bool {
	return slices.Contains(p.keys, name) || !slices.Contains(p.others, name) &&
		slices.ContainsFunc(p.prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// checkUnsupported returns a 501 that names the unsupported parameters of the request.
func (o *Operation) checkUnsupported(r *http.Request, query url.Values) error {
	var names []string
	for _, parameter := range o.unsupported {
		if parameter.usedBy(r, query) {
			names = append(names, parameter.Name)
		}
	}
	verb := "is"
	switch len(names) {
	case 0:
		return nil
	case 1:
	default:
		verb = "are"
	}
	return &api.Problem{
		Status:  http.StatusNotImplemented,
		Message: fmt.Sprintf("%s: %s not implemented by this server", strings.Join(names, ", "), verb),
	}
}
