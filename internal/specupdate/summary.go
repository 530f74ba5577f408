package specupdate

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// summary is what an update means, one sentence a line.
type summary struct {
	// follows happens by itself, needsCode does not and is a 501 until somebody writes it, noticed is what clients of
	// implemented operations will find different.
	follows, needsCode, noticed []string
}

var (
	methodsOfHTTP = []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}
	newParameter  = regexp.MustCompile("^added the new .* request parameter `([^`]+)`")
	parameterPart = regexp.MustCompile(`\{([^/}]+)\}`)
)

// summarize sorts what changed by what it means for this server.
func summarize(l *changelog, document *yaml.Node, code implementation) summary {
	var s summary
	implemented := func(c change) bool {
		return c.Operation == "" || slices.Contains(code.operations, c.Operation+" "+parameterPart.ReplaceAllString(c.Path, ":$1"))
	}
	others := 0
	for _, c := range l.breaking {
		if !implemented(c) {
			others++
			continue
		}
		s.noticed = append(s.noticed, c.String())
	}
	for _, c := range slices.Concat(l.additive, l.cosmetic) {
		switch {
		case !implemented(c):
			others++
		case newParameter.MatchString(c.Text) && !slices.Contains(code.parameters, newParameter.FindStringSubmatch(c.Text)[1]):
			// Told below, with where to write it.
		case strings.Contains(c.ID, "enum-value-added"):
			s.noticed = append(s.noticed, c.String())
		default:
			s.follows = append(s.follows, c.String())
		}
	}
	if others > 0 {
		s.follows = append(s.follows, fmt.Sprintf("%d changes of operations that are not implemented: the document that is served has them", others))
	}
	for _, p := range l.places {
		if p.path[0] == "servers" {
			s.follows = append(s.follows, "servers: "+p.String()+" (this server does not ask where upstream stands)")
		}
	}
	if n := len(l.wording); n > 0 {
		s.follows = append(s.follows, fmt.Sprintf("wording (%d), if it means the same", n))
	}
	s.add(document, code)
	return s
}

// add tells what the new document has and the code does not.
func (s *summary) add(document *yaml.Node, code implementation) {
	var missing []string
	paths := member(document, "paths")
	for i := 0; i+1 < len(paths.Content); i += 2 {
		path, item := paths.Content[i].Value, paths.Content[i+1]
		for _, method := range methodsOfHTTP {
			operation := member(item, method)
			if operation == nil {
				continue
			}
			name := strings.ToUpper(method) + " " + path
			if !slices.Contains(code.operations, parameterPart.ReplaceAllString(name, ":$1")) {
				missing = append(missing, name)
				continue
			}
			for _, list := range []*yaml.Node{member(item, "parameters"), member(operation, "parameters")} {
				s.addParameters(name, document, list, code)
			}
		}
	}
	if len(missing) > 0 {
		const most = 5
		names := strings.Join(missing[:min(most, len(missing))], ", ")
		if len(missing) > most {
			names += fmt.Sprintf(" and %d more", len(missing)-most)
		}
		s.needsCode = append(s.needsCode, fmt.Sprintf("operations of the document that are not implemented, a 501 each (%d): %s", len(missing), names))
	}
}

func (s *summary) addParameters(operation string, document, list *yaml.Node, code implementation) {
	if list == nil {
		return
	}
	for _, parameter := range list.Content {
		if ref := member(parameter, "$ref"); ref != nil {
			parameter = document
			for name := range strings.SplitSeq(strings.TrimPrefix(ref.Value, "#/"), "/") {
				parameter = member(parameter, name)
			}
		}
		in, name := member(parameter, "in"), member(parameter, "name")
		if in == nil || name == nil || in.Value == "path" || in.Value == "query" && slices.Contains(code.parameters, name.Value) {
			continue
		}
		s.needsCode = append(s.needsCode, fmt.Sprintf("line %d: the %s parameter %s of %s: using it is a 501 until internal/api/api.go translates it (ListParameters, toQuery)", name.Line, in.Value, name.Value, operation))
	}
}

func (s *summary) print(w io.Writer) {
	group(w, "Follows by itself", s.follows)
	group(w, "Needs code", s.needsCode)
	group(w, "Clients will notice", s.noticed)
}
