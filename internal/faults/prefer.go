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

// parsePrefer reads the header. It ignores preferences that it does not know, as RFC 7240 requires. An error completes the
// sentence "Prefer: ...".
func parsePrefer(header http.Header) (p preferences, err error) {
	for item := range strings.SplitSeq(strings.Join(header.Values("Prefer"), ","), ",") {
		item, _, _ = strings.Cut(item, ";") // parameters
		name, value, _ := strings.Cut(item, "=")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		switch strings.ToLower(strings.TrimSpace(name)) {
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
