package bodies

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/httpserver/schemas"
)

const (
	// maxUnknownMembers is the number of unknown members that an object may have beside the known ones. Its violations name
	// each of them.
	maxUnknownMembers = 32
	// maxSkippedMembers limits an object within an unknown member: the decoder keeps its names to find duplicates.
	maxSkippedMembers = 1000
	// maxDepth limits the depth of a body; the contract has 5 levels.
	maxDepth = 32
	// maxItemViolations limits the violations of all items of a batch. A partial batch of the largest size may have ten in
	// each item.
	maxItemViolations = 50_000
)

// decoder decodes a body as it arrives. It builds only values that the schema knows, and stops at the first object or
// list that is larger than the schema allows, so a body takes memory in proportion to its text.
type decoder struct {
	schema *openapi3.Schema
	// list is the property for the items of a batch, or nil.
	list   *openapi3.Schema
	tokens *jsontext.Decoder
	source *textSource
	body   *Body
	// itemViolations is the number of violations of the batch's items so far.
	itemViolations int
}

// shapeError is a violation of the body's shape, at which decoding stops.
type shapeError string

func (e shapeError) Error() string { return string(e) }

func newDecoder(schema *openapi3.Schema, source *textSource) *decoder {
	return &decoder{
		schema: schema, list: batchItems(schema), tokens: jsontext.NewDecoder(source), source: source,
		body: &Body{Rejected: make(api.RejectedItems)},
	}
}

// batchItems returns the schema of the list of a batch, or nil if the schema is not that of a batch.
func batchItems(schema *openapi3.Schema) *openapi3.Schema {
	if list := schema.Properties["deployments"]; list != nil && list.Value.Items != nil {
		return list.Value
	}
	return nil
}

// decode returns the body. It returns an error if the body could not be read or held; source.err then has the reason.
func (d *decoder) decode() (*Body, error) {
	value, err := d.top()
	switch {
	case errors.Is(err, io.EOF):
		d.body.Violations = []string{"body: is missing"}
		err = nil
	case err == nil:
		err = d.end()
	}
	var shape shapeError
	switch {
	case err == nil:
		d.body.text, d.body.Value = d.source.text, value
	case d.source.err != nil:
		return d.body, err
	case d.source.long:
		d.body.Violations = []string{fmt.Sprintf("%s: a name or value at byte %d has more than %d bytes",
			schemas.PointerPath(d.tokens.StackPointer()), d.source.tokenEnd, maxTokenBytes)}
	case errors.As(err, &shape):
		d.body.Violations = []string{string(shape)}
	default:
		d.body.Violations = []string{syntaxViolation(err)}
	}
	return d.body, nil
}

// top returns the value of the whole body. It does not read a list to its end.
func (d *decoder) top() (any, error) {
	if d.tokens.PeekKind() == '[' {
		return nil, shapeError("body: is not an object")
	}
	return d.value(d.schema)
}

// end returns an error if anything follows the value.
func (d *decoder) end() error {
	d.tokens.PeekKind()
	start := d.start()
	_, err := d.read()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if d.source.err != nil || d.source.long {
		return err
	}
	return shapeError(fmt.Sprintf("body: is not one JSON value, at byte %d: invalid character %q after top-level value", start, d.source.text[start]))
}

// read returns the next token, which is valid until the next call.
func (d *decoder) read() (jsontext.Token, error) {
	token, err := d.tokens.ReadToken()
	if err == nil {
		d.source.tokenEnd = d.tokens.InputOffset()
		if d.tokens.StackDepth() > maxDepth {
			err = shapeError(fmt.Sprintf("%s: is nested deeper than %d levels", schemas.PointerPath(d.tokens.StackPointer()), maxDepth))
		}
	}
	return token, err
}

// start returns the offset of the next token, which has been peeked, or of the one that failed to follow.
func (d *decoder) start() int {
	start := int(d.source.tokenEnd)
	for start < len(d.source.text)-1 && slices.Contains([]byte(" \t\r\n,:"), d.source.text[start]) {
		start++
	}
	return start
}

// value returns the next value, as far as the schema knows it. A container where the schema has none becomes an empty one.
func (d *decoder) value(schema *openapi3.Schema) (any, error) {
	switch kind := d.tokens.PeekKind(); {
	case kind == '{' && schema.Type.Permits(openapi3.TypeObject):
		return d.object(schema)
	case kind == '{':
		return map[string]any{}, d.skip()
	case kind == '[' && schema.Items != nil:
		return d.array(schema)
	case kind == '[':
		return []any{}, d.skip()
	default:
		return d.scalar(schema)
	}
}

func (d *decoder) object(schema *openapi3.Schema) (any, error) {
	if _, err := d.read(); err != nil {
		return nil, err
	}
	known := len(schema.Properties)
	members := make(map[string]any, known)
	for d.tokens.PeekKind() != '}' {
		if len(members) == known+maxUnknownMembers {
			return nil, shapeError(fmt.Sprintf("%s: has more than %d members, and the contract knows %d",
				schemas.PointerPath(d.tokens.StackPointer().Parent()), len(members), known))
		}
		token, err := d.read()
		if err != nil {
			return nil, err
		}
		name := token.String()
		if property := schema.Properties[name]; property != nil {
			members[name], err = d.value(property.Value)
		} else {
			members[name], err = nil, d.skip()
		}
		if err != nil {
			return nil, err
		}
	}
	_, err := d.read()
	return members, err
}

func (d *decoder) array(schema *openapi3.Schema) (any, error) {
	if _, err := d.read(); err != nil {
		return nil, err
	}
	items := []any{}
	for i := 0; d.tokens.PeekKind() != ']'; i++ {
		if schema.MaxItems != nil && uint64(i) == *schema.MaxItems {
			return nil, shapeError(fmt.Sprintf("%s: has more than %d items", schemas.PointerPath(d.tokens.StackPointer().Parent()), i))
		}
		start := d.start()
		item, err := d.value(schema.Items.Value)
		if err == nil && schema == d.list {
			err = d.checkItem(i, item, start)
		} else {
			items = append(items, item)
		}
		if err != nil {
			return nil, err
		}
	}
	_, err := d.read()
	return items, err
}

// checkItem validates an item of a batch, and returns an error if the batch has too many violations.
func (d *decoder) checkItem(index int, item any, start int) error {
	schema := d.list.Items.Value
	violations := schemas.ViolationsOfBody(schema, item)
	if len(violations) == 0 {
		return nil
	}
	if d.itemViolations += len(violations); d.itemViolations > maxItemViolations {
		return shapeError(fmt.Sprintf("deployments: the items have more than %d faults", maxItemViolations))
	}
	rejected := make([]deployments.Violation, len(violations))
	for i, v := range violations {
		rejected[i] = deployments.Violation{Field: v.Path(), Message: v.Message}
	}
	d.body.Rejected[index] = rejected
	d.body.items = append(d.body.items, edit{start, int(d.source.tokenEnd), withoutInvalid(item, rejected, schema.Properties)})
	return nil
}

// scalar returns a string, a number as float64, a bool or nil. It checks that times exist in the calendar, which the
// document's format does not express, and writes them as the API does: decoding accepts fewer forms than RFC 3339.
func (d *decoder) scalar(schema *openapi3.Schema) (any, error) {
	start := d.start()
	token, err := d.read()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case 'n':
		return nil, nil
	case 't', 'f':
		return token.Bool(), nil
	case '0':
		number, _ := strconv.ParseFloat(token.String(), 64) // infinite if it is out of range
		return max(-math.MaxFloat64, min(number, math.MaxFloat64)), nil
	}
	text := token.String()
	if schema.Format != "date-time" {
		return text, nil
	}
	t, err := deployments.ParseTime(text)
	if err != nil {
		d.body.Violations = append(d.body.Violations, schemas.PointerPath(d.tokens.StackPointer())+": "+deployments.Quote(text)+" "+err.Error())
		return text, nil //nolint:nilerr // it is one of the body's violations
	}
	if normal := t.Format(time.RFC3339Nano); normal != text {
		d.body.times = append(d.body.times, edit{start, int(d.source.tokenEnd), strconv.AppendQuote(nil, normal)})
		text = normal
	}
	return text, nil
}

// skip reads a value of which only the syntax and the size are checked.
func (d *decoder) skip() error {
	for depth := d.tokens.StackDepth(); ; {
		if _, err := d.read(); err != nil {
			return err
		}
		now := d.tokens.StackDepth()
		if now <= depth {
			return nil
		}
		if kind, names := d.tokens.StackIndex(now); kind == '{' && names > 2*maxSkippedMembers {
			return shapeError(fmt.Sprintf("%s: has more than %d members", schemas.PointerPath(d.tokens.StackPointer().Parent()), maxSkippedMembers))
		}
	}
}
