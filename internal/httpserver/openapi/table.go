package openapi

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Table finds the documented operation of a request, implemented or not. Echo routes generated operations only,
// and its patterns cannot express every documented path, as "/v1/things/{id}:cancel".
type Table []documentPaths

// NewTable returns a table of documents, each by its operations.
func NewTable(documents ...[]*Operation) Table {
	var t Table
	for _, operations := range documents {
		t = append(t, newDocumentPaths(operations))
	}
	return t
}

// documentPaths has the paths of one document.
type documentPaths struct {
	fixed map[string]methods // without parameters
	// templates have parameters. The more concrete come first.
	templates []template
}

// methods has the operations of a path by method.
type methods map[string]*Operation

type template struct {
	path       string
	expression *regexp.Regexp
	methods
}

func newDocumentPaths(operations []*Operation) documentPaths {
	byPath := make(map[string]methods)
	for _, o := range operations {
		if byPath[o.Route.Path] == nil {
			byPath[o.Route.Path] = make(methods)
		}
		byPath[o.Route.Path][o.Route.Method] = o
	}
	d := documentPaths{fixed: make(map[string]methods)}
	for path, methods := range byPath {
		if !PathParameter.MatchString(path) {
			d.fixed[path] = methods
			continue
		}
		d.templates = append(d.templates, template{path, pathExpression(path), methods})
	}
	slices.SortFunc(d.templates, func(a, b template) int {
		return cmp.Compare(concreteness(a.path), concreteness(b.path))
	})
	return d
}

// pathExpression matches the paths of a template. A parameter is a segment or a part of one, and is never empty.
func pathExpression(path string) *regexp.Regexp {
	var b strings.Builder
	end := 0
	for _, at := range PathParameter.FindAllStringIndex(path, -1) {
		b.WriteString(regexp.QuoteMeta(path[end:at[0]]) + "[^/]+")
		end = at[1]
	}
	return regexp.MustCompile("^" + b.String() + regexp.QuoteMeta(path[end:]) + "$")
}

// concreteness returns the sort key of a template: at the first difference, fixed text comes before a parameter, and a
// parameter that is followed by text before one that takes the whole segment.
func concreteness(path string) string {
	return strings.ReplaceAll(PathParameter.ReplaceAllString(path+"/", "\U0010FFFE"), "\U0010FFFE/", "\U0010FFFF/")
}

// methods returns the operations of the most concrete documented path that matches, as OpenAPI specifies.
func (d *documentPaths) methods(path string) methods {
	if found, ok := d.fixed[path]; ok {
		return found
	}
	for _, candidate := range d.templates {
		if candidate.expression.MatchString(path) {
			return candidate.methods
		}
	}
	return nil
}

// Find returns the operation of a request, or nil, and the methods that the path has.
func (t Table) Find(method, path string) (found *Operation, allowed []string) {
	for _, document := range t {
		for name, o := range document.methods(path) {
			allowed = append(allowed, name)
			if name == method {
				found = o
			}
		}
	}
	return found, allowed
}

// NoRoute returns the answer to a request for a path that has other methods, or none (R3).
func NoRoute(method string, allowed []string) *api.Problem {
	if len(allowed) == 0 {
		return &api.Problem{Status: http.StatusNotFound, Message: "there is nothing at this path"}
	}
	slices.Sort(allowed)
	return &api.Problem{
		Status:  http.StatusMethodNotAllowed,
		Message: deployments.QuoteName(method) + " is not a method of this path",
		Allow:   strings.Join(slices.Compact(allowed), ", "),
	}
}
