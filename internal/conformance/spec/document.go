// Package spec reads an OpenAPI document and checks single answers against the document and against the rules of
// docs/semantics.md that concern one answer.
package spec

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
)

const jsonMediaType = "application/json"

// Document is the part of an OpenAPI document that describes the list of deployment records.
type Document struct {
	Digest string
	// Path is the path of the operation.
	Path string
	// Parameters are the operation's query parameters, in the document's order.
	Parameters []*Parameter
	// Secured reports whether the operation requires a bearer token.
	Secured bool
	// Layout describes where the list has its parts. Mapped reports that a mapping gave it: the list is not that of deployment records.
	Layout client.Layout
	Mapped bool

	operation    *openapi3.Operation
	recordSchema *openapi3.Schema
	paths        []*regexp.Regexp // match all paths of the document
}

// Parameter is a query parameter.
type Parameter struct {
	Name     string
	Required bool
	Schema   *openapi3.Schema
	// Field is the path in a record of the value that the parameter filters by. It is nil if records do not show the value.
	Field []string
	// Requires is another parameter that must be present, as the description states, or "".
	Requires string
}

// Read reads an OpenAPI document (YAML or JSON) and finds the operation that lists deployment records, or that of the mapping
// if it is not nil.
func Read(text []byte, mapping *Mapping) (*Document, error) {
	loader := openapi3.NewLoader() // does not follow references to other files
	doc, err := loader.LoadFromData(text)
	if err != nil {
		return nil, fmt.Errorf("the document can't be read: %w", err)
	}
	if err := doc.Validate(loader.Context, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaPatternValidation()); err != nil {
		return nil, fmt.Errorf("the document is not a valid OpenAPI document: %w", err)
	}
	d := &Document{Digest: fmt.Sprintf("sha256:%x", sha256.Sum256(text)), Layout: client.Deployments, paths: pathExpressions(doc)}
	if mapping != nil {
		if err := mapping.apply(doc, d); err != nil {
			return nil, fmt.Errorf("the mapping does not fit the document: %w", err)
		}
		return d, nil
	}
	path, ok := listPath(doc)
	if !ok {
		return nil, errors.New("the document has no GET operation that answers with " + client.RecordsField + " and " + client.PaginationField)
	}
	item := doc.Paths.Value(path)
	d.Path, d.Secured, d.operation, d.recordSchema = path, needsBearer(doc, item.Get), item.Get, listedRecord(item.Get)
	d.readParameters(slices.Concat(item.Parameters, item.Get.Parameters))
	return d, nil
}

// listPath returns the path of the operation that lists deployment records: that of the present document or, if that one
// lists none, the first path without parameters whose GET operation does. It returns false if there is none.
func listPath(doc *openapi3.T) (string, bool) {
	paths := slices.Sorted(maps.Keys(doc.Paths.Map()))
	for _, path := range slices.Concat([]string{presentPath}, paths) {
		item := doc.Paths.Value(path)
		if item != nil && item.Get != nil && !strings.Contains(path, "{") && listedRecord(item.Get) != nil {
			return path, true
		}
	}
	return "", false
}

// presentPath is the path of the list in the document that this package was written for. A document may have a next
// version beside it, which is another API.
const presentPath = "/v1/deployments"

var pathParameter = regexp.MustCompile(`\\\{[^/{}]+\\\}`)

// pathExpressions match the paths of the document.
func pathExpressions(doc *openapi3.T) (expressions []*regexp.Regexp) {
	for path := range doc.Paths.Map() {
		expressions = append(expressions, regexp.MustCompile("^"+pathParameter.ReplaceAllString(regexp.QuoteMeta(path), "[^/]+")+"$"))
	}
	return expressions
}

// HasPath reports whether a path of the document matches a request's path.
func (d *Document) HasPath(path string) bool {
	return slices.ContainsFunc(d.paths, func(e *regexp.Regexp) bool { return e.MatchString(path) })
}

// listedRecord returns the schema of the records that an operation lists, or nil.
func listedRecord(op *openapi3.Operation) *openapi3.Schema {
	body := bodySchema(op)
	if body == nil {
		return nil
	}
	list := body.Properties[client.RecordsField]
	if list == nil || list.Value.Items == nil || body.Properties[client.PaginationField] == nil {
		return nil
	}
	return list.Value.Items.Value
}

func needsBearer(doc *openapi3.T, op *openapi3.Operation) bool {
	requirements := doc.Security
	if op.Security != nil {
		requirements = *op.Security
	}
	secured := false
	for _, requirement := range requirements {
		if len(requirement) == 0 {
			return false // an alternative without credentials
		}
		for name := range requirement {
			scheme := doc.Components.SecuritySchemes[name]
			secured = secured || scheme != nil && scheme.Value.Type == "http" && strings.EqualFold(scheme.Value.Scheme, "bearer")
		}
	}
	return secured
}

var requiresText = regexp.MustCompile(`\(requires ([A-Za-z0-9_.]+)\)`)

// readParameters reads the parameters of the path and of the operation. Of two with the same name, the later counts. Without the
// schema of records, which a mapping adds later, it finds no fields.
func (d *Document) readParameters(refs openapi3.Parameters) {
	for _, ref := range refs {
		if ref.Value.In != openapi3.ParameterInQuery {
			continue
		}
		p := &Parameter{Name: ref.Value.Name, Required: ref.Value.Required, Schema: &openapi3.Schema{}}
		if ref.Value.Schema != nil {
			p.Schema = ref.Value.Schema.Value
		}
		if found := requiresText.FindStringSubmatch(ref.Value.Description); found != nil {
			p.Requires = found[1]
		}
		if d.recordSchema != nil && (p.IsText() || p.IsEnum()) {
			p.Field = fieldOf(d.recordSchema, p.Name)
		}
		d.Parameters = slices.DeleteFunc(d.Parameters, func(old *Parameter) bool { return old.Name == p.Name })
		d.Parameters = append(d.Parameters, p)
	}
}

// fieldOf finds the property that a parameter is named after: environment_name names that property, artifact_digest the
// property digest of artifact.
func fieldOf(record *openapi3.Schema, name string) []string {
	if property := record.Properties[name]; property != nil && property.Value.Type.Is(openapi3.TypeString) {
		return []string{name}
	}
	for object, ref := range record.Properties {
		rest, ok := strings.CutPrefix(name, object+"_")
		if inner := ref.Value.Properties[rest]; ok && inner != nil && inner.Value.Type.Is(openapi3.TypeString) {
			return []string{object, rest}
		}
	}
	return nil
}

// IsEnum reports whether the parameter lists its values.
func (p *Parameter) IsEnum() bool { return len(p.Schema.Enum) > 0 }

// IsText reports whether the parameter is a string with any value.
func (p *Parameter) IsText() bool { return p.Schema.Type.Is(openapi3.TypeString) && !p.IsEnum() }

// IsInteger reports whether the parameter is an integer.
func (p *Parameter) IsInteger() bool { return p.Schema.Type.Is(openapi3.TypeInteger) }

// IsBoolean reports whether the parameter is a boolean.
func (p *Parameter) IsBoolean() bool { return p.Schema.Type.Is(openapi3.TypeBoolean) }

// IsArray reports whether the parameter is an array.
func (p *Parameter) IsArray() bool { return p.Schema.Type.Is(openapi3.TypeArray) }

// Enum returns the names of an enum.
func (p *Parameter) Enum() []string {
	names := make([]string, 0, len(p.Schema.Enum))
	for _, value := range p.Schema.Enum {
		names = append(names, fmt.Sprint(value))
	}
	return slices.Compact(names)
}

// Default returns the documented default and whether there is one.
func (p *Parameter) Default() (string, bool) {
	if p.Schema.Default == nil {
		return "", false
	}
	return fmt.Sprint(p.Schema.Default), true
}

// Accepts reports whether the schema allows a value that is given as text.
func (p *Parameter) Accepts(text string) bool {
	var value any = text
	switch {
	case p.IsInteger():
		n, err := strconv.ParseInt(text, 10, integerBits(p.Schema))
		if err != nil {
			return false
		}
		value = float64(n)
	case p.IsBoolean():
		if text != "true" && text != "false" {
			return false
		}
		value = text == "true"
	}
	return p.Schema.VisitJSON(value) == nil
}

// Parameter returns a parameter by its name, or nil.
func (d *Document) Parameter(name string) *Parameter {
	for _, p := range d.Parameters {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Remove removes a parameter and returns it, or nil if the document does not have it.
func (d *Document) Remove(name string) *Parameter {
	p := d.Parameter(name)
	d.Parameters = slices.DeleteFunc(d.Parameters, func(other *Parameter) bool { return other == p })
	return p
}

// response returns the documented response for a status, or nil.
func (d *Document) response(status int) *openapi3.Response {
	ref := d.operation.Responses.Status(status)
	if ref == nil {
		ref = d.operation.Responses.Default()
	}
	if ref == nil {
		return nil
	}
	return ref.Value
}
