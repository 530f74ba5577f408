package httpserver

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
	"github.com/labstack/echo/v4"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// jsonBody is a request's body. Its text is decoded by json v2: encoding/json would ignore duplicate members, lone
// surrogates and differences in case.
type jsonBody struct {
	text []byte
	// value has what the schema knows of the body, except the items of a batch: each is validated and dropped while the body
	// is read.
	value any
	// violations are those of the syntax, the shape and the times.
	violations []string
	// rejected has the violations of a batch's items. A violation of the item as a whole has no field.
	rejected api.RejectedItems
	// times and items replace parts of the text: times that are written in another form, and rejected items.
	times, items []edit
}

// readBody reads a JSON body and checks its shape. The body holds its bytes of the budget until it is released, and a large
// one its place. The error is an *api.Problem (400, 415, 503), a *deployments.OverloadError (429, 503) or an
// *http.MaxBytesError (413).
func readBody(r *http.Request, schema *openapi3.Schema, held *heldBody) (*jsonBody, error) {
	if err := checkContentType(r.Header); err != nil {
		return nil, err
	}
	source := &bodySource{from: r.Body, length: r.ContentLength, hold: held.grow}
	if err := held.admit(r.Context(), source); err != nil {
		held.release()
		if r.Header.Get("Expect") == "" {
			// A client that still sends reads no response.
			_, _ = io.Copy(io.Discard, r.Body)
		}
		return nil, err
	}
	body, err := newBodyDecoder(schema, source).decode()
	if len(body.violations) > 0 || err != nil {
		// The rest is dropped; it may make the body too large.
		held.release()
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
	path := pointerPath(syntax.JSONPointer)
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return path + ": is given twice"
	case syntax.JSONPointer == "":
		return fmt.Sprintf("body: is not one JSON value, at byte %d: %v", syntax.ByteOffset, syntax.Err)
	default:
		return fmt.Sprintf("%s: is not JSON, at byte %d: %v", path, syntax.ByteOffset, syntax.Err)
	}
}

// members returns the members of the body's object.
func (b *jsonBody) members() map[string]any {
	members, _ := b.value.(map[string]any)
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

// handOver returns the request with a body that the generated code can decode. A partial batch is without the invalid
// members of rejected items.
func (b *jsonBody) handOver(r *http.Request) *http.Request {
	for _, violations := range b.rejected {
		for i := range violations {
			if violations[i].Field == "" {
				violations[i].Field = "item"
			}
		}
	}
	text := edited(b.text, slices.Concat(b.times, b.items))
	r = r.WithContext(api.WithRejectedItems(r.Context(), b.rejected))
	r.Header = r.Header.Clone()
	r.Header.Set("Content-Type", "application/json") // the only spelling that the generated binder accepts
	r.Body = &checkedBody{ReadCloser: io.NopCloser(bytes.NewReader(text)), text: text}
	r.ContentLength = int64(len(text))
	return r
}

// checkedBody is a body that readBody has checked.
type checkedBody struct {
	io.ReadCloser
	text []byte
}

// serializer decodes checked bodies for the generated code. Echo's own serializer copies the text first.
type serializer struct{ echo.DefaultJSONSerializer }

// Deserialize decodes the body of the request into the value, and drops the text.
func (s serializer) Deserialize(c echo.Context, value any) error {
	body, checked := c.Request().Body.(*checkedBody)
	if !checked {
		return s.DefaultJSONSerializer.Deserialize(c, value)
	}
	text := body.text
	body.text, body.ReadCloser = nil, http.NoBody
	return json.Unmarshal(text, value) // its errors name the field
}
