package spec

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// schemaChecker checks a value against a schema more strictly than validators do: it rejects undeclared and duplicate
// properties.
type schemaChecker struct {
	*report.Checks
	failed bool
}

// checkSchema adds one finding for each location. kin-openapi's validator checks the keywords that have no rule of their own,
// once the value passes the others.
func checkSchema(c *report.Checks, a *client.Answer, schema *openapi3.Schema) {
	s := &schemaChecker{Checks: c}
	c.Try(report.BodyDuplicates, report.BodyUndeclared, report.BodyNull, report.BodyType)
	s.walk("", a.Value, schema)
	if s.failed {
		return
	}
	location, reason := "the body", ""
	err := schema.VisitJSON(a.Value.Any(), openapi3.DisableSchemaErrorDetails())
	if at := (*openapi3.SchemaError)(nil); errors.As(err, &at) {
		reason = at.Reason
		if pointer := at.JSONPointer(); len(pointer) > 0 {
			location = strings.Join(pointer, ".")
		}
	} else if err != nil {
		reason = err.Error()
	}
	c.Check(report.BodySchema, err == nil, "%s: %s", location, client.Cut(reason))
}

func (s *schemaChecker) fail(rule *report.Rule, location, format string, args ...any) {
	s.failed = true
	if location == "" {
		location = "the body"
	}
	s.Fail(rule, "%s %s", location, fmt.Sprintf(format, args...))
}

// typesOf has the types of a schema that permit a kind of value.
var typesOf = map[jsontext.Kind][]string{
	't': {openapi3.TypeBoolean}, 'f': {openapi3.TypeBoolean}, '"': {openapi3.TypeString},
	'0': {openapi3.TypeNumber, openapi3.TypeInteger}, '{': {openapi3.TypeObject}, '[': {openapi3.TypeArray},
}

func (s *schemaChecker) walk(location string, v *client.Value, schema *openapi3.Schema) {
	if v.Kind == 'n' {
		if !schema.Nullable && !schema.Type.IncludesNull() && !schema.IsEmpty() {
			s.fail(report.BodyNull, location, "is null")
		}
		return
	}
	if !slices.ContainsFunc(typesOf[v.Kind], schema.Type.Permits) {
		s.fail(report.BodyType, location, "is %s, not %s", v.KindName(), strings.Join(schema.Type.Slice(), " or "))
		return
	}
	switch v.Kind {
	case '{':
		s.object(location, v, schema)
	case '[':
		if schema.Items != nil {
			for i, item := range v.Items {
				s.walk(fmt.Sprintf("%s[%d]", location, i), item, schema.Items.Value)
			}
		}
	case '0':
		s.number(location, v, schema)
	case '"':
		s.text(location, v, schema)
	}
}

func (s *schemaChecker) object(location string, v *client.Value, schema *openapi3.Schema) {
	seen := make(map[string]bool, len(v.Members))
	for _, m := range v.Members {
		if seen[m.Name] {
			s.fail(report.BodyDuplicates, client.Join(location, m.Name), "is there twice")
		}
		seen[m.Name] = true
		property, others, declared := propertyOf(schema, m.Name)
		switch {
		case property != nil:
			s.walk(client.Join(location, m.Name), m.Value, property)
		case others != nil:
			s.walk(client.Join(location, m.Name), m.Value, others)
		case !declared:
			s.fail(report.BodyUndeclared, client.Join(location, client.Cut(m.Name)), "is a property that the schema does not declare")
		}
	}
	for _, name := range requiredOf(schema) {
		s.Try(report.BodyRequired)
		if !seen[name] {
			s.fail(report.BodyRequired, client.Join(location, name), "is missing")
		}
	}
}

// propertyOf returns the schema of a property, or that of additional properties, and whether the object may have the
// property.
func propertyOf(schema *openapi3.Schema, name string) (property, others *openapi3.Schema, declared bool) {
	if ref := schema.Properties[name]; ref != nil {
		return ref.Value, nil, true
	}
	for _, part := range schema.AllOf {
		if property, others, declared = propertyOf(part.Value, name); declared {
			return property, others, true
		}
	}
	if schema.AdditionalProperties.Schema != nil {
		return nil, schema.AdditionalProperties.Schema.Value, true
	}
	open := schema.AdditionalProperties.Has != nil && *schema.AdditionalProperties.Has
	// kin-openapi selects among alternatives. An object schema without properties allows any.
	return nil, nil, open || len(schema.OneOf)+len(schema.AnyOf) > 0 || len(schema.Properties)+len(schema.AllOf) == 0
}

func requiredOf(schema *openapi3.Schema) []string {
	required := schema.Required
	for _, part := range schema.AllOf {
		required = append(slices.Clip(required), requiredOf(part.Value)...)
	}
	return required
}

func integerBits(schema *openapi3.Schema) int {
	if schema.Format == "int32" {
		return 32
	}
	return 64
}

var wholeNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

func (s *schemaChecker) number(location string, v *client.Value, schema *openapi3.Schema) {
	if !schema.Type.Is(openapi3.TypeInteger) {
		return
	}
	bits := integerBits(schema)
	if !wholeNumber.MatchString(v.Content) {
		s.fail(report.BodyType, location, "is %s, not a whole number", client.Cut(v.Content))
	} else if _, err := strconv.ParseInt(v.Content, 10, bits); err != nil {
		s.fail(report.BodyType, location, "is %s, beyond %d bits", client.Cut(v.Content), bits)
	}
}

var (
	dateTime = regexp.MustCompile(`^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$`)
	date     = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
	uuidText = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

func (s *schemaChecker) text(location string, v *client.Value, schema *openapi3.Schema) {
	if len(schema.Enum) > 0 {
		s.Try(report.BodyEnum)
		if !slices.Contains(schema.Enum, any(v.Content)) {
			s.fail(report.BodyEnum, location, "is %s, which the enum does not have", v)
		}
	}
	var ok bool
	switch schema.Format {
	case "date-time":
		_, err := time.Parse(time.RFC3339Nano, strings.ToUpper(v.Content))
		// RFC 3339 allows leap seconds, package time does not.
		ok = dateTime.MatchString(v.Content) && (err == nil || strings.Contains(v.Content, ":60"))
	case "date":
		_, err := time.Parse(time.DateOnly, v.Content)
		ok = date.MatchString(v.Content) && err == nil
	case "uuid":
		ok = uuidText.MatchString(v.Content)
	default:
		return
	}
	s.Check(report.BodyFormat, ok, "%s is %s, which is no %s", location, v, schema.Format)
	s.failed = s.failed || !ok
}
