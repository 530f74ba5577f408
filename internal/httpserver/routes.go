package httpserver

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// routeTable finds what the documents say of a request, whether it is implemented or not. Echo routes only what is
// generated, and a document may hold what Echo's patterns cannot say, as "/v1/things/{id}:cancel".
type routeTable []documentPaths

// documentPaths are the paths of one document, each with its operations by method.
type documentPaths struct {
	// fixed are the paths without parameters.
	fixed map[string]methods
	// templates are the others, the more concrete first.
	templates []template
}

type methods map[string]*operation

type template struct {
	path       string
	expression *regexp.Regexp
	methods
}

// newRouteTable fails if a request could mean two operations of which one is ours and one upstream's, or one is an
// operation and one a route that is neither's: someone must decide which gives way.
func newRouteTable(upstream, own []*operation) (routeTable, error) {
	return routeTable{pathsOf(upstream), pathsOf(own)}, errors.Join(clashes(upstream, own)...)
}

func pathsOf(operations []*operation) documentPaths {
	d := documentPaths{fixed: make(map[string]methods)}
	byPath := make(map[string]methods)
	for _, o := range operations {
		if byPath[o.route.Path] == nil {
			byPath[o.route.Path] = make(methods)
		}
		byPath[o.route.Path][o.route.Method] = o
	}
	for path, methods := range byPath {
		if !pathParameter.MatchString(path) {
			d.fixed[path] = methods
			continue
		}
		d.templates = append(d.templates, template{path, pathExpression(path), methods})
	}
	slices.SortFunc(d.templates, func(a, b template) int {
		return cmp.Compare(concreteFirst(a.path), concreteFirst(b.path))
	})
	return d
}

func clashes(upstream, own []*operation) (faults []error) {
	clash := func(o *operation, method, path string) bool {
		return o.route.Method == method && (o.route.Path == path || pathExpression(o.route.Path).MatchString(path))
	}
	for _, theirs := range upstream {
		for _, ours := range own {
			if clash(theirs, ours.route.Method, ours.route.Path) || clash(ours, theirs.route.Method, theirs.route.Path) {
				faults = append(faults, fmt.Errorf("upstream's document has %s, and so has internal/contract/openapi.recording.yaml, as %s: ours must give way to it, under another path", theirs.name(), ours.name()))
			}
		}
	}
	for _, o := range slices.Concat(upstream, own) {
		for key := range openRoutes {
			if method, path, _ := strings.Cut(key, " "); clash(o, method, path) {
				faults = append(faults, fmt.Errorf("a document has %s, which is %s of this server's own (openRoutes in internal/httpserver/handler.go)", o.name(), key))
			}
		}
	}
	return faults
}

// pathExpression matches the paths of a template. A parameter is a segment or part of one, and is never empty.
func pathExpression(path string) *regexp.Regexp {
	var b strings.Builder
	end := 0
	for _, place := range pathParameter.FindAllStringIndex(path, -1) {
		b.WriteString(regexp.QuoteMeta(path[end:place[0]]) + "[^/]+")
		end = place[1]
	}
	return regexp.MustCompile("^" + b.String() + regexp.QuoteMeta(path[end:]) + "$")
}

// concreteFirst is what templates sort by: where two first differ, what is fixed comes before a parameter, and a
// parameter with something after it before one that takes the whole segment.
func concreteFirst(path string) string {
	return strings.ReplaceAll(pathParameter.ReplaceAllString(path+"/", "\U0010FFFE"), "\U0010FFFE/", "\U0010FFFF/")
}

// methods gives the operations of a path. As OpenAPI has it, the most concrete path of a document answers alone.
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

// find gives the operation that a request means, or nil and the methods that the path has.
func (t routeTable) find(method, path string) (found *operation, others []string) {
	for _, document := range t {
		for name, o := range document.methods(path) {
			others = append(others, name)
			if name == method {
				found = o
			}
		}
	}
	return found, others
}
