package contract_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

var (
	// decidedStatuses are the statuses that upstream's document names for each operation and that the server gives in the
	// documented cases. All others have the answer "default".
	decidedStatuses = map[string][]string{
		"GET /v1/deployments": {"200", "400", "401", "403", "500", "default"},
	}
	// decidedLinks are the links and callbacks that nobody needs to decide on any more, as "GET /v1/deployments 200 next" and
	// "GET /v1/deployments changed".
	decidedLinks = []string{}
	// omittedFields are the fields that the server leaves out of a record that has none (R1).
	omittedFields = []string{"logical_environment_id", "logical_environment_name"}
)

// checkAnswers returns what the document states about the answers and nobody has decided.
func (o *operation) checkAnswers() (violations []string) {
	report := func(format string, args ...any) {
		violations = append(violations, o.name()+": "+fmt.Sprintf(format, args...))
	}
	for _, callback := range slices.Sorted(maps.Keys(o.Callbacks)) {
		if !slices.Contains(decidedLinks, o.name()+" "+callback) {
			report("the document has the callback %s, and this server calls nobody: decide whether clients must know, then enter it in decidedLinks of internal/contract/answers_test.go", callback)
		}
	}
	decided, isUpstreams := decidedStatuses[o.name()]
	answers := o.Responses.Map()
	for _, status := range slices.Sorted(maps.Keys(answers)) {
		answer := answers[status].Value
		if isUpstreams && !slices.Contains(decided, status) {
			report("the document has the answer %s (%s), and nobody has decided when this server gives it. "+
				"Read its description, make the server answer so (internal/api/problem.go has the error bodies, docs/semantics.md the rules), then enter it in decidedStatuses of internal/contract/answers_test.go",
				status, describe(answer))
		}
		for _, link := range slices.Sorted(maps.Keys(answer.Links)) {
			if !slices.Contains(decidedLinks, o.name()+" "+status+" "+link) {
				report("the answer %s has the link %s in the document: see that the answers of this server have what a client needs to follow it, then enter it in decidedLinks of internal/contract/answers_test.go", status, link)
			}
		}
		for _, media := range answer.Content {
			if media.Schema == nil {
				continue
			}
			eachSchema("", media.Schema.Value, func(location string, s *openapi3.Schema) {
				field := location[strings.LastIndex(location, ".")+1:]
				if s.Default != nil && slices.Contains(omittedFields, field) {
					report("the answer %s has the default %v for %s in the document, and this server leaves the field out of a record that has none: a client would read the default", status, s.Default, field)
				}
			})
			violations = append(violations, o.checkPatterns("the answer "+status, media.Schema.Value)...)
		}
	}
	return violations
}

// describe returns the description of an answer on one line.
func describe(answer *openapi3.Response) string {
	if answer.Description == nil {
		return "without a description"
	}
	return strings.Join(strings.Fields(*answer.Description), " ")
}
