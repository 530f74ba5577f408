package specupdate

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// summary sorts the changes by their effect on this server, one sentence each.
type summary struct {
	// automatic changes need no code, unimplemented ones are a 501 until somebody writes the code, and noticeable ones
	// change implemented operations for their clients.
	automatic, unimplemented, noticeable []string
}

// The files from which readImplementation reads.
const (
	serverCode  = "generated/server/server.gen.go"
	apiCode     = "internal/api/api.go"
	ignoredCode = "internal/httpserver/openapi/ignored.go"
)

var (
	newParameter  = regexp.MustCompile("^added the new .* request parameter `([^`]+)`")
	pathParameter = regexp.MustCompile(`\{([^/}]+)\}`)
)

func summarize(d *diff, document *openapi3.T, code implementation) summary {
	var s summary
	others := 0
	for _, c := range slices.Concat(d.breaking, d.additive, d.cosmetic) {
		added := newParameter.FindStringSubmatch(c.Text)
		switch {
		case c.Operation != "" && !code.implements(c.Operation, c.Path):
			others++
		case slices.Contains(d.breaking, c) || strings.Contains(c.ID, "enum-value-added"):
			s.noticeable = append(s.noticeable, c.String())
		case added == nil || slices.Contains(code.parameters, added[1]):
			s.automatic = append(s.automatic, c.String())
		}
	}
	if others > 0 {
		s.automatic = append(s.automatic, fmt.Sprintf("%d changes of operations that are not implemented: the served document includes them", others))
	}
	for _, l := range d.locations {
		if strings.HasPrefix(l.path, "servers ") {
			s.automatic = append(s.automatic, l.String()+" (this server never calls upstream's)")
		}
	}
	if n := len(d.wording); n > 0 {
		s.automatic = append(s.automatic, fmt.Sprintf("wording (%d), if it still means the same", n))
	}
	s.addUnimplemented(document, code)
	return s
}

// addUnimplemented adds the operations and parameters of the document that the code does not implement, those of earlier
// updates included.
func (s *summary) addUnimplemented(document *openapi3.T, code implementation) {
	var operations []string
	for _, path := range document.Paths.Keys() {
		item := document.Paths.Value(path)
		byMethod := item.Operations()
		for _, method := range slices.Sorted(maps.Keys(byMethod)) {
			if !code.implements(method, path) {
				operations = append(operations, method+" "+path)
				continue
			}
			for _, p := range slices.Concat(item.Parameters, byMethod[method].Parameters) {
				if p.Value.In == "path" || p.Value.In == "query" && slices.Contains(code.parameters, p.Value.Name) {
					continue
				}
				if p.Value.In == "header" && slices.Contains(code.ignoredHeaders, http.CanonicalHeaderKey(p.Value.Name)) {
					s.automatic = append(s.automatic, fmt.Sprintf("the header parameter %s of %s %s: ignored, because clients send this header with every request", p.Value.Name, method, path))
					continue
				}
				s.unimplemented = append(s.unimplemented, fmt.Sprintf("the %s parameter %s of %s %s: using it is a 501 until internal/api/api.go translates it (ListParameters, toQuery)",
					p.Value.In, p.Value.Name, method, path))
			}
		}
	}
	const most = 5
	if n := len(operations); n > most {
		operations = append(operations[:most], fmt.Sprintf("and %d more", n-most))
	}
	if len(operations) > 0 {
		s.unimplemented = append(s.unimplemented, "operations, each a 501: "+strings.Join(operations, ", "))
	}
}

func (s *summary) print(w io.Writer) {
	printGroup(w, "Needs no code", s.automatic)
	printGroup(w, "Needs code", s.unimplemented)
	printGroup(w, "Clients will notice", s.noticeable)
}

// implementation is the part of upstream's document that the code of a tree implements.
type implementation struct {
	// operations are methods and routes: "GET /v1/things/:id".
	operations []string
	// parameters are the query parameters of all operations.
	parameters []string
	// ignoredHeaders are headers whose parameters the server ignores.
	ignoredHeaders []string
}

func (i implementation) implements(method, path string) bool {
	return slices.Contains(i.operations, method+" "+pathParameter.ReplaceAllString(path, ":$1"))
}

var (
	registeredRoute = regexp.MustCompile(`router\.([A-Z]+)\(options\.BaseURL\s*\+\s*"([^"]*)"`)
	listParameters  = regexp.MustCompile(`(?s)\nvar ListParameters = \[\]string\{(.*?)\}`)
	ignoredHeaders  = regexp.MustCompile(`(?s)\nvar ignoredHeaders = \[\]string\{(.*?)\n\}`)
	stringLiteral   = regexp.MustCompile(`"([^"]*)"`)
)

// readImplementation reads the source code, since a tree that waits for a new document need not build.
func readImplementation(dir string) (i implementation, err error) {
	code := make(map[string]string)
	for _, file := range []string{serverCode, apiCode, ignoredCode} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return i, err
		}
		code[file] = string(text)
	}
	for _, match := range registeredRoute.FindAllStringSubmatch(code[serverCode], -1) {
		i.operations = append(i.operations, match[1]+" "+match[2])
	}
	for _, match := range stringLiteral.FindAllStringSubmatch(listParameters.FindString(code[apiCode]), -1) {
		i.parameters = append(i.parameters, match[1])
	}
	for _, match := range stringLiteral.FindAllStringSubmatch(ignoredHeaders.FindString(code[ignoredCode]), -1) {
		i.ignoredHeaders = append(i.ignoredHeaders, match[1])
	}
	if len(i.operations) == 0 || len(i.parameters) == 0 || len(i.ignoredHeaders) == 0 {
		return i, fmt.Errorf("cannot read the implemented routes from %s, ListParameters from %s and ignoredHeaders from %s", serverCode, apiCode, ignoredCode)
	}
	return i, nil
}
