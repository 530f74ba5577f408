package conformance_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/conformance"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/contracttest"
	"github.com/deployrecords/deployrecords/internal/httpserver"
)

const (
	listOperation  = "paths /v1/deployments get"
	listParameters = listOperation + " parameters"
	artifact       = "components schemas v1ComponentArtifact"
)

// The suite tries parts of a new document that this server does not know.
func TestNewPartsOfADocumentAreTried(t *testing.T) {
	base := func(changes ...contracttest.Change) []byte {
		return contracttest.Changed(t, contracttest.Base(), changes...)
	}
	url := newServer(t, correctStore(), nil, smallPages)
	for name, c := range map[string]struct {
		document []byte
		rule     string
		text     string
		server   string
	}{
		"a value of an enum": {
			base(contracttest.Insert(listParameters+" name=status schema enum", -1, "PAUSED")),
			"request.valid", "status=PAUSED", url,
		},
		"a number with limits": {
			base(contracttest.Insert(listParameters, 0, "{in: query, name: region, schema: {type: integer, minimum: 1, maximum: 5}}")),
			"request.invalid", "region=0, a number below the minimum,", url,
		},
		"a boolean": {
			base(contracttest.Insert(listParameters, 0, "{in: query, name: archived, schema: {type: boolean}}")),
			"request.invalid", "archived=maybe, no boolean,", url,
		},
		"a filter by a field": {
			base(contracttest.Insert(listParameters, 0, "{in: query, name: artifact_version, schema: {type: string, maxLength: 500}}")),
			"own.unknown-name", "finds records", url,
		},
		"a required parameter": {
			base(contracttest.Set(listParameters+" name=environment_name required", "true")),
			"request.required", "without environment_name", url,
		},
		"a required header": {
			base(contracttest.Set(listOperation+" responses 200 headers", "{X-Total: {required: true, schema: {type: integer}}}")),
			"answer.headers", "X-Total", url,
		},
		"statuses that are all there is": {
			base(contracttest.Remove(listOperation + " responses default")),
			"answer.status", "422", newServer(t, correctStore(), func(next http.Handler) http.Handler {
				return replaceStatus(400, 422, `{"code":3,"message":"no","details":["query: no"]}`)(t, next)
			}, smallPages),
		},
		"a pattern": {
			base(contracttest.Set(artifact+" properties version pattern", "^v")),
			"body.schema", "deployment_records.0.artifact.version", url,
		},
		"a required field": {
			base(contracttest.Set(artifact+" required", "[kind, size]")),
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
	o.Document = contracttest.Changed(t, o.Document, contracttest.Remove(listParameters+" name=full_history"),
		contracttest.Remove(listParameters+" name=pagination.page"), contracttest.Remove("security"))
	o.Strict = false
	result := run(t, o)
	for _, rule := range []string{"latest.default", "latest.newest", "page.base", "auth.none"} {
		if outcome := resultOf(t, result, rule); outcome.Verdict != report.NotJudged || outcome.Why == "" {
			t.Errorf("%s is %q, %q", rule, outcome.Verdict, outcome.Why)
		}
	}
	requireNoFaults(t, result)
}

// A document may have the next version of the list beside the present one, and paths beneath the list's.
func TestThePresentListIsJudgedAmongOtherOperations(t *testing.T) {
	const id = "parameters: [{in: path, name: id, required: true, schema: {type: string}}], get: {responses: {'200': {description: x}}}"
	document := contracttest.Changed(t, contracttest.Base(),
		contracttest.Remove(listOperation+" operationId"),
		contracttest.Copy("paths /v1/deployments", "paths /a/deployments"), contracttest.Copy("paths /v1/deployments", "paths /v2/deployments"),
		contracttest.Set("paths /v1/deployments/{id}", "{"+id+"}"), contracttest.Set("paths /{id}", "{"+id+"}"))
	o := options(t, newServer(t, correctStore(), nil, smallPages, func(o *httpserver.Options) { o.Document = document }))
	o.Document = document
	requireNoFaults(t, run(t, o))
}

func TestAnUnimplementedParameterIsA501ThatNamesIt(t *testing.T) {
	document := contracttest.Changed(t, contracttest.Base(),
		contracttest.Insert(listParameters, 0, "{in: query, name: region, schema: {type: string}}"),
		contracttest.Insert(listParameters, 0, "{in: query, name: regions, schema: {type: array, items: {type: string}}}"))
	o := options(t, newServer(t, correctStore(), nil, smallPages, func(o *httpserver.Options) { o.Document = document }))
	o.Document = document
	if got := resultOf(t, run(t, o), "request.valid"); got.Verdict != report.Broken || !strings.Contains(fmt.Sprint(got.Shown), "region") {
		t.Errorf("not declared: got %+v", got)
	}
	o.Unsupported = []string{"region", "regions"}
	result := run(t, o)
	requireNoFaults(t, result)
	if got := resultOf(t, result, "own.unsupported"); got.Tried != 2 {
		t.Errorf("declared: got %+v", got)
	}
	o.Unsupported = []string{"region", "regions", "environment_name"}
	if got := resultOf(t, run(t, o), "own.unsupported"); got.Verdict != report.Broken || !strings.Contains(fmt.Sprint(got.Shown), "environment_name is answered with 200") {
		t.Errorf("declared, but implemented: got %+v", got)
	}
	o.Unsupported = []string{"regoin"}
	if _, err := conformance.Run(t.Context(), o); err == nil || err.Error() != `"regoin" is given as unsupported, and is no parameter of the document` {
		t.Errorf("unknown: got %v", err)
	}
}

// The rules of docs/semantics.md hold where the document leaves a choice.
func TestAPatternDecidesOnEmptyAndUnusualTexts(t *testing.T) {
	document := contracttest.Changed(t, contracttest.Base(), contracttest.Set(listParameters+" name=artifact_digest schema", "{type: string, pattern: '^sha256:[a-f0-9]{64}$', minLength: 71, maxLength: 71}"))
	o := options(t, newServer(t, correctStore(), nil, smallPages, func(o *httpserver.Options) { o.Document = document }))
	o.Document = document
	requireNoFaults(t, run(t, o))
}
