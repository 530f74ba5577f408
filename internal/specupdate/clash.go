package specupdate

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// clashingName matches what the compiler and the generator report if two names of a document become one Go name.
var clashingName = regexp.MustCompile(`generated/\S+\.gen\.go:\d+:\d+: (?:method \S+\.)?(\w+) (?:redeclared|already declared)|duplicate typename '(\w+)' detected`)

// clashRemedy returns the lines to add to the overlay if the output of a step reports a clash of Go names, or "". It
// renames the names that the present document does not have.
func clashRemedy(output string, document, present *openapi3.T, code implementation) string {
	var names []string
	for _, match := range clashingName.FindAllStringSubmatch(output, -1) {
		if name := match[1] + match[2]; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	old := make(map[string]bool)
	for _, n := range goNames(present, code) {
		old[n.target] = true
	}
	var actions []string
	for _, n := range goNames(document, code) {
		if !old[n.target] && slices.ContainsFunc(names, n.becomes) {
			actions = append(actions, fmt.Sprintf("  - target: %s\n    update: {%s: %s}", n.target, n.member, n.suggestion))
		}
	}
	remedy := "Two names of the document become the same Go name: " + strings.Join(names[:min(len(names), 5)], ", ") + ".\n"
	if len(actions) == 0 {
		return remedy + "Give one of them another Go name (x-go-name) in internal/contract/openapi.overlay.yaml."
	}
	return remedy + "Add these lines to the end of internal/contract/openapi.overlay.yaml, with names of your choice:\n" + strings.Join(actions, "\n")
}

// goName is a name of a document that becomes a Go name.
type goName struct {
	name string
	// target is the JSONPath of what has the name, in which member sets another Go name.
	target, member, suggestion string
	// prefix reports whether the Go names of other types begin with the name.
	prefix bool
}

// becomes reports whether the generator makes the Go name of the name.
func (n goName) becomes(name string) bool {
	spelling := normalize(n.name)
	return spelling == normalize(name) || n.prefix && strings.HasPrefix(normalize(name), spelling)
}

// normalize removes what the generator removes or changes to spell a name in Go.
func normalize(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("-_.#@!$&=+:;~ (){}[]|<>,%/", r) {
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// exported spells a name as an exported Go name.
func exported(name string) string {
	var b strings.Builder
	for _, part := range strings.FieldsFunc(name, func(r rune) bool { return normalize(string(r)) == "" }) {
		b.WriteString(strings.ToUpper(part[:1]) + part[1:])
	}
	return b.String()
}

// goNames returns the names of operations and schemas, of the fields of schemas, and of the parameters of implemented
// operations.
func goNames(document *openapi3.T, code implementation) (names []goName) {
	addParameters := func(target string, parameters openapi3.Parameters) {
		for _, ref := range parameters {
			p := ref.Value
			at := fmt.Sprintf("%s.parameters[?@.name == '%s' && @.in == '%s']", target, p.Name, p.In)
			if component, ok := strings.CutPrefix(ref.Ref, "#/components/parameters/"); ok {
				at = fmt.Sprintf("$.components.parameters['%s']", component)
			}
			names = append(names, goName{name: p.Name, target: at, member: "x-go-name", suggestion: exported(p.Name) + exported(p.In)})
		}
	}
	for _, path := range document.Paths.Keys() {
		item := document.Paths.Value(path)
		operations := item.Operations()
		target := fmt.Sprintf("$.paths['%s']", path)
		for _, method := range slices.Sorted(maps.Keys(operations)) {
			of, id := target+"."+strings.ToLower(method), operations[method].OperationID
			if id != "" {
				names = append(names, goName{name: id, target: of, member: "operationId", suggestion: exported(id) + "Other", prefix: true})
			}
			if code.implements(method, path) {
				addParameters(target, item.Parameters)
				addParameters(of, operations[method].Parameters)
			}
		}
	}
	if document.Components == nil {
		return names
	}
	for _, schema := range slices.Sorted(maps.Keys(document.Components.Schemas)) {
		target := fmt.Sprintf("$.components.schemas['%s']", schema)
		names = append(names, goName{name: schema, target: target, member: "x-go-name", suggestion: exported(schema) + "Schema"})
		for _, field := range slices.Sorted(maps.Keys(document.Components.Schemas[schema].Value.Properties)) {
			names = append(names, goName{name: field, target: fmt.Sprintf("%s.properties['%s']", target, field), member: "x-go-name", suggestion: exported(field) + "Field"})
		}
	}
	return names
}
