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
		body.normalizeTimes(schema)
	}
	return body, nil
}

// checkContentType returns a 415 unless the body is JSON in UTF-8 without a content encoding. It names what was received.
func checkContentType(header http.Header) error {
	reject := func(format string, args ...any) error {
		return &api.Problem{Status: http.StatusUnsupportedMediaType, Message: fmt.Sprintf(format, args...)}
	}
	types := header.Values("Content-Type")
	if len(types) != 1 || types[0] == "" {
		if len(types) > 1 {
			return reject("Content-Type: is given %d times; application/json is accepted once", len(types))
		}
		return reject("Content-Type: is missing; application/json is accepted")
	}
	mediaType, parameters, err := mime.ParseMediaType(types[0])
	charset := parameters["charset"]
	if err != nil || mediaType != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return reject("Content-Type: %s is not application/json in UTF-8", deployments.Quote(types[0]))
	}
	if encoding := strings.Join(header.Values("Content-Encoding"), ", "); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return reject("Content-Encoding: %s is not accepted; send the body without an encoding", deployments.Quote(encoding))
	}
	return nil
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
		if schema.Format != "date-time" {
			break
		}
		if _, err := deployments.ParseTime(v); err != nil {
			return []string{jsonPath(pointer) + ": " + deployments.Quote(v) + " " + err.Error()}
		}
	}
	return violations
}

// normalizeTimes writes the times of a valid body as the API does: validation and decoding accept fewer forms than RFC 3339.
func (b *jsonBody) normalizeTimes(schema *openapi3.Schema) {
	if normalized, changed := normalizedTimes(schema, b.value); changed && len(b.violations) == 0 {
		b.value = normalized
		b.encode()
	}
}

// normalizedTimes returns the value with its times in UTC, and reports whether any of them was written differently.
func normalizedTimes(schema *openapi3.Schema, value any) (normalized any, changed bool) {
	switch v := value.(type) {
	case []any:
		for i := range v {
			if schema.Items == nil {
				break
			}
			item, itemChanged := normalizedTimes(schema.Items.Value, v[i])
			v[i], changed = item, changed || itemChanged
		}
	case map[string]any:
		for name, property := range schema.Properties {
			if member, given := v[name]; given {
				member, memberChanged := normalizedTimes(property.Value, member)
				v[name], changed = member, changed || memberChanged
			}
		}
	case string:
		if t, err := deployments.ParseTime(v); schema.Format == "date-time" && err == nil {
			text := t.Format(time.RFC3339Nano)
			return text, text != v
		}
	}
	return value, changed
}

// encode makes the value the text.
func (b *jsonBody) encode() {
	text, err := json.Marshal(b.value)
	if err != nil {
		panic(err) // the value was decoded from JSON
	}
	b.text = text
}

// members returns the members of the body's object.
func (b *jsonBody) members() map[string]any {
	members, _ := b.value.(map[string]any)
	return members
}

// handOver returns the request with a body that the generated code can decode: it removes invalid members from rejected
// items. The rest of an item still identifies what the item is about.
func (b *jsonBody) handOver(r *http.Request, rejected api.RejectedItems, itemProperties openapi3.Schemas) *http.Request {
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
		b.encode()
	}
	r = r.WithContext(api.WithRejectedItems(r.Context(), rejected))
	r.Header = r.Header.Clone()
	r.Header.Set("Content-Type", "application/json") // the only spelling that the generated binder accepts
	r.Body = io.NopCloser(bytes.NewReader(b.text))
	r.ContentLength = int64(len(b.text))
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
