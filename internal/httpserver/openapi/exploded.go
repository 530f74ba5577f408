package openapi

import (
	"maps"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// ExplodedNames returns the names that the members of a query parameter have in a query. An object in the default style
// is exploded: {since: 2020} is written since=2020, without the parameter's own name. complete is false if the parameter
// may be an exploded object with members that the document does not list.
func ExplodedNames(parameter *openapi3.Parameter) (names []string, complete bool) {
	if !isExploded(parameter) || !mayBeObject(parameter.Schema.Value, nil) {
		return nil, true
	}
	names, open := memberNames(parameter.Schema.Value, nil)
	return names, len(names) > 0 && !open
}

// isExploded reports whether an object would be exploded. A parameter of a media type is written as a whole.
func isExploded(parameter *openapi3.Parameter) bool {
	if parameter.Schema == nil || parameter.Style == openapi3.SerializationDeepObject {
		return false
	}
	if parameter.Explode != nil {
		return *parameter.Explode
	}
	return parameter.Style == "" || parameter.Style == openapi3.SerializationForm
}

// mayBeObject reports whether an object may fit the schema. visited ends the recursion of schemas that refer to
// themselves.
func mayBeObject(schema *openapi3.Schema, visited []*openapi3.Schema) bool {
	if schema.Type != nil && !schema.Type.Permits(openapi3.TypeObject) || slices.Contains(visited, schema) {
		return false
	}
	isObject := func(value any) bool { _, is := value.(map[string]any); return is }
	if len(schema.Enum) > 0 && !slices.ContainsFunc(schema.Enum, isObject) {
		return false
	}
	visited = append(slices.Clone(visited), schema)
	may := func(part *openapi3.SchemaRef) bool { return mayBeObject(part.Value, visited) }
	return !slices.ContainsFunc(schema.AllOf, func(part *openapi3.SchemaRef) bool { return !may(part) }) &&
		(len(schema.OneOf) == 0 || slices.ContainsFunc(schema.OneOf, may)) &&
		(len(schema.AnyOf) == 0 || slices.ContainsFunc(schema.AnyOf, may))
}

// memberNames returns the names of an object's members. open reports whether it may have others: by
// additionalProperties, or by an alternative that lists none.
func memberNames(schema *openapi3.Schema, visited []*openapi3.Schema) (names []string, open bool) {
	if slices.Contains(visited, schema) {
		return nil, false
	}
	visited = append(slices.Clone(visited), schema)
	names = slices.Collect(maps.Keys(schema.Properties))
	additional := schema.AdditionalProperties
	open = additional.Schema != nil || additional.Has != nil && *additional.Has
	for _, part := range schema.AllOf {
		found, openPart := memberNames(part.Value, visited)
		names, open = append(names, found...), open || openPart
	}
	for _, part := range slices.Concat(schema.OneOf, schema.AnyOf) {
		if !mayBeObject(part.Value, visited) {
			continue
		}
		found, openPart := memberNames(part.Value, visited)
		names, open = append(names, found...), open || openPart || len(found) == 0
	}
	return names, open
}
