package conformance

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// The names of the document by which the laws of the list know its parts. Whatever else the document has, parameters
// above all, is met by reading it.
const (
	recordsField   = "deployment_records"
	pageField      = "pagination"
	pageParameter  = "pagination.page"
	sizeParameter  = "pagination.page_size"
	historyParam   = "full_history"
	jsonMediaType  = "application/json"
	biggestInt32   = "2147483647"
	beyondInt32    = "2147483648"
	beyondInt32Neg = "-2147483649"
)

// document is what an OpenAPI document says of the list.
type document struct {
	digest string
	// path is the operation's.
	path      string
	operation *openapi3.Operation
	// parameters are those in the query, in the document's order.
	parameters []*parameter
	// secured says that the operation needs a bearer token.
	secured bool
	// recordSchema is that of one of the list's records.
	recordSchema *openapi3.Schema
}

// parameter is one of the query's.
type parameter struct {
	name     string
	required bool
	schema   *openapi3.Schema
	// field is where a record shows the value that the parameter filters by; nil if it shows it nowhere.
	field []string
	// needs is the parameter without which this one means nothing, as its description says.
	needs string
}

// readDocument reads an OpenAPI document (YAML or JSON) and finds the operation that lists deployment records.
func readDocument(text []byte) (*document, error) {
	loader := openapi3.NewLoader() // which follows no reference out of the document
	doc, err := loader.LoadFromData(text)
	if err != nil {
		return nil, fmt.Errorf("the document can't be read: %w", err)
	}
	if err := doc.Validate(loader.Context, openapi3.DisableExamplesValidation()); err != nil {
		return nil, fmt.Errorf("the document is not a valid OpenAPI document: %w", err)
	}
	sum := sha256.Sum256(text)
	d := &document{digest: "sha256:" + hex.EncodeToString(sum[:])}
	for _, path := range doc.Paths.InMatchingOrder() {
		item := doc.Paths.Value(path)
		if item.Get == nil || d.operation != nil {
			continue
		}
		if record := listedRecord(item.Get); record != nil && !strings.Contains(path, "{") {
			d.path, d.operation, d.recordSchema = path, item.Get, record
			d.readParameters(item.Parameters, item.Get.Parameters)
			d.secured = needsBearer(doc, item.Get)
		}
	}
	if d.operation == nil {
		return nil, errors.New("the document has no GET operation that answers with " + recordsField + " and " + pageField)
	}
	return d, nil
}

// listedRecord is the schema of the records that an operation lists, or nil.
func listedRecord(op *openapi3.Operation) *openapi3.Schema {
	response := op.Responses.Status(http.StatusOK)
	if response == nil || response.Value == nil || response.Value.Content.Get(jsonMediaType) == nil {
		return nil
	}
	ref := response.Value.Content.Get(jsonMediaType).Schema
	if ref == nil {
		return nil
	}
	list := ref.Value.Properties[recordsField]
	if list == nil || list.Value.Items == nil || ref.Value.Properties[pageField] == nil {
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
			return false // one may come without
		}
		for name := range requirement {
			scheme := doc.Components.SecuritySchemes[name]
			secured = secured || scheme != nil && scheme.Value.Type == "http" && strings.EqualFold(scheme.Value.Scheme, "bearer")
		}
	}
	return secured
}

var needsText = regexp.MustCompile(`\(requires ([A-Za-z0-9_.]+)\)`)

func (d *document) readParameters(lists ...openapi3.Parameters) {
	for _, list := range lists {
		for _, ref := range list {
			if ref.Value.In != openapi3.ParameterInQuery {
				continue
			}
			p := &parameter{name: ref.Value.Name, required: ref.Value.Required, schema: &openapi3.Schema{}}
			if ref.Value.Schema != nil {
				p.schema = ref.Value.Schema.Value
			}
			if found := needsText.FindStringSubmatch(ref.Value.Description); found != nil {
				p.needs = found[1]
			}
			if p.isText() || p.isEnum() {
				p.field = fieldOf(d.recordSchema, p.name)
			}
			// One of the operation stands for one of the path.
			d.parameters = slices.DeleteFunc(d.parameters, func(old *parameter) bool { return old.name == p.name })
			d.parameters = append(d.parameters, p)
		}
	}
}

// fieldOf finds the property that a parameter is named after: environment_name is that, and artifact_digest is the
// digest of artifact.
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

func (p *parameter) isEnum() bool    { return len(p.schema.Enum) > 0 }
func (p *parameter) isText() bool    { return p.schema.Type.Is(openapi3.TypeString) && !p.isEnum() }
func (p *parameter) isInteger() bool { return p.schema.Type.Is(openapi3.TypeInteger) }
func (p *parameter) isBoolean() bool { return p.schema.Type.Is(openapi3.TypeBoolean) }

// enum lists the names of an enum.
func (p *parameter) enum() []string {
	names := make([]string, 0, len(p.schema.Enum))
	for _, value := range p.schema.Enum {
		names = append(names, fmt.Sprint(value))
	}
	return slices.Compact(names)
}

// defaultText is the documented default, if there is one.
func (p *parameter) defaultText() (string, bool) {
	if p.schema.Default == nil {
		return "", false
	}
	return fmt.Sprint(p.schema.Default), true
}

// accepts says whether the schema allows a value that is given as text.
func (p *parameter) accepts(text string) bool {
	var value any = text
	switch {
	case p.isInteger():
		bits := 64
		if p.schema.Format == "int32" {
			bits = 32
		}
		n, err := strconv.ParseInt(text, 10, bits)
		if err != nil {
			return false
		}
		value = float64(n)
	case p.isBoolean():
		if text != "true" && text != "false" {
			return false
		}
		value = text == "true"
	}
	return p.schema.VisitJSON(value) == nil
}

// parameter finds one by its name, or nil.
func (d *document) parameter(name string) *parameter {
	for _, p := range d.parameters {
		if p.name == name {
			return p
		}
	}
	return nil
}

// response is what the document says of a status, or nil.
func (d *document) response(status int) *openapi3.Response {
	code := strconv.Itoa(status)
	for _, key := range []string{code, code[:1] + "XX", "default"} {
		if ref := d.operation.Responses.Value(key); ref != nil {
			return ref.Value
		}
	}
	return nil
}
