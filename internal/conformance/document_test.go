package conformance_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// changedDocument returns upstream's document with replacements, written old, new, old, new.
func changedDocument(t *testing.T, pairs ...string) []byte {
	t.Helper()
	text := string(deployrecords.OpenAPI())
	for i := 0; i+1 < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the document has no %q", pairs[i])
		}
		text = strings.Replace(text, pairs[i], pairs[i+1], 1)
	}
	return []byte(text)
}

// The suite tries parts of a new document that this server does not know.
func TestNewPartsOfADocumentAreTried(t *testing.T) {
	const parameters = "      parameters:\n"
	url := newServer(t, correctStore(), nil, smallPages)
	for name, c := range map[string]struct {
		document []byte
		rule     string
		text     string
		server   string
	}{
		"a value of an enum": {
			changedDocument(t, "              - SUPERSEDED\n            type: string", "              - SUPERSEDED\n              - PAUSED\n            type: string"),
			"request.valid", "status=PAUSED", url,
		},
		"a number with limits": {
			changedDocument(t, parameters, parameters+"        - {in: query, name: region, schema: {type: integer, minimum: 1, maximum: 5}}\n"),
			"request.invalid", "region=0, a number below the minimum,", url,
		},
		"a boolean": {
			changedDocument(t, parameters, parameters+"        - {in: query, name: archived, schema: {type: boolean}}\n"),
			"request.invalid", "archived=maybe, no boolean,", url,
		},
		"a filter by a field": {
			changedDocument(t, parameters, parameters+"        - {in: query, name: artifact_version, schema: {type: string, maxLength: 500}}\n"),
			"own.unknown-name", "finds records", url,
		},
		"a required parameter": {
			changedDocument(t, "          name: environment_name\n", "          name: environment_name\n          required: true\n"),
			"request.required", "without environment_name", url,
		},
		"a required header": {
			changedDocument(t, "          description: A successful response.\n", "          description: A successful response.\n          headers: {X-Total: {required: true, schema: {type: integer}}}\n"),
			"answer.headers", "X-Total", url,
		},
		"statuses that are all there is": {
			changedDocument(t, "        default:\n          content:\n            application/json:\n              schema:\n                $ref: '#/components/schemas/rpcStatus'\n          description: An unexpected error response.\n", ""),
			"answer.status", "422", newServer(t, correctStore(), func(next http.Handler) http.Handler {
				return replaceStatus(400, 422, `{"code":3,"message":"no","details":["query: no"]}`)(t, next)
			}, smallPages),
		},
		"a pattern": {
			changedDocument(t, "          title: Version is the version", "          pattern: ^v\n          title: Version is the version"),
			"body.schema", "deployment_records.0.artifact.version", url,
		},
		"a required field": {
			changedDocument(t, "      title: ComponentArtifact\n", "      title: ComponentArtifact\n      required: [kind, size]\n"),
			"body.required", "artifact.size is missing", url,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, c.server)
			o.Document = c.document
			result := run(t, o)
			outcome := resultOf(t, result, c.rule)
			if outcome.Verdict != report.Broken || !strings.Contains(fmt.Sprint(outcome.Shown), c.text) {
				var text bytes.Buffer
				_ = result.Write(&text, "text")
				t.Errorf("%s is %q: %+v\n%s", c.rule, outcome.Verdict, outcome.Shown, text.String())
			}
		})
	}
}

// A document may lack the history, pages and tokens.
func TestUndocumentedBehaviourIsNotJudged(t *testing.T) {
	o := options(t, newServer(t, correctStore(), nil, smallPages))
	const (
		history = "        - description: >-\n            When true, returns all records instead of only the latest per\n" +
			"            (environment_id, deployment_name) slot.\n\n            By default, only the most recent record per slot is returned.\n" +
			"          in: query\n          name: full_history\n          schema:\n            type: boolean\n"
		page = "        - description: >-\n            The (zero-based) offset of the first item returned in the\n            collection.\n" +
			"          in: query\n          name: pagination.page\n          schema:\n            format: int32\n            type: integer\n"
	)
	o.Document = changedDocument(t, history, "", page, "", "security:\n  - bearerToken: []\n", "")
	o.Strict = false
	result := run(t, o)
	for _, rule := range []string{"latest.default", "latest.newest", "page.base", "auth.none"} {
		if outcome := resultOf(t, result, rule); outcome.Verdict != report.NotJudged || outcome.Why == "" {
			t.Errorf("%s is %q, %q", rule, outcome.Verdict, outcome.Why)
		}
	}
	requireNoFaults(t, result)
}
