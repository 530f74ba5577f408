package spec

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
)

// Mapping describes the list of another document: where it has its parts, and which parameters filter by which fields.
type Mapping struct {
	Path    string
	Layout  client.Layout
	Filters map[string][]string
}

// mappingFile is the YAML of a mapping. Fields are paths with dots.
type mappingFile struct {
	Path    string            `yaml:"path"`
	Records string            `yaml:"records"`
	ID      string            `yaml:"id"`
	Page    mappedParameter   `yaml:"page"`
	Size    mappedParameter   `yaml:"size"`
	Total   string            `yaml:"total"`
	Pages   string            `yaml:"pages"`
	Filters map[string]string `yaml:"filters"`
}

// mappedParameter is a parameter that the answer may repeat.
type mappedParameter struct {
	Parameter string `yaml:"parameter"`
	Answer    string `yaml:"answer"`
}

// ReadMapping reads a mapping in YAML.
func ReadMapping(text []byte) (*Mapping, error) {
	var file mappingFile
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		return nil, fmt.Errorf("the mapping can't be read: %w; it has path, records, id, page, size, total, pages and filters", err)
	}
	var missing []string
	for _, field := range []struct{ name, text string }{
		{"path", file.Path}, {"id", file.ID}, {"total", file.Total}, {"page.parameter", file.Page.Parameter}, {"size.parameter", file.Size.Parameter},
	} {
		if field.text == "" {
			missing = append(missing, field.name)
		}
	}
	if missing != nil {
		return nil, fmt.Errorf("the mapping lacks %s", strings.Join(missing, ", "))
	}
	m := &Mapping{Path: file.Path, Filters: make(map[string][]string), Layout: client.Layout{
		Records: splitPath(file.Records), ID: splitPath(file.ID), Page: splitPath(file.Page.Answer), Size: splitPath(file.Size.Answer),
		Total: splitPath(file.Total), Pages: splitPath(file.Pages), PageParameter: file.Page.Parameter, SizeParameter: file.Size.Parameter,
	}}
	for parameter, field := range file.Filters {
		m.Filters[parameter] = splitPath(field)
	}
	return m, nil
}

func splitPath(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, ".")
}

// apply makes the list of the mapping that of the document, which then has the parameters of the mapping and the required ones
// only. The error names each part of the mapping that the document does not have.
func (m *Mapping) apply(doc *openapi3.T, d *Document) error {
	item := doc.Paths.Value(m.Path)
	if item == nil || item.Get == nil {
		return fmt.Errorf("path: the document has no GET %s; it has %s", m.Path, strings.Join(gets(doc), ", "))
	}
	d.Path, d.Layout, d.Mapped, d.operation = m.Path, m.Layout, true, item.Get
	d.Secured = needsBearer(doc, item.Get)
	d.readParameters(slices.Concat(item.Parameters, item.Get.Parameters))
	var violations []error
	report := func(format string, args ...any) { violations = append(violations, fmt.Errorf(format, args...)) }
	body := bodySchema(item.Get)
	records := schemaAt(body, m.Layout.Records)
	switch {
	case body == nil:
		report("path: GET %s has no JSON with status 200", m.Path)
	case records == nil || records.Items == nil:
		report("records: the body has no list at %q", strings.Join(m.Layout.Records, "."))
	default:
		d.recordSchema = records.Items.Value
		for field, path := range map[string][]string{"page.answer": m.Layout.Page, "size.answer": m.Layout.Size, "total": m.Layout.Total, "pages": m.Layout.Pages} {
			if path != nil && schemaAt(body, path) == nil {
				report("%s: the body has no %s", field, strings.Join(path, "."))
			}
		}
		if schemaAt(d.recordSchema, m.Layout.ID) == nil {
			report("id: a record has no %s", strings.Join(m.Layout.ID, "."))
		}
	}
	for _, name := range []string{m.Layout.PageParameter, m.Layout.SizeParameter} {
		if p := d.Parameter(name); p == nil || !p.IsInteger() {
			report("%s: is no parameter of GET %s that is a whole number", name, m.Path)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Filters)) {
		p, field := d.Parameter(name), schemaAt(d.recordSchema, m.Filters[name])
		switch {
		case p == nil || !p.IsText() && !p.IsEnum():
			report("filters: %s is no parameter of GET %s that is a text", name, m.Path)
		case field == nil || !field.Type.Is(openapi3.TypeString):
			report("filters: a record has no text at %s, by which %s filters", strings.Join(m.Filters[name], "."), name)
		}
	}
	if violations != nil {
		return errors.Join(violations...)
	}
	d.Parameters = slices.DeleteFunc(d.Parameters, func(p *Parameter) bool {
		p.Field = m.Filters[p.Name]
		return p.Field == nil && !p.Required && p.Name != m.Layout.PageParameter && p.Name != m.Layout.SizeParameter
	})
	return nil
}

// gets returns the paths that have a GET operation.
func gets(doc *openapi3.T) (paths []string) {
	for _, path := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
		if doc.Paths.Value(path).Get != nil {
			paths = append(paths, path)
		}
	}
	return paths
}

// bodySchema returns the schema of the JSON with status 200, or nil.
func bodySchema(op *openapi3.Operation) *openapi3.Schema {
	response := op.Responses.Status(http.StatusOK)
	if response == nil || response.Value == nil || response.Value.Content.Get(jsonMediaType) == nil || response.Value.Content.Get(jsonMediaType).Schema == nil {
		return nil
	}
	return response.Value.Content.Get(jsonMediaType).Schema.Value
}

// schemaAt returns the schema at a path in objects, or nil.
func schemaAt(schema *openapi3.Schema, path []string) *openapi3.Schema {
	for _, name := range path {
		if schema == nil {
			return nil
		}
		schema, _, _ = propertyOf(schema, name)
	}
	return schema
}
