package conformance

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// schemaJudge holds a value against a schema, more strictly than validators do: what the schema does not declare, it
// does not have.
type schemaJudge struct {
	*judgement
	found int
}

// judgeSchema tells one fault for each place; what it has no rule for, kin-openapi's own validator judges.
func judgeSchema(j *judgement, v *value, schema *openapi3.Schema) {
	s := &schemaJudge{judgement: j}
	j.try(bodyDuplicates, bodyUndeclared, bodyNull, bodyType)
	s.walk("", v, schema)
	if s.found > 0 {
		return
	}
	err := schema.VisitJSON(v.plain(), openapi3.DisableSchemaErrorDetails())
	var at *openapi3.SchemaError
	place := "the body"
	if errors.As(err, &at) && len(at.JSONPointer()) > 0 {
		place = strings.Join(at.JSONPointer(), ".")
	}
	j.check(bodySchema, err == nil, "%s: %s", place, reasonOf(err))
}

func reasonOf(err error) string {
	var at *openapi3.SchemaError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &at):
		return cut(at.Reason)
	default:
		return cut(err.Error())
	}
}

func (s *schemaJudge) broken(rule *Rule, place, format string, args ...any) {
	s.found++
	if place == "" {
		place = "the body"
	}
	s.fault(rule, "%s %s", place, fmt.Sprintf(format, args...))
}

func (s *schemaJudge) walk(place string, v *value, schema *openapi3.Schema) {
	if v.kind == 'n' {
		if !schema.Nullable && !schema.Type.IncludesNull() && !schema.IsEmpty() {
			s.broken(bodyNull, place, "is null")
		}
		return
	}
	types := map[byte]string{'t': openapi3.TypeBoolean, 'f': openapi3.TypeBoolean, '"': openapi3.TypeString, '{': openapi3.TypeObject, '[': openapi3.TypeArray}
	if name, ok := types[byte(v.kind)]; ok && !schema.Type.Permits(name) || v.kind == '0' && !schema.Type.Permits(openapi3.TypeNumber) && !schema.Type.Permits(openapi3.TypeInteger) {
		s.broken(bodyType, place, "is %s, not %s", v.kindName(), strings.Join(schema.Type.Slice(), " or "))
		return
	}
	switch v.kind {
	case '{':
		s.object(place, v, schema)
	case '[':
		if schema.Items != nil {
			for i, item := range v.items {
				s.walk(fmt.Sprintf("%s[%d]", place, i), item, schema.Items.Value)
			}
		}
	case '0':
		s.number(place, v, schema)
	case '"':
		s.text(place, v, schema)
	}
}

func (s *schemaJudge) object(place string, v *value, schema *openapi3.Schema) {
	seen := make(map[string]bool, len(v.members))
	for _, m := range v.members {
		if seen[m.name] {
			s.broken(bodyDuplicates, join(place, m.name), "is there twice")
		}
		seen[m.name] = true
		property, others, declared := propertyOf(schema, m.name)
		switch {
		case property != nil:
			s.walk(join(place, m.name), m.value, property)
		case others != nil:
			s.walk(join(place, m.name), m.value, others)
		case !declared:
			s.broken(bodyUndeclared, join(place, cut(m.name)), "is a property that the schema does not declare")
		}
	}
	for _, name := range requiredOf(schema) {
		s.try(bodyRequired)
		if !seen[name] {
			s.broken(bodyRequired, join(place, name), "is missing")
		}
	}
}

// propertyOf finds what a schema says of a property: its schema, that of all others, or that it may be there.
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
	// Which of several alternatives applies, kin-openapi finds out. An object of which nothing is said may have anything.
	return nil, nil, open || len(schema.OneOf)+len(schema.AnyOf) > 0 || len(schema.Properties)+len(schema.AllOf) == 0
}

func requiredOf(schema *openapi3.Schema) []string {
	required := schema.Required
	for _, part := range schema.AllOf {
		required = append(required[:len(required):len(required)], requiredOf(part.Value)...)
	}
	return required
}

var wholeNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

func (s *schemaJudge) number(place string, v *value, schema *openapi3.Schema) {
	if !schema.Type.Is(openapi3.TypeInteger) {
		return
	}
	bits := 64
	if schema.Format == "int32" {
		bits = 32
	}
	if !wholeNumber.MatchString(v.text) {
		s.broken(bodyType, place, "is %s, not a whole number", cut(v.text))
	} else if _, err := strconv.ParseInt(v.text, 10, bits); err != nil {
		s.broken(bodyType, place, "is %s, beyond %d bits", cut(v.text), bits)
	}
}

var (
	dateTime = regexp.MustCompile(`^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$`)
	date     = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
	uuidText = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
)

func (s *schemaJudge) text(place string, v *value, schema *openapi3.Schema) {
	if len(schema.Enum) > 0 {
		s.try(bodyEnum)
		known := false
		for _, name := range schema.Enum {
			known = known || name == v.text
		}
		if !known {
			s.broken(bodyEnum, place, "is %s, which the enum does not have", shown(v))
		}
	}
	ok := true
	switch schema.Format {
	case "date-time":
		_, err := time.Parse(time.RFC3339Nano, strings.ToUpper(v.text))
		// RFC 3339 has leap seconds, Go has not.
		ok = dateTime.MatchString(v.text) && (err == nil || strings.Contains(v.text, ":60"))
	case "date":
		_, err := time.Parse(time.DateOnly, v.text)
		ok = date.MatchString(v.text) && err == nil
	case "uuid":
		ok = uuidText.MatchString(v.text)
	default:
		return
	}
	s.check(bodyFormat, ok, "%s is %s, which is no %s", place, shown(v), schema.Format)
	if !ok {
		s.found++
	}
}
