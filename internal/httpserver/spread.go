package httpserver

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// A query's parameter need not stand there under its own name. An object in the default style is spread over the names
// of its members (?since=2020), others are written name[member]; a request that uses one must not be answered as if it
// did not (Q1). So all names are known here, or the server does not start.

// usesQuery says whether a query has the parameter, under any name. A name that is another parameter's own is not taken
// for a member of this one.
func (o *operation) usesQuery(parameter *openapi3.Parameter, given url.Values) bool {
	if given.Has(parameter.Name) {
		return true
	}
	// A parameter of a map may be documented as labels[string], and is written labels[team]=a.
	own, _, _ := strings.Cut(parameter.Name, "[")
	for name := range given {
		if strings.HasPrefix(name, own+"[") && !slices.ContainsFunc(o.parameters, func(p *openapi3.Parameter) bool { return p.Name == name }) {
			return true
		}
	}
	members, _ := memberNames(parameter)
	for _, member := range members {
		for name := range given {
			if name == member || strings.HasPrefix(name, member+"[") {
				return true
			}
		}
	}
	return false
}

// memberNames are those that the parameter's value may be spread over in a query. They are not all known if the value
// may be an object whose members the document does not list.
func memberNames(parameter *openapi3.Parameter) (names []string, known bool) {
	if parameter.Schema == nil {
		return nil, true // of a media type, which is written as a whole
	}
	switch parameter.Style {
	case "", openapi3.SerializationForm:
		if parameter.Explode != nil && !*parameter.Explode {
			return nil, true
		}
	case openapi3.SerializationDeepObject:
		return nil, true
	default: // of which only form is spread unless the document says so
		if parameter.Explode == nil || !*parameter.Explode {
			return nil, true
		}
	}
	if !mayBeObject(parameter.Schema.Value, nil) {
		return nil, true
	}
	names, open := members(parameter.Schema.Value, nil)
	return names, len(names) > 0 && !open
}

// mayBeObject says whether an object can fit the schema. Schemas that refer to themselves come to an end at within.
func mayBeObject(schema *openapi3.Schema, within []*openapi3.Schema) bool {
	if schema.Type != nil && !schema.Type.Permits(openapi3.TypeObject) || slices.Contains(within, schema) {
		return false
	}
	isObject := func(value any) bool { _, is := value.(map[string]any); return is }
	if len(schema.Enum) > 0 && !slices.ContainsFunc(schema.Enum, isObject) {
		return false
	}
	within = append(slices.Clone(within), schema)
	may := func(part *openapi3.SchemaRef) bool { return mayBeObject(part.Value, within) }
	return !slices.ContainsFunc(schema.AllOf, func(part *openapi3.SchemaRef) bool { return !may(part) }) &&
		(len(schema.OneOf) == 0 || slices.ContainsFunc(schema.OneOf, may)) &&
		(len(schema.AnyOf) == 0 || slices.ContainsFunc(schema.AnyOf, may))
}

// members are the names of an object's members, those of its parts included; open is that it may have others, by
// additionalProperties or since a way to be it lists none.
func members(schema *openapi3.Schema, within []*openapi3.Schema) (names []string, open bool) {
	if slices.Contains(within, schema) {
		return nil, false
	}
	within = append(slices.Clone(within), schema)
	names = slices.Collect(maps.Keys(schema.Properties))
	more := schema.AdditionalProperties
	open = more.Schema != nil || more.Has != nil && *more.Has
	for _, part := range schema.AllOf {
		found, openPart := members(part.Value, within)
		names, open = append(names, found...), open || openPart
	}
	for _, part := range slices.Concat(schema.OneOf, schema.AnyOf) {
		if !mayBeObject(part.Value, within) {
			continue
		}
		found, openPart := members(part.Value, within)
		names, open = append(names, found...), open || openPart || len(found) == 0
	}
	return names, open
}
