package httpserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// jsonBody is a request's body, read strictly: encoding/json would pass over duplicate members, lone surrogates and
// differences of case.
type jsonBody struct {
	text   []byte
	value  any
	faults []string
}

// readBody reads a body of JSON. An error is a *api.Problem (413, 415) or the reader's own.
func readBody(r *http.Request) (*jsonBody, error) {
	if err := checkContentType(r.Header); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		var tooLong *http.MaxBytesError
		if !errors.As(err, &tooLong) {
			err = &api.Problem{Status: http.StatusBadRequest, Message: "the request has a fault", Details: []string{"body: could not be read to its end"}, Cause: err}
		}
		return nil, err
	}
	body := &jsonBody{text: text}
	if len(bytes.TrimSpace(text)) == 0 {
		body.faults = []string{"body: is missing"}
		return body, nil
	}
	if err := jsonv2.Unmarshal(text, &body.value); err != nil {
		body.faults = []string{syntaxFault(err)}
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

// syntaxFault says where a body stops to be one JSON value, and why.
func syntaxFault(err error) string {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		return "body: is not a JSON value"
	}
	var parts []string
	for part := range syntax.JSONPointer.Tokens() {
		parts = append(parts, deployments.QuoteName(part))
	}
	place := placeName(parts)
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return place + ": is given twice"
	case syntax.JSONPointer == "":
		return fmt.Sprintf("body: is not one JSON value, at byte %d: %v", syntax.ByteOffset, syntax.Err)
	default:
		return fmt.Sprintf("%s: is not JSON, at byte %d: %v", place, syntax.ByteOffset, syntax.Err)
	}
}

// members are those of the body's object.
func (b *jsonBody) members() map[string]any {
	members, _ := b.value.(map[string]any)
	return members
}

// handOver gives the request with a body that the generated code can decode: of items that are refused, the members at
// fault are left out. What is left of them still says which identity they are about.
func (b *jsonBody) handOver(r *http.Request, refused api.RefusedItems, itemMembers openapi3.Schemas) *http.Request {
	text := b.text
	if len(refused) > 0 {
		items, _ := b.members()["deployments"].([]any)
		for index, faults := range refused {
			item, _ := items[index].(map[string]any)
			sound := make(map[string]any)
			for name := range itemMembers {
				if value, given := item[name]; given {
					sound[name] = value
				}
			}
			for _, fault := range faults {
				delete(sound, topMember(fault))
			}
			items[index] = sound
		}
		var err error
		if text, err = json.Marshal(b.value); err != nil {
			panic(err) // it came from JSON
		}
	}
	r = r.WithContext(api.WithRefusedItems(r.Context(), refused))
	r.Header = r.Header.Clone()
	r.Header.Set("Content-Type", "application/json") // as the binder spells it
	r.Body = io.NopCloser(bytes.NewReader(text))
	r.ContentLength = int64(len(text))
	return r
}

// topMember is the member of the item that the fault is in.
func topMember(fault deployments.Violation) string {
	end := strings.IndexAny(fault.Field, ".[")
	if end < 0 {
		return fault.Field
	}
	return fault.Field[:end]
}

const idempotencyKey = "Idempotency-Key"

// headerFaults judges the one header that operations read.
func headerFaults(header http.Header) []string {
	const name = idempotencyKey
	values := header.Values(name)
	if len(values) > 1 {
		return []string{fmt.Sprintf("%s: is given %d times", name, len(values))}
	}
	for _, value := range values {
		if value == "" || len(value) > 128 {
			return []string{name + ": does not have 1 to 128 characters"}
		}
		for _, c := range []byte(value) {
			if c < 0x20 || c > 0x7e {
				return []string{name + ": has a character that is not printable ASCII"}
			}
		}
	}
	return nil
}

// maxUnknown is how many members beyond the contract's an object may have, for each of them to be told.
const maxUnknown = 32

// shapeFaults tells what would make the judgement by the document long: lists and objects that are larger than any
// that fit. It also holds times to the calendar, which the document's format does not.
func shapeFaults(schema *openapi3.Schema, value any, place []string) (faults []string) {
	at := func(part string) []string { return append(place[:len(place):len(place)], part) }
	switch v := value.(type) {
	case []any:
		if schema.MaxItems != nil && uint64(len(v)) > *schema.MaxItems {
			return []string{fmt.Sprintf("%s: has more than %d items", placeName(place), *schema.MaxItems)}
		}
		if schema.Items == nil {
			return nil
		}
		for i, item := range v {
			faults = append(faults, shapeFaults(schema.Items.Value, item, at(strconv.Itoa(i)))...)
		}
	case map[string]any:
		if len(v) > len(schema.Properties)+maxUnknown {
			return []string{fmt.Sprintf("%s: has %d members, and the contract knows %d", placeName(place), len(v), len(schema.Properties))}
		}
		for name, property := range schema.Properties {
			if member, given := v[name]; given {
				faults = append(faults, shapeFaults(property.Value, member, at(name))...)
			}
		}
	case string:
		if _, err := time.Parse(time.RFC3339, v); schema.Format == "date-time" && err != nil {
			return []string{placeName(place) + ": " + deployments.Quote(v) + " is not a date-time"}
		}
	}
	return faults
}
