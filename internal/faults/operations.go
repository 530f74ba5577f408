package faults

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Operation is what a document has of an operation.
type Operation struct {
	// Errors are the statuses of its errors, in ascending order, or nil if it has a default response: that describes each error.
	Errors []int
	// Example is the body of its successful response, or nil.
	Example []byte
}

// hasStatus reports whether the document has an error for a status. 0 is none. An operation that no document has is nil.
func (o *Operation) hasStatus(status int) bool {
	return o == nil || o.Errors == nil || status == 0 || slices.Contains(o.Errors, status)
}

// Operations has the operations of documents, by method and path.
type Operations map[string]*Operation

// ReadOperations returns the operations of OpenAPI documents. The example is that of the response or, without one, of its schema.
func ReadOperations(documents ...[]byte) (Operations, error) {
	operations := Operations{}
	for _, text := range documents {
		doc, err := openapi3.NewLoader().LoadFromData(text)
		if err != nil {
			return nil, fmt.Errorf("read the OpenAPI document: %w", err)
		}
		for path, item := range doc.Paths.Map() {
			for method, documented := range item.Operations() {
				operation := &Operation{Errors: errorsOf(documented)}
				if example := exampleOf(documented); example != nil {
					body, err := json.Marshal(example)
					if err != nil {
						return nil, fmt.Errorf("the example of %s %s: %w", method, path, err)
					}
					body = append(body, '\n')
					operation.Example = body
				}
				operations[method+" "+path] = operation
			}
		}
	}
	return operations, nil
}

// errorsOf returns the statuses of errors, or nil if there is a default response.
func errorsOf(operation *openapi3.Operation) (statuses []int) {
	if operation.Responses.Default() != nil {
		return nil
	}
	for text := range operation.Responses.Map() {
		if status, err := strconv.Atoi(text); err == nil && status >= http.StatusBadRequest {
			statuses = append(statuses, status)
		}
	}
	slices.Sort(statuses)
	return statuses
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

// check returns a violation if a fault of the kind Status selects operations, and none of them has the status.
func (o Operations) check(f *Fault) (violations []deployments.Violation) {
	var names []string
	var statuses []int
	for name, operation := range o {
		method, path, _ := strings.Cut(name, " ")
		if !f.Match.selects(method, path) {
			continue
		}
		if operation.hasStatus(f.Status) {
			return nil
		}
		names, statuses = append(names, name), append(statuses, operation.Errors...)
	}
	if names == nil {
		return nil
	}
	slices.Sort(names)
	slices.Sort(statuses)
	return []deployments.Violation{{Field: "status", Message: fmt.Sprintf("%d is not an error of %s: those are %s",
		f.Status, strings.Join(names, " or "), joinInts(slices.Compact(statuses)))}}
}
