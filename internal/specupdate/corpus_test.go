package specupdate

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/contracttest"
)

// nextDocument is a document that upstream might publish next, and the outcome of an update to it.
type nextDocument struct {
	name    string
	changes []contracttest.Change
	// form, if not nil, writes the changed document in another form.
	form func(t testing.TB, document []byte) []byte
	// stops is the step that fails, "sanitize" if the document is rejected, or empty if the update passes. at is a part of
	// the error.
	stops, at string
	// prebuilt reports whether TestCorpusWithPrebuiltSteps runs the document too.
	prebuilt bool
}

func (n nextDocument) document(t testing.TB) []byte {
	document := contracttest.Changed(t, contracttest.Base(), n.changes...)
	if n.form != nil {
		document = n.form(t, document)
	}
	return document
}

const (
	schemas = "components schemas"
	answers = operation + " responses"
	list    = schemas + " v1EnvironmentsServiceListDeploymentRecordsResponse"
	oneOf   = "{operationId: %s, tags: [EnvironmentsService], responses: {default: {description: x, content: {application/json: {schema: {$ref: '#/components/schemas/rpcStatus'}}}}}}"
	byID    = "{in: path, name: id, required: true, schema: {type: string}}"
)

func changes(c ...contracttest.Change) []contracttest.Change { return c }

func set(location, value string) []contracttest.Change {
	return changes(contracttest.Set(location, value))
}

func addParameter(parameter string) []contracttest.Change {
	return changes(contracttest.Insert(parameters, 4, parameter))
}

func inJSON(t testing.TB, document []byte) []byte {
	t.Helper()
	return []byte(asJSON(t, string(document)))
}

// inText replaces texts of the document.
func inText(pairs ...string) func(testing.TB, []byte) []byte {
	return func(_ testing.TB, document []byte) []byte {
		return []byte(strings.NewReplacer(pairs...).Replace(string(document)))
	}
}

// corpus has a document of every kind that this server follows and of every kind at which the update stops, beside
// upstreamChanges. The tests of the project must pass for each that it follows.
var corpus = []nextDocument{
	// Wording.
	{name: "another wording of a filter", changes: set(parameters+" name=full_history description", "Returns all records instead of the latest"), prebuilt: true},
	{name: "a longer description of the operation", changes: set(operation+" description", "Lists '0'"+strings.Repeat(" words", 500))},
	{name: "a field deprecated in words", changes: set(record+" properties artifact_id description", "'Deprecated: use artifact.digest instead.'")},
	{name: "no examples", changes: changes(contracttest.Set(record+" example", "{id: 7, status: NONE}"))},
	{name: "other titles and tags", changes: changes(contracttest.Set(record+" title", "A record"), contracttest.Set(operation+" tags", "[Deployments]"))},

	// The form of the document.
	{name: "JSON", form: inJSON, prebuilt: true},
	{name: "JSON with escapes", changes: set(operation+" description", "Lists records 🚀"), form: func(t testing.TB, document []byte) []byte {
		return inText("/", `\/`, "🚀", `\ud83d\ude80`)(t, inJSON(t, document))
	}},
	{name: "CRLF", form: inText("\n", "\r\n"), prebuilt: true},
	{name: "members in another order", changes: changes(contracttest.Copy("paths", "paths2"), contracttest.Remove("paths"), contracttest.Rename("paths2", "paths"))},
	{name: "OpenAPI 3.0.3", changes: set("openapi", "3.0.3")},
	{name: "a duplicate key", form: inText("      operationId:", "      summary: again\n      operationId:"), stops: "sanitize", at: "summary"},
	{name: "a page of HTML", form: func(testing.TB, []byte) []byte { return []byte("<!DOCTYPE html>\n<html>404</html>\n") }, stops: "sanitize", at: "not an object"},
	{name: "OpenAPI 3.1 types in 3.0", changes: set(record+" properties logical_environment_id type", "[string, 'null']"), stops: "sanitize", at: "type"},

	// Parameters.
	{name: "a filter added", changes: addParameter("{in: query, name: next_region, schema: {type: string}}"), prebuilt: true},
	{name: "filters of every type added", changes: changes(
		contracttest.Insert(parameters, 0, "{in: query, name: next_sort, schema: {type: string, enum: [created_at, -created_at]}}"),
		contracttest.Insert(parameters, 0, "{in: query, name: next_since, schema: {type: string, format: date-time}}"),
		contracttest.Insert(parameters, 0, "{in: query, name: next_names, explode: true, schema: {type: array, items: {type: string}}}"),
		contracttest.Insert(parameters, 0, "{in: query, name: next_list, explode: false, schema: {type: array, items: {type: string}}}"),
		contracttest.Insert(parameters, -1, "{in: query, name: pagination.cursor, schema: {type: string}}"),
		contracttest.Insert(parameters, -1, "{in: header, name: Next-Organization, schema: {type: string}}")), prebuilt: true},
	// The prebuilt steps have the present code, as if the overlay named the parameters of the next two.
	{name: "parameters with the Go name of another", changes: changes(
		contracttest.Insert(parameters, -1, "{in: query, name: page, schema: {type: integer, format: int32}}"),
		contracttest.Insert(parameters, -1, "{in: header, name: environment_name, schema: {type: string}}")), stops: "build", at: "update: {x-go-name: EnvironmentNameHeader}", prebuilt: true},
	{name: "parameters in components", changes: changes(
		contracttest.Set("components parameters", "{}"),
		contracttest.Copy(parameters+" name=status", "components parameters Status"),
		contracttest.Copy(parameters+" name=environment_name", "components parameters Environment"),
		contracttest.Set(parameters+" name=status", "{$ref: '#/components/parameters/Status'}"),
		contracttest.Set(parameters+" name=environment_name", "{$ref: '#/components/parameters/Environment'}")), stops: "generate", at: `parameters[?@.name == 'status']" did not match any targets`, prebuilt: true},
	{name: "parameters at the path", changes: changes(
		contracttest.Set("paths /v1/deployments parameters", "[]"),
		contracttest.Insert("paths /v1/deployments parameters", 0, "{in: query, name: environment_name, schema: {type: string}}"),
		contracttest.Remove(parameters+" name=environment_name"))},
	{name: "a pattern of digests", changes: set(parameters+" name=artifact_digest schema", "{type: string, pattern: '^sha256:[a-f0-9]{64}$', minLength: 71, maxLength: 71}"), prebuilt: true},
	{name: "a least length of a filter", changes: set(parameters+" name=environment_name schema minLength", "1"), prebuilt: true},
	{name: "a pattern that Go cannot compile", changes: set(parameters+" name=environment_name schema pattern", "'^(?!-)[a-z0-9-]+$'"), stops: "contract", at: "which Go cannot compile"},
	{name: "no explode", changes: set(parameters+" name=environment_name explode", "false")},
	{name: "deprecated parts", changes: changes(
		contracttest.Set(operation+" deprecated", "true"), contracttest.Set(parameters+" name=project_version_name deprecated", "true"),
		contracttest.Set(record+" properties artifact_id deprecated", "true"), contracttest.Set(schemas+" v1ComponentArtifact deprecated", "true")), prebuilt: true},
	{name: "an identifier of another style", changes: set(parameters+" name=environment_name name", "environmentName"), stops: "contract", at: "the query parameter environment_name is implemented, and the document does not have it (any more)"},
	{name: "another style of lists", changes: set(parameters+" name=environment_name style", "spaceDelimited"), stops: "contract", at: "may be written in a form"},
	{name: "a default in allOf", changes: addParameter("{in: query, name: next_sort, schema: {allOf: [{type: string, enum: [A, B], default: A}]}}"), stops: "contract", at: "next_sort has the default A"},
	{name: "a default in content", changes: addParameter("{in: query, name: next_view, content: {application/json: {schema: {type: object, properties: {all: {type: boolean, default: true}}}}}}"), stops: "contract", at: "next_view has the default true"},
	{name: "an object with our names", changes: addParameter("{in: query, name: next_slot, schema: {type: object, properties: {environment_name: {type: string}}}}"), stops: "contract", at: "its member environment_name has the name of another parameter"},
	{name: "pages of at most 50", changes: set(parameters+" name=pagination.page_size schema maximum", "50"), stops: "contract", at: `the parameter pagination.page_size has "maximum"`},
	{name: "sizes in tens", changes: set(parameters+" name=pagination.page_size schema multipleOf", "10"), stops: "contract", at: `the parameter pagination.page_size has "multipleOf"`},
	{name: "pages of 64 bits", changes: set(parameters+" name=pagination.page schema format", "int64"), stops: "build", at: "cannot use value(p.Page) (value of type int64)"},
	{name: "a format of a filter", changes: set(parameters+" name=environment_name schema format", "dns-label"), stops: "contract", at: `the parameter environment_name has "format: dns-label"`},
	{name: "a filter that may be null", changes: set(parameters+" name=environment_name schema nullable", "true"), stops: "contract", at: `the parameter environment_name has "nullable"`},

	// Answers.
	{name: "an answer 404", changes: changes(contracttest.Copy(answers+" 400", answers+" 404")), stops: "contract", at: "the document has the answer 404"},
	{name: "an answer 429", changes: changes(contracttest.Copy(answers+" default", answers+" 429")), stops: "contract", at: "the document has the answer 429"},
	{name: "an answer 4XX", changes: changes(contracttest.Copy(answers+" 400", answers+" 4XX")), stops: "contract", at: "the document has the answer 4XX"},
	{name: "an answer 202", changes: changes(contracttest.Copy(answers+" default", answers+" 202")), stops: "contract", at: "202"},
	{name: "another type of problem bodies", changes: changes(contracttest.Set(answers+" 400 content", "{application/problem+json: {schema: {$ref: '#/components/schemas/v1BadRequestResponse'}}}")), stops: "contract", at: "the answer 400 is not application/json alone in the document, and internal/api writes nothing else"},
	{name: "fields that may be null", changes: changes(contracttest.Set(record+" properties logical_environment_id nullable", "true"), contracttest.Set(record+" properties logical_environment_name nullable", "true"))},
	{name: "closed records", changes: set(record+" additionalProperties", "false"), prebuilt: true},
	{name: "open records", changes: set(record+" additionalProperties", "true"), prebuilt: true},
	{name: "fields that are read-only", changes: set(record+" properties id readOnly", "true")},
	{name: "a list that may be null", changes: set(list+" properties deployment_records nullable", "true"), stops: "build", at: "cannot use []server.DeploymentRecord{}"},
	{name: "a list that is never empty", changes: set(list+" properties deployment_records minItems", "1"), stops: "contract", at: `"deployment_records" has "minItems"`},
	{name: "totals as texts", changes: set(schemas+" v1OffsetPaginationResponse properties total_count", "{type: string, format: int64}"), stops: "build", at: "cannot use deployments.Int32(result.Total)"},
	{name: "the filter's enum by reference", changes: set(parameters+" name=status schema", "{$ref: '#/components/schemas/DeploymentRecordDeploymentStatus'}"), stops: "build", at: "undefined: server.ListDeploymentRecordsParamsStatus"},
	{name: "another default status of answers", changes: set(schemas+" DeploymentRecordDeploymentStatus default", "DEPLOYED")},
	{name: "a link", changes: set(answers+" 200 links", "{next: {operationId: EnvironmentsService_ListDeploymentRecords}}"), stops: "contract", at: "the answer 200 has the link next"},

	// Operations.
	{name: "a callback", changes: set(operation+" callbacks", "{changed: {'{$request.query.callback}': {post: {responses: {'200': {description: x}}}}}}"), stops: "contract", at: "the document has the callback changed"},
	{name: "the next version beside the present one", changes: changes(
		contracttest.Copy("paths /v1/deployments", "paths /v2/deployments"),
		contracttest.Set("paths /v2/deployments get operationId", "EnvironmentsV2_ListDeploymentRecords")), prebuilt: true},
	{name: "operations beneath the list", changes: changes(
		contracttest.Set("paths /v1/deployments/{id}", fmt.Sprintf("{parameters: [%s], get: "+oneOf+", put: "+oneOf+"}", byID, "NextGet", "NextPut")),
		contracttest.Set("paths /v1/deployments/{id}:verify", fmt.Sprintf("{parameters: [%s], post: "+oneOf+"}", byID, "NextVerify")),
		contracttest.Set("paths /v1/{collection}", fmt.Sprintf("{parameters: [%s], get: "+oneOf+"}", strings.Replace(byID, "name: id", "name: collection", 1), "NextCollection"))), prebuilt: true},
	{name: "HEAD and OPTIONS of the list", changes: changes(
		contracttest.Set("paths /v1/deployments head", fmt.Sprintf(oneOf, "NextHead")), contracttest.Set("paths /v1/deployments options", fmt.Sprintf(oneOf, "NextOptions")))},
	{name: "servers of the path", changes: set("paths /v1/deployments servers", "[{url: 'https://next.example.com/'}]"), stops: "contract", at: "servers for this operation alone"},

	// Security.
	{name: "security at the operation", changes: changes(contracttest.Copy("security", operation+" security"), contracttest.Remove("security")), prebuilt: true},
	{name: "another name of the security scheme", changes: changes(contracttest.Rename("components securitySchemes bearerToken", "nextAuth"), contracttest.Set("security", "[{nextAuth: []}]")), prebuilt: true},
	{name: "OpenID Connect", changes: set("components securitySchemes bearerToken", "{type: openIdConnect, openIdConnectUrl: 'https://a.example/.well-known/openid-configuration'}"), stops: "contract", at: "security is not a bearer token alone"},
	{name: "anonymous access", changes: set(operation+" security", "[{}, {bearerToken: []}]"), stops: "contract", at: "security is not a bearer token alone"},

	// Size.
	{name: "three megabytes", changes: wholeAPI(), form: func(t testing.TB, document []byte) []byte {
		return contracttest.Changed(t, document, contracttest.Set(operation+" description", strings.Repeat("Long words. ", 250_000)))
	}},
}

// The names of the corpus are subtests, and each document differs from the present one.
func TestTheCorpusIsOfDifferentDocuments(t *testing.T) {
	seen := map[string]string{}
	for _, n := range corpus {
		text := string(n.document(t))
		if bytes.Equal([]byte(text), contracttest.Base()) {
			t.Errorf("%s changes nothing", n.name)
		}
		if other, ok := seen[text]; ok {
			t.Errorf("%s is %s", n.name, other)
		}
		seen[text] = n.name
	}
}

// Documents that sanitize rejects never reach a step.
func TestCorpusIsRejectedAsExpected(t *testing.T) {
	for _, n := range corpus {
		_, err := sanitize(n.document(t))
		if n.stops == "sanitize" && (err == nil || !strings.Contains(err.Error(), n.at)) || n.stops != "sanitize" && err != nil {
			t.Errorf("%s: got %v, want a stop %q at %q", n.name, err, n.stops, n.at)
		}
	}
}
