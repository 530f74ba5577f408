// Package schemas finds the violations of a document's schemas, and words them for the sender of a request.
package schemas

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// bodyOptions validate a body as openapi3filter does a request.
var bodyOptions = []openapi3.SchemaValidationOption{
	openapi3.VisitAsRequest(), openapi3.MultiErrors(), openapi3.SetSchemaRegexCompiler(CompilePattern),
	// Details would carry the schema and the value into the message.
	openapi3.DisableSchemaErrorDetails(),
}

// Violation is a violation of the document's schemas in a parameter, in the body, or in the request as a whole.
type Violation struct {
	Parameter string
	inBody    bool
	// pointer has the tokens of the JSON pointer into the body.
	pointer []string
	Message string
}

// Path returns the location in the body, as deployments[3].artifact_digest, or "" for the body as a whole.
func (v Violation) Path() string {
	if len(v.pointer) == 0 {
		return ""
	}
	return jsonPath(v.pointer)
}

func (v Violation) String() string {
	switch {
	case v.Parameter != "":
		return v.Parameter + ": " + v.Message
	case v.inBody:
		return jsonPath(v.pointer) + ": " + v.Message
	default:
		return v.Message
	}
}

// jsonPath formats a JSON pointer for people, as deployments[3].artifact_digest.
// It shortens a path that is longer than any of the contract's to its end.
func jsonPath(pointer []string) string {
	if len(pointer) == 0 {
		return "body"
	}
	var b strings.Builder
	if len(pointer) > maxPathParts {
		pointer = pointer[len(pointer)-shortPathParts:]
		b.WriteString("….")
	}
	for i, token := range pointer {
		if _, err := strconv.Atoi(token); err == nil && i > 0 {
			b.WriteString("[" + token + "]")
			continue
		}
		if i > 0 {
			b.WriteString(".")
		}
		b.WriteString(token)
	}
	return b.String()
}

const (
	// maxPathParts is the number of parts up to which a path is written in full.
	maxPathParts = 8
	// shortPathParts is the number of parts that a longer path shows.
	shortPathParts = 3
)

// PointerPath formats the JSON pointer of a body that is not checked yet. It quotes names that are not plain.
func PointerPath(pointer jsontext.Pointer) string {
	var parts []string
	for token := range pointer.Tokens() {
		parts = append(parts, deployments.QuoteName(token))
	}
	return jsonPath(parts)
}

// ViolationsOfBody validates a value of a body against its schema.
func ViolationsOfBody(schema *openapi3.Schema, value any) []Violation {
	err := schema.VisitJSON(value, bodyOptions...)
	if err == nil {
		return nil
	}
	var c bodyCollector
	c.collect(err)
	return c.violations
}

// ViolationsOfRequest translates the error of openapi3filter.
func ViolationsOfRequest(err error) []Violation {
	if err == nil {
		return nil
	}
	if many, ok := err.(openapi3.MultiError); ok { //nolint:errorlint // one that is wrapped belongs to its wrapper
		var violations []Violation
		for _, one := range many {
			violations = append(violations, ViolationsOfRequest(one)...)
		}
		return violations
	}
	var requestErr *openapi3filter.RequestError
	switch {
	case errors.As(err, &requestErr) && requestErr.Parameter != nil:
		return []Violation{{Parameter: requestErr.Parameter.Name, Message: parameterMessage(requestErr.Err)}}
	default:
		return []Violation{{Message: "the request does not fit the contract"}}
	}
}

func parameterMessage(err error) string {
	// The errors of a schema are a list of their own.
	if many, ok := err.(openapi3.MultiError); ok && len(many) > 0 { //nolint:errorlint // as in ViolationsOfRequest
		err = many[0]
	}
	var schemaErr *openapi3.SchemaError
	switch {
	case errors.Is(err, openapi3filter.ErrInvalidRequired):
		return "is missing"
	case errors.Is(err, openapi3filter.ErrInvalidEmptyValue):
		return "is empty"
	case errors.As(err, &schemaErr):
		return schemaMessage(schemaErr)
	default:
		return "is not a value of its type"
	}
}

// bodyCollector collects one violation for each location in the body: a schema may report several for one value.
type bodyCollector struct {
	violations []Violation
	locations  map[string]bool // that have a violation
	objects    map[string]bool // whose unknown members are reported
}

func (c *bodyCollector) add(pointer []string, message string) {
	if c.locations == nil {
		c.locations, c.objects = make(map[string]bool), make(map[string]bool)
	}
	if path := jsonPath(pointer); !c.locations[path] {
		c.locations[path] = true
		c.violations = append(c.violations, Violation{inBody: true, pointer: pointer, Message: message})
	}
}

func (c *bodyCollector) collect(err error) {
	var schemaErr *openapi3.SchemaError
	switch many, ok := err.(openapi3.MultiError); { //nolint:errorlint // as in ViolationsOfRequest
	case ok:
		for _, one := range many {
			c.collect(one)
		}
	case errors.As(err, &schemaErr):
		c.collectSchemaError(schemaErr)
	default:
		c.add(nil, "does not fit the contract")
	}
}

// collectSchemaError handles unknown members apart: there is an error for each of them that names their object only.
func (c *bodyCollector) collectSchemaError(err *openapi3.SchemaError) {
	pointer := err.JSONPointer()
	object, isObject := err.Value.(map[string]any)
	if !isObject || err.SchemaField != "properties" && err.SchemaField != "additionalProperties" {
		c.add(pointer, schemaMessage(err))
		return
	}
	if path := jsonPath(pointer); c.objects[path] {
		return
	}
	var unknown []string
	for name := range object {
		if _, known := err.Schema.Properties[name]; !known {
			unknown = append(unknown, deployments.QuoteName(name))
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		message := "is not a member that the contract knows"
		if _, isItem := err.Schema.Properties["deployment_name"]; isItem && name == "observed_at" {
			message = "is a member of the batch, for all of its items"
		}
		c.add(slices.Concat(pointer, []string{name}), message)
	}
	if len(unknown) == 0 {
		c.add(pointer, schemaMessage(err))
	}
	c.objects[jsonPath(pointer)] = true
}

// schemaMessage describes a violation, in the domain's words where it has some.
func schemaMessage(err *openapi3.SchemaError) string {
	text, isText := err.Value.(string)
	switch err.SchemaField {
	case "enum":
		if err.Value == nil {
			return "is null"
		}
		return quoteValue(err.Value) + " is not one of " + allowedValues(err.Schema)
	case "nullable":
		return "is null"
	case "required":
		return "is missing"
	case "type":
		return "is not " + typeName(err.Schema)
	case "maxItems":
		return fmt.Sprintf("has more than %d items", *err.Schema.MaxItems)
	case "minItems", "minProperties": // each is 1
		return "is empty"
	case "minimum":
		return fmt.Sprintf("%s is less than %v", quoteValue(err.Value), *err.Schema.Min)
	case "maximum":
		return fmt.Sprintf("%s is more than %v", quoteValue(err.Value), *err.Schema.Max)
	case "format":
		return quoteValue(err.Value) + " is not of the format " + err.Schema.Format
	case "pattern", "minLength", "maxLength":
		if !isText {
			break
		}
		check := deployments.CheckRecordedName
		if pointer := err.JSONPointer(); len(pointer) > 0 {
			switch pointer[len(pointer)-1] {
			case "artifact_digest":
				check = deployments.CheckDigest
			case "artifact_name", "artifact_version":
				check = deployments.CheckText
			}
		}
		if err := check(text); err != nil {
			return err.Error()
		}
		switch err.SchemaField {
		case "minLength":
			return fmt.Sprintf("has fewer than %d characters", err.Schema.MinLength)
		case "maxLength":
			return fmt.Sprintf("has more than %d characters", *err.Schema.MaxLength)
		}
	}
	return err.Reason
}

// quoteValue quotes a text or a number, which is written in digits. It names the type of a list or an object: the decoder drops
// its content where the schema has none.
func quoteValue(value any) string {
	switch v := value.(type) {
	case float64:
		return deployments.Quote(strconv.FormatFloat(v, 'f', -1, 64))
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	}
	return deployments.Quote(fmt.Sprint(value))
}

// allowedValues lists the values of an enum.
func allowedValues(schema *openapi3.Schema) string {
	names := make([]string, 0, len(schema.Enum))
	for _, value := range schema.Enum {
		names = append(names, fmt.Sprint(value))
	}
	return strings.Join(slices.Compact(names), ", ")
}

var typeNames = map[string]string{
	openapi3.TypeString: "a string", openapi3.TypeObject: "an object", openapi3.TypeArray: "an array", openapi3.TypeBoolean: "true or false",
	openapi3.TypeInteger: "an integer", openapi3.TypeNumber: "a number",
}

func typeName(schema *openapi3.Schema) string {
	if types := schema.Type.Slice(); len(types) > 0 {
		return typeNames[types[0]]
	}
	return "of its type"
}
