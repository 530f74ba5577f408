package contract_test

import (
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/contracttest"
)

const (
	listOperation  = "paths /v1/deployments get"
	listParameters = listOperation + " parameters"
)

// requireViolation fails unless check reports the violation for the changed documents.
func requireViolation(t *testing.T, upstream, recording []byte, want string) {
	t.Helper()
	if violations := strings.Join(check(t, upstream, recording), "\n"); !strings.Contains(violations, want) {
		t.Errorf("got %q, want %q", violations, want)
	}
}

func TestADocumentThatRequiresMoreThanIsImplementedIsReported(t *testing.T) {
	for name, c := range map[string]struct {
		change contracttest.Change
		want   string
	}{
		"OpenAPI 3.1":    {contracttest.Set("openapi", "3.1.0"), "the document is OpenAPI 3.1.0"},
		"another scheme": {contracttest.Set("components securitySchemes bearerToken", "{type: http, scheme: basic}"), "security is not a bearer token alone"},
		"an API key": {
			contracttest.Set("components securitySchemes bearerToken", "{type: apiKey, in: header, name: X-Key}"),
			"security is not a bearer token alone",
		},
		"an open operation":       {contracttest.Set(listOperation+" security", "[]"), "security is not a bearer token alone"},
		"a second way in":         {contracttest.Set("security", "[{bearerToken: []}, {}]"), "security is not a bearer token alone"},
		"no security":             {contracttest.Remove("security"), "security is not a bearer token alone"},
		"scopes":                  {contracttest.Set("security", "[{bearerToken: [admin]}]"), "security is not a bearer token alone"},
		"a body":                  {contracttest.Set(listOperation+" requestBody", "{content: {application/json: {schema: {type: object}}}}"), "the document says body: true"},
		"servers with a path":     {contracttest.Set("servers", "[{url: https://api.example.com/platform/}]"), "has the path /platform/"},
		"servers of an operation": {contracttest.Set(listOperation+" servers", "[{url: https://other.example.com/}]"), "servers for this operation alone"},
		"a parameter gone":        {contracttest.Remove(listParameters + " name=artifact_digest"), "query parameter artifact_digest is implemented, and the document does not have it"},
		"a parameter elsewhere":   {contracttest.Set(listParameters+" name=artifact_digest in", "header"), "query parameter artifact_digest is implemented, and the document does not have it"},
		"a parameter required": {
			contracttest.Insert(listParameters, 0, "{in: query, name: test_region, required: true, schema: {type: string}}"),
			"requires the query parameter test_region, which is not implemented",
		},
		"a header required": {
			contracttest.Insert(listParameters, 0, "{in: header, name: X-Test-View, required: true, schema: {type: string}}"),
			"requires the header parameter X-Test-View, which is not implemented",
		},
		"a parameter of JSON": {
			contracttest.Set(listParameters+" name=artifact_digest", "{in: query, name: artifact_digest, content: {application/json: {schema: {type: string}}}}"),
			"parameter artifact_digest may be written in a form",
		},
		"empty values": {
			contracttest.Set(listParameters+" name=full_history allowEmptyValue", "true"),
			"query parameter full_history may be written in a form",
		},
		"an operation of ours": {
			contracttest.SetOperation(contract.RecordingPath, "post", "{operationId: Create, responses: {default: {description: x}}}"),
			"upstream's document has POST " + contract.RecordingPath + ", and so has internal/contract/openapi.recording.yaml",
		},
		"a template over ours": {
			contracttest.Set("paths "+contract.RecordingPath+"/{id}", "{post: {operationId: Create, parameters: [{in: path, name: id, required: true, schema: {type: string}}], responses: {default: {description: x}}}}"),
			"upstream's document has POST " + contract.RecordingPath + "/{id}, and so has internal/contract/openapi.recording.yaml, as POST " + contract.RecordingPath + "/batch",
		},
		"a path of the server's": {
			contracttest.Set("paths /healthz", "{get: {operationId: Health, responses: {default: {description: x}}}}"),
			"a document has GET /healthz",
		},
		"a path moved":      {contracttest.Rename("paths /v1/deployments", "/v2/deployments"), "GET /v1/deployments: is implemented, and no document has it"},
		"a slash at an end": {contracttest.Rename("paths /v1/deployments", "/v1/deployments/"), "GET /v1/deployments: is implemented, and no document has it"},
		"an unknown type":   {contracttest.Set(listParameters+" name=status schema type", "text"), "upstream's document is invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			requireViolation(t, contracttest.Changed(t, contracttest.Base(), c.change), contract.RecordingOpenAPI(), c.want)
		})
	}
}

func TestATemplateOfOursThatCoversAPathOfUpstreamsIsReported(t *testing.T) {
	const operation = "{post: {operationId: Other, responses: {default: {description: x}}}}"
	withID := strings.Replace(operation, "operationId", "parameters: [{in: path, name: id, required: true, schema: {type: string}}], operationId", 1)
	requireViolation(t,
		contracttest.Changed(t, contracttest.Base(), contracttest.Set("paths /v1/test-things/mine", operation)),
		contracttest.Changed(t, contract.RecordingOpenAPI(), contracttest.Set("paths /v1/test-things/{id}", withID)),
		"upstream's document has POST /v1/test-things/mine, and so has internal/contract/openapi.recording.yaml, as POST /v1/test-things/{id}")
}

func TestAnExplodedObjectWithUnlistedMembersIsReported(t *testing.T) {
	for _, parameter := range []string{
		"schema: {type: object, additionalProperties: {type: string}}",
		"schema: {type: object, additionalProperties: true, properties: {test_since: {type: string}}}",
		"schema: {type: object}",
		"schema: {}",
		"schema: {allOf: [{type: object, properties: {test_since: {type: string}}}, {additionalProperties: {type: string}}]}",
		"schema: {oneOf: [{type: object, properties: {test_since: {type: string}}}, {type: object}]}",
		"schema: {anyOf: [{type: string}, {}]}",
		"style: pipeDelimited, explode: true, schema: {type: object}",
	} {
		document := contracttest.Changed(t, contracttest.Base(), contracttest.Insert(listParameters, 0, "{in: query, name: test_labels, "+parameter+"}"))
		requireViolation(t, document, contract.RecordingOpenAPI(), "query parameter test_labels is not implemented and may be an object")
	}
}

func TestAnAnswerThatNobodyHasDecidedOnIsReported(t *testing.T) {
	for _, status := range []string{"202", "204", "304", "404", "408", "409", "412", "422", "429", "503", "1XX", "4XX", "5XX"} {
		for _, answer := range []string{
			"{description: Next words}",
			"{description: Next words, content: {application/json: {schema: {$ref: '#/components/schemas/v1BadRequestResponse'}}}}",
		} {
			document := contracttest.Changed(t, contracttest.Base(), contracttest.Set(listOperation+" responses "+status, answer))
			requireViolation(t, document, contract.RecordingOpenAPI(), "the document has the answer "+status+" (Next words), and nobody has decided when this server gives it")
		}
	}
	for name, c := range map[string]struct {
		change contracttest.Change
		want   string
	}{
		"a callback": {
			contracttest.Set(listOperation+" callbacks", "{changed: {'{$request.query.callback}': {post: {responses: {'200': {description: x}}}}}}"),
			"the document has the callback changed",
		},
		"a link": {
			contracttest.Set(listOperation+" responses 200 links", "{next: {operationId: EnvironmentsService_ListDeploymentRecords}}"),
			"the answer 200 has the link next",
		},
		"a default of a field that may be absent": {
			contracttest.Set("components schemas v1DeploymentRecord properties logical_environment_name default", "production"),
			"the answer 200 has the default production for logical_environment_name",
		},
	} {
		t.Run(name, func(t *testing.T) {
			requireViolation(t, contracttest.Changed(t, contracttest.Base(), c.change), contract.RecordingOpenAPI(), c.want)
		})
	}
}

func TestADefaultThatNobodyHasDecidedOnIsReported(t *testing.T) {
	for _, parameter := range []string{
		"schema: {type: integer, default: 30}",
		"schema: {allOf: [{type: integer, default: 30}]}",
		"schema: {allOf: [{$ref: '#/components/schemas/TestAge'}]}",
		"schema: {oneOf: [{type: boolean}, {type: integer, default: 30}]}",
		"schema: {anyOf: [{type: boolean}, {allOf: [{type: integer, default: 30}]}]}",
		"schema: {type: array, items: {type: integer, default: 30}}",
		"schema: {type: object, properties: {test_days: {type: integer, default: 30}}}",
		"style: deepObject, schema: {type: object, additionalProperties: {type: integer, default: 30}}",
		"content: {application/json: {schema: {type: object, properties: {test_days: {type: integer, default: 30}}}}}",
	} {
		for _, in := range []string{"query", "header", "cookie"} {
			if in != "query" && strings.Contains(parameter, "deepObject") {
				continue // not valid elsewhere
			}
			document := contracttest.Changed(t, contracttest.Base(),
				contracttest.Set("components schemas TestAge", "{type: integer, default: 30}"),
				contracttest.Insert(listParameters, 0, "{in: "+in+", name: test_max_age, "+parameter+"}"))
			requireViolation(t, document, contract.RecordingOpenAPI(), "parameter test_max_age has the default 30 in the document")
		}
	}
	for name, c := range map[string]struct {
		change contracttest.Change
		want   string
	}{
		"another": {contracttest.Set(listParameters+" name=status schema default", "DEPLOYED"), "parameter status has the default DEPLOYED in the document"},
		"none":    {contracttest.Remove(listParameters + " name=status schema default"), "parameter status has the default (none) in the document"},
		"a new":   {contracttest.Set(listParameters+" name=full_history schema default", "true"), "parameter full_history has the default true in the document"},
		"of the path": {
			contracttest.Set("paths /v1/deployments parameters", "[{in: query, name: test_max_age, schema: {type: integer, default: 30}}]"),
			"parameter test_max_age has the default 30 in the document",
		},
	} {
		t.Run(name, func(t *testing.T) {
			requireViolation(t, contracttest.Changed(t, contracttest.Base(), c.change), contract.RecordingOpenAPI(), c.want)
		})
	}
}

func TestAnObjectWithTheNameOfAnotherParameterIsReported(t *testing.T) {
	for _, parameter := range []string{
		"schema: {type: object, properties: {environment_name: {type: string}}}",
		"schema: {allOf: [{type: object, properties: {environment_name: {type: string}}}]}",
		"schema: {oneOf: [{type: string}, {type: object, properties: {environment_name: {type: string}}}]}",
	} {
		document := contracttest.Changed(t, contracttest.Base(), contracttest.Insert(listParameters, 0, "{in: query, name: test_slot, "+parameter+"}"))
		requireViolation(t, document, contract.RecordingOpenAPI(), "the query parameter test_slot may be an object, and its member environment_name has the name of another parameter")
	}
}

func TestAPatternThatGoCannotCompileIsReported(t *testing.T) {
	for name, change := range map[string]contracttest.Change{
		"of a filter":    contracttest.Set(listParameters+" name=environment_name schema pattern", "'^(?!-)[a-z]+$'"),
		"of a new one":   contracttest.Insert(listParameters, 0, "{in: query, name: test_region, schema: {type: array, items: {type: string, pattern: '(?<=a)b'}}}"),
		"of an answer":   contracttest.Set("components schemas v1DeploymentRecord properties id pattern", "'^(?!-)'"),
		"of all answers": contracttest.Set("components schemas rpcStatus properties message pattern", "'(a)\\1'"),
	} {
		document := contracttest.Changed(t, contracttest.Base(), change)
		if violations := strings.Join(check(t, document, contract.RecordingOpenAPI()), "\n"); !strings.Contains(violations, "which Go cannot compile") {
			t.Errorf("%s: got %q", name, violations)
		}
	}
}

func TestAHarmlessChangeIsNotReported(t *testing.T) {
	for name, change := range map[string]contracttest.Change{
		"another host":           contracttest.Set("servers", "[{url: https://eu.example.com}, {url: https://us.example.com/}]"),
		"no servers":             contracttest.Remove("servers"),
		"another operationId":    contracttest.Set(listOperation+" operationId", "DeploymentsService_List"),
		"an optional parameter":  contracttest.Insert(listParameters, 0, "{in: query, name: test_region, schema: {type: string}}"),
		"a listed object":        contracttest.Insert(listParameters, 0, "{in: query, name: test_span, schema: {type: object, properties: {test_since: {type: string}}}}"),
		"a standard header":      contracttest.Insert(listParameters, 0, "{in: header, name: accept, required: true, schema: {type: string}}"),
		"a browser's header":     contracttest.Insert(listParameters, 0, "{in: header, name: accept-language, schema: {type: string, default: en}}"),
		"an object apart":        contracttest.Insert(listParameters, 0, "{in: query, name: test_slot, style: deepObject, schema: {type: object, properties: {environment_name: {type: string}}}}"),
		"a pattern":              contracttest.Set(listParameters+" name=environment_name schema pattern", "'^[\\w\\/\\-\\u00e9]+$'"),
		"a pattern elsewhere":    contracttest.Set("components schemas TestName", "{type: string, pattern: '^(?!-)[a-z]+$'}"),
		"a default that is sent": contracttest.Set("components schemas DeploymentRecordDeploymentStatus default", "DEPLOYED"),
		"another operation":      contracttest.Set("paths /v1/test-things", "{get: {operationId: Things, responses: {default: {description: x}}}}"),
	} {
		document := contracttest.Changed(t, contracttest.Base(), change)
		if violations := check(t, document, contract.RecordingOpenAPI()); len(violations) > 0 {
			t.Errorf("%s: got %q", name, violations)
		}
	}
}
