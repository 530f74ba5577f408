package contract_test

import (
	"fmt"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/deployrecords/deployrecords/internal/httpserver/openapi"
	"github.com/deployrecords/deployrecords/internal/httpserver/schemas"
)

// decidedDefaults are the defaults of implemented parameters by operation and name. Validation does not set the document's
// defaults, so toQuery in internal/api/api.go gives an absent parameter the same meaning.
var decidedDefaults = map[string]string{
	"GET /v1/deployments status":        "DEPLOYMENT_STATUS_UNSPECIFIED",
	"GET /v1/deployments artifact_kind": "ARTIFACT_KIND_UNSPECIFIED",
}

// checkParameters returns what the document's parameters require and the server does not do.
func (o *operation) checkParameters(endpoint openapi.Endpoint) (violations []string) {
	report := func(format string, args ...any) {
		violations = append(violations, o.name()+": "+fmt.Sprintf(format, args...))
	}
	implemented := map[string][]string{openapi3.ParameterInQuery: endpoint.Query, openapi3.ParameterInHeader: endpoint.Headers}
	for in, names := range implemented {
		for _, name := range names {
			if !slices.ContainsFunc(o.parameters, func(p *openapi3.Parameter) bool { return p.In == in && p.Name == name }) {
				report("the %s parameter %s is implemented, and the document does not have it (any more)", in, name)
			}
		}
	}
	for _, p := range o.parameters {
		if openapi.IsIgnored(p) {
			continue
		}
		isImplemented := slices.Contains(implemented[p.In], p.Name)
		members, complete := openapi.ExplodedNames(p)
		switch {
		case p.In == openapi3.ParameterInPath:
			report("the parameter %s is in the path, which validation does not read yet (internal/httpserver/openapi/validate.go)", p.Name)
		case p.Required && !isImplemented:
			report("the document requires the %s parameter %s, which is not implemented: the server would reject every request", p.In, p.Name)
		case p.In == openapi3.ParameterInQuery && !isImplemented && !complete:
			report("the query parameter %s is not implemented and may be an object, and the document does not list the names of its members in a query: the server would ignore it", p.Name)
		case isImplemented && !hasPlainForm(p):
			report("the %s parameter %s may be written in a form that internal/httpserver/openapi/query.go does not read", p.In, p.Name)
		}
		for _, other := range o.parameters {
			if other != p && other.In == openapi3.ParameterInQuery && slices.Contains(members, other.Name) {
				report("the query parameter %s may be an object, and its member %s has the name of another parameter: a request could mean either. Decide what the name means, and implement %s in internal/api/api.go (ListParameters, toQuery)", p.Name, other.Name, p.Name)
			}
		}
		violations = append(violations, o.checkDefaults(p)...)
		for _, schema := range parameterSchemas(p) {
			violations = append(violations, o.checkPatterns("the parameter "+p.Name, schema)...)
		}
	}
	return violations
}

// checkDefaults reports defaults of a parameter, at any depth of its schemas, that nobody has decided on.
func (o *operation) checkDefaults(p *openapi3.Parameter) (violations []string) {
	var defaults []string
	for _, schema := range parameterSchemas(p) {
		eachSchema(p.Name, schema, func(_ string, s *openapi3.Schema) {
			if s.Default != nil {
				defaults = append(defaults, fmt.Sprint(s.Default))
			}
		})
	}
	decided, isDecided := decidedDefaults[o.name()+" "+p.Name]
	if isDecided && len(defaults) == 0 {
		defaults = []string{"(none)"}
	}
	for _, value := range defaults {
		if !isDecided || value != decided {
			violations = append(violations, fmt.Sprintf("%s: the %s parameter %s has the default %s in the document, and internal/api/api.go treats an absent parameter as %q: make absence mean the default, then enter it in decidedDefaults of internal/contract/parameters_test.go",
				o.name(), p.In, p.Name, value, decided))
		}
	}
	return violations
}

// checkPatterns reports the patterns of a schema that Go cannot compile.
func (o *operation) checkPatterns(subject string, schema *openapi3.Schema) (violations []string) {
	eachSchema("", schema, func(location string, s *openapi3.Schema) {
		if s.Pattern == "" {
			return
		}
		if _, err := schemas.CompilePattern(s.Pattern); err != nil {
			violations = append(violations, fmt.Sprintf("%s: %s has the pattern %q at %q, which Go cannot compile: %v. Enforce it in ListRules of internal/api and let CompilePattern (internal/httpserver/schemas/pattern.go) accept every value for it",
				o.name(), subject, s.Pattern, location, err))
		}
	})
	return violations
}

// parameterSchemas returns the schema of a parameter, or those of its media types.
func parameterSchemas(p *openapi3.Parameter) (schemas []*openapi3.Schema) {
	if p.Schema != nil {
		schemas = append(schemas, p.Schema.Value)
	}
	for _, media := range p.Content {
		if media.Schema != nil {
			schemas = append(schemas, media.Schema.Value)
		}
	}
	return schemas
}

// eachSchema visits a schema and its subschemas, each once.
func eachSchema(location string, schema *openapi3.Schema, visit func(location string, schema *openapi3.Schema)) {
	visited := make(map[*openapi3.Schema]bool)
	var walk func(location string, ref *openapi3.SchemaRef)
	walk = func(location string, ref *openapi3.SchemaRef) {
		if ref == nil || ref.Value == nil || visited[ref.Value] {
			return
		}
		s := ref.Value
		visited[s] = true
		visit(location, s)
		walk(location+"[]", s.Items)
		walk(location+".*", s.AdditionalProperties.Schema)
		walk(location, s.Not)
		for _, part := range slices.Concat(s.AllOf, s.OneOf, s.AnyOf) {
			walk(location, part)
		}
		for name, property := range s.Properties {
			walk(location+"."+name, property)
		}
	}
	walk(location, schema.NewRef())
}

// hasPlainForm reports whether a parameter has the one form that the server reads.
func hasPlainForm(p *openapi3.Parameter) bool {
	plainStyle := p.In != openapi3.ParameterInQuery || p.Style == "" || p.Style == openapi3.SerializationForm
	return p.Schema != nil && !p.AllowReserved && !p.AllowEmptyValue && plainStyle
}
