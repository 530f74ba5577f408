package faults

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// preferredRetryAfter is the Retry-After of an error that the header Prefer selects.
const preferredRetryAfter = time.Second

// preferences are what the header Prefer (RFC 7240) of a request selects, in the words of other stand-ins: code=503 is an
// error, and dynamic=false the example of the document.
type preferences struct {
	code      int
	isExample bool
}

// parsePrefer reads the header. It ignores preferences that it does not know and, of several with one name, all except the first,
// as RFC 7240 requires. An error completes the sentence "Prefer: ...".
func parsePrefer(header http.Header) (p preferences, err error) {
	seen := map[string]bool{}
	for _, item := range splitUnquoted(strings.Join(header.Values("Prefer"), ","), ',') {
		name, value, _ := strings.Cut(splitUnquoted(item, ';')[0], "=") // without its parameters
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.Trim(strings.TrimSpace(value), `"`)
		if seen[name] {
			continue
		}
		seen[name] = true
		switch name {
		case "code":
			if p.code, err = strconv.Atoi(value); err != nil || p.code != http.StatusOK && !slices.Contains(api.Statuses(), p.code) {
				return p, fmt.Errorf("code=%s is neither 200 nor an error of the API: those are %s", deployments.Quote(value), joinInts(api.Statuses()))
			}
		case "dynamic":
			if value != "true" && value != "false" {
				return p, fmt.Errorf("dynamic=%s is neither true nor false", deployments.Quote(value))
			}
			p.isExample = value == "false"
		}
	}
	return p, nil
}

// splitUnquoted splits a text at each separator that is not within quotes.
func splitUnquoted(text string, separator byte) (parts []string) {
	start, isQuoted := 0, false
	for i := 0; i < len(text); i++ {
		switch {
		case isQuoted && text[i] == '\\':
			i++ // the next byte is escaped
		case text[i] == '"':
			isQuoted = !isQuoted
		case text[i] == separator && !isQuoted:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

// servePreferred answers a request without a fault.
func (s *Set) servePreferred(server http.Handler, w http.ResponseWriter, r *http.Request) {
	p, err := parsePrefer(r.Header)
	switch {
	case err != nil:
		r = withProblem(r, api.BadRequest([]string{"Prefer: " + err.Error()}))
	case p.code != 0 && p.code != http.StatusOK:
		r = withProblem(r, newProblem(p.code, preferredRetryAfter))
	case p.isExample && s.examples[r.Method+" "+r.URL.Path] != nil:
		response := newBuffer()
		server.ServeHTTP(response, r)
		body := response.body.Bytes()
		if response.status == http.StatusOK {
			body = s.examples[r.Method+" "+r.URL.Path]
			response.header.Del("Content-Encoding")
		}
		response.begin(w, len(body))
		_, _ = w.Write(body)
		return
	}
	server.ServeHTTP(w, r)
}

// Examples has the body of the successful response of each operation that has an example, by method and path.
type Examples map[string][]byte

// ReadExamples returns the examples of OpenAPI documents: those of the responses or, without one, of their schemas.
func ReadExamples(documents ...[]byte) (Examples, error) {
	examples := Examples{}
	for _, text := range documents {
		doc, err := openapi3.NewLoader().LoadFromData(text)
		if err != nil {
			return nil, fmt.Errorf("read the OpenAPI document: %w", err)
		}
		for path, item := range doc.Paths.Map() {
			for method, operation := range item.Operations() {
				example := exampleOf(operation)
				if example == nil {
					continue
				}
				body, err := json.Marshal(example)
				if err != nil {
					return nil, fmt.Errorf("the example of %s %s: %w", method, path, err)
				}
				examples[method+" "+path] = append(body, '\n')
			}
		}
	}
	return examples, nil
}

// exampleOf returns the example of the JSON body of a 200, or nil.
func exampleOf(operation *openapi3.Operation) any {
	response := operation.Responses.Status(http.StatusOK)
	if response == nil || response.Value == nil {
		return nil
	}
	media := response.Value.Content.Get("application/json")
	switch {
	case media == nil:
		return nil
	case media.Example != nil:
		return media.Example
	case media.Schema != nil && media.Schema.Value != nil:
		return media.Schema.Value.Example
	}
	return nil
}
