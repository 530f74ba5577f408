package httpserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// jsonBody is a request's body. It is decoded by json v2: encoding/json would ignore duplicate members, lone surrogates
// and differences in case.
type jsonBody struct {
	text       []byte
	value      any
	violations []string
}

// readBody reads a JSON body and checks its shape. The error is an *api.Problem (400, 413, 415) or an
// *http.MaxBytesError.
func readBody(r *http.Request, schema *openapi3.Schema) (*jsonBody, error) {
	if err := checkContentType(r.Header); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); !ok {
			problem := api.BadRequest([]string{"body: could not be read to its end"})
			problem.Cause = err
			err = problem
		}
		return nil, err
	}
	body := &jsonBody{text: text}
	if len(bytes.TrimSpace(text)) == 0 {
		body.violations = []string{"body: is missing"}
	} else if err := jsonv2.Unmarshal(text, &body.value); err != nil {
		body.violations = []string{syntaxViolation(err)}
	} else {
		body.violations = checkShape(schema, body.value, nil)
	}
	return body, nil
}

func checkContentType(header http.Header) error {
	mediaType, parameters, err := mime.ParseMediaType(header.Get("Content-Type"))
	charset := parameters["charset"]
	encoding := header.Get("Content-Encoding")
	if err == nil && mediaType == "application/json" && (charset == "" || strings.EqualFold(charset, "utf-8")) &&
		(encoding == "" || strings.EqualFold(encoding, "identity")) && len(header.Values("Content-Type")) == 1 {
		return nil
	}
	return &api.Problem{Status: http.StatusUnsupportedMediaType, Message: "the body must be application/json, without a content encoding"}
}

// syntaxViolation describes where and why a body is not one JSON value.
func syntaxViolation(err error) string {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		return "body: is not a JSON value"
	}
	var pointer []string
	for token := range syntax.JSONPointer.Tokens() {
		pointer = append(pointer, deployments.QuoteName(token))
	}
	path := jsonPath(pointer)
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return path + ": is given twice"
	case len(pointer) == 0:
		return fmt.Sprintf("body: is not one JSON value, at byte %d: %v", syntax.ByteOffset, syntax.Err)
	default:
		return fmt.Sprintf("%s: is not JSON, at byte %d: %v", path, syntax.ByteOffset, syntax.Err)
	}
}

// maxUnknownMembers is the number of unknown members up to which an object's violations name each of them.
const maxUnknownMembers = 32

// checkShape rejects lists and objects that are larger than the schema allows, whose validation would take long. It also
// checks that times exist in the calendar, which the document's format does not express.
func checkShape(schema *openapi3.Schema, value any, pointer []string) (violations []string) {
	at := func(token string) []string { return append(slices.Clip(pointer), token) }
	switch v := value.(type) {
	case []any:
		if schema.MaxItems != nil && uint64(len(v)) > *schema.MaxItems {
			return []string{fmt.Sprintf("%s: has more than %d items", jsonPath(pointer), *schema.MaxItems)}
		}
		if schema.Items == nil {
			return nil
		}
		for i, item := range v {
			violations = append(violations, checkShape(schema.Items.Value, item, at(strconv.Itoa(i)))...)
		}
	case map[string]any:
		if len(v) > len(schema.Properties)+maxUnknownMembers {
			return []string{fmt.Sprintf("%s: has %d members, and the contract knows %d", jsonPath(pointer), len(v), len(schema.Properties))}
		}
		for name, property := range schema.Properties {
			if member, given := v[name]; given {
				violations = append(violations, checkShape(property.Value, member, at(name))...)
			}
		}
	case string:
		if _, err := time.Parse(time.RFC3339, v); schema.Format == "date-time" && err != nil {
			return []string{jsonPath(pointer) + ": " + deployments.Quote(v) + " is not a date-time"}
		}
	}
	return violations
}

// members returns the members of the body's object.
func (b *jsonBody) members() map[string]any {
	members, _ := b.value.(map[string]any)
	return members
}

// handOver returns the request with a body that the generated code can decode: it removes invalid members from rejected
// items. The rest of an item still identifies what the item is about.
func (b *jsonBody) handOver(r *http.Request, rejected api.RejectedItems, itemProperties openapi3.Schemas) *http.Request {
	text := b.text
	if len(rejected) > 0 {
		items, _ := b.members()["deployments"].([]any)
		for index, violations := range rejected {
			item, _ := items[index].(map[string]any)
			valid := make(map[string]any)
			for name := range itemProperties {
				if value, given := item[name]; given {
					valid[name] = value
				}
			}
			for _, violation := range violations {
				delete(valid, topLevel(violation.Field))
			}
			items[index] = valid
		}
		var err error
		if text, err = json.Marshal(b.value); err != nil {
			panic(err) // the value was decoded from JSON
		}
	}
	r = r.WithContext(api.WithRejectedItems(r.Context(), rejected))
	r.Header = r.Header.Clone()
	r.Header.Set("Content-Type", "application/json") // the only spelling that the generated binder accepts
	r.Body = io.NopCloser(bytes.NewReader(text))
	r.ContentLength = int64(len(text))
	return r
}

// topLevel returns the first name of a path.
func topLevel(path string) string {
	if end := strings.IndexAny(path, ".["); end >= 0 {
		return path[:end]
	}
	return path
}

const idempotencyKey = "Idempotency-Key"

// checkIdempotencyKey checks the one header that operations read.
func checkIdempotencyKey(header http.Header) []string {
	values := header.Values(idempotencyKey)
	if len(values) > 1 {
		return []string{fmt.Sprintf("%s: is given %d times", idempotencyKey, len(values))}
	}
	for _, value := range values {
		if value == "" || len(value) > 128 {
			return []string{idempotencyKey + ": does not have 1 to 128 characters"}
		}
		for _, c := range []byte(value) {
			if c < 0x20 || c > 0x7e {
				return []string{idempotencyKey + ": has a character that is not printable ASCII"}
			}
		}
	}
	return nil
}
