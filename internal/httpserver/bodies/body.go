// Package bodies reads the JSON bodies of requests within a budget of memory, and checks them as they arrive.
package bodies

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/httpserver/schemas"
)

// Body is a request's body. Its text is decoded by json v2: encoding/json would ignore duplicate members, lone
// surrogates and differences in case.
type Body struct {
	text []byte
	// Value has what the schema knows of the body, except the items of a batch: each is validated and dropped while the body
	// is read.
	Value any
	// Violations are those of the syntax, the shape and the times.
	Violations []string
	// Rejected has the violations of a batch's items. A violation of the item as a whole has no field.
	Rejected api.RejectedItems
	// times and items replace parts of the text: times that are written in another form, and rejected items.
	times, items []edit
}

// Read reads a JSON body and checks its shape. The body holds its bytes of the budget until it is released, and a large
// one its place. The error is an *api.Problem (400, 415, 503), a *deployments.OverloadError (429, 503) or an
// *http.MaxBytesError (413).
func Read(r *http.Request, schema *openapi3.Schema, held *Held) (*Body, error) {
	if err := checkContentType(r.Header); err != nil {
		return nil, err
	}
	source := &textSource{from: r.Body, length: r.ContentLength, hold: held.Grow}
	if err := held.admit(r.Context(), source); err != nil {
		held.Release()
		if r.Header.Get("Expect") == "" {
			// A client that still sends reads no response.
			_, _ = io.Copy(io.Discard, r.Body)
		}
		return nil, err
	}
	body, err := newDecoder(schema, source).decode()
	if len(body.Violations) > 0 || err != nil {
		// The rest is dropped; it may make the body too large.
		held.Release()
		if _, rest := io.Copy(io.Discard, r.Body); rest != nil && source.err == nil {
			source.err = rest
		}
	}
	if source.err == nil {
		return body, nil
	}
	if _, known := errors.AsType[*api.Problem](source.err); known {
		return nil, source.err
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](source.err); tooLarge {
		return nil, source.err
	}
	problem := api.BadRequest([]string{"body: could not be read to its end"})
	problem.Cause = source.err
	return nil, problem
}

// syntaxViolation describes where and why a body is not one JSON value.
func syntaxViolation(err error) string {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		return "body: is not a JSON value"
	}
	path := schemas.PointerPath(syntax.JSONPointer)
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return path + ": is given twice"
	case syntax.JSONPointer == "":
		return fmt.Sprintf("body: is not one JSON value, at byte %d: %v", syntax.ByteOffset, syntax.Err)
	default:
		return fmt.Sprintf("%s: is not JSON, at byte %d: %v", path, syntax.ByteOffset, syntax.Err)
	}
}

// Members returns the members of the body's object.
func (b *Body) Members() map[string]any {
	members, _ := b.Value.(map[string]any)
	return members
}

// edit replaces the bytes from start to end of a text.
type edit struct {
	start, end int
	text       []byte
}

// edited returns the text with the edits.
func edited(text []byte, edits []edit) []byte {
	if len(edits) == 0 {
		return text
	}
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(a.start, b.start) })
	var result []byte
	end := 0
	for _, e := range edits {
		result = append(append(result, text[end:e.start]...), e.text...)
		end = e.end
	}
	return append(result, text[end:]...)
}

// withoutInvalid returns the JSON of a rejected item without its invalid members. The rest still identifies what the item
// is about.
func withoutInvalid(item any, violations []deployments.Violation, properties openapi3.Schemas) []byte {
	members, _ := item.(map[string]any)
	valid := make(map[string]any)
	for name := range properties {
		if value, given := members[name]; given {
			valid[name] = value
		}
	}
	for _, violation := range violations {
		delete(valid, topLevel(violation.Field))
	}
	text, err := json.Marshal(valid)
	if err != nil {
		panic(err) // the value was decoded from JSON
	}
	return text
}

// topLevel returns the first name of a path.
func topLevel(path string) string {
	if end := strings.IndexAny(path, ".["); end >= 0 {
		return path[:end]
	}
	return path
}

// HandOver returns the request with a body that the generated code can decode. A partial batch is without the invalid
// members of rejected items.
func (b *Body) HandOver(r *http.Request) *http.Request {
	for _, violations := range b.Rejected {
		for i := range violations {
			if violations[i].Field == "" {
				violations[i].Field = "item"
			}
		}
	}
	text := edited(b.text, slices.Concat(b.times, b.items))
	r = r.WithContext(api.WithRejectedItems(r.Context(), b.Rejected))
	r.Header = r.Header.Clone()
	r.Header.Set("Content-Type", "application/json") // the only spelling that the generated binder accepts
	r.Body = &checkedBody{ReadCloser: io.NopCloser(bytes.NewReader(text)), text: text}
	r.ContentLength = int64(len(text))
	return r
}

// checkedBody is a body that Read has checked.
type checkedBody struct {
	io.ReadCloser
	text []byte
}

// Take returns the text of a body that Read has checked, and drops it from the request. It reports whether the request has one.
func Take(r *http.Request) (text []byte, ok bool) {
	body, ok := r.Body.(*checkedBody)
	if !ok {
		return nil, false
	}
	text = body.text
	body.text, body.ReadCloser = nil, http.NoBody
	return text, true
}
