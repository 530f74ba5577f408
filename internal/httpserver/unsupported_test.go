package httpserver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/contracttest"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

const (
	listOperation  = "paths /v1/deployments get"
	listParameters = listOperation + " parameters"
)

// withDocument serves the document that tests change, with changes, and judges the answers by it. Tests that state routes
// or values use it: upstream's document may get others.
func withDocument(t *testing.T, changes ...contracttest.Change) func(*options) {
	return func(o *options) {
		o.Document = contracttest.Changed(t, contracttest.Base(), changes...)
		o.client = contracttest.ClientOf(t, o.Document, o.RecordingDocument)
	}
}

func TestQ1_AnUnsupportedParameterIsNotIgnored(t *testing.T) {
	engine := storetest.Engines[1]
	s := storetest.Open(t, engine.Migrated(t))
	storetest.Load(t, s, "acme", storetest.Entry(1, 1, "eu", "api"))
	server := newServer(t, s, withDocument(t,
		contracttest.Insert(listParameters, 0, `{in: query, name: test_region, schema: {type: string, maxLength: 5}}`),
		contracttest.Insert(listParameters, 3, `{in: query, name: test_min_age, schema: {type: integer, format: int32}}`),
		contracttest.Insert(listParameters, -1, `{in: query, name: test_labels, style: deepObject, schema: {type: object, additionalProperties: {type: string}}}`),
		contracttest.Insert(listParameters, -1, `{in: query, name: test_span, schema: {type: object, properties: {test_since: {type: string}}}}`),
		contracttest.Insert(listParameters, -1, `{in: header, name: X-Test-View, schema: {type: string}}`),
		contracttest.Insert(listParameters, -1, `{in: header, name: Accept, schema: {type: string}}`),
		contracttest.Insert(listParameters, -1, `{in: header, name: user-agent, required: true, schema: {type: string, enum: [test-agent]}}`),
		contracttest.Insert(listParameters, -1, `{in: header, name: Accept-Language, schema: {type: string, maxLength: 2}}`),
		contracttest.Insert(listParameters, -1, `{in: cookie, name: test_view, schema: {type: string}}`),
	))
	bearer := "Authorization: Bearer " + token(t, "acme")
	for _, c := range []struct {
		query   string
		headers []string
		want    string
	}{
		{"?environment_name=eu&other=1", []string{"Accept: application/json"}, "200"},
		// Every client sends these, and browsers a value that the document does not allow.
		{"", []string{"User-Agent: Mozilla/5.0", "Accept-Language: en-US,en;q=0.9"}, "200"},
		{"?test_region=eu", nil, "501 test_region: is not implemented by this server"},
		{"?%74est_region=", nil, "501 test_region: is not implemented by this server"},
		{"?environment_name=eu&test_min_age=3&test_region=eu", nil, "501 test_region, test_min_age: are not implemented by this server"},
		{"?test_labels%5Bteam%5D=a", nil, "501 test_labels: is not implemented by this server"},
		{"?test_since=a", nil, "501 test_span: is not implemented by this server"},
		{"", []string{"X-Test-View: full"}, "501 X-Test-View: is not implemented by this server"},
		{"", []string{"Cookie: test_view=full"}, "501 test_view: is not implemented by this server"},
		// Violations are reported first: they remain when the parameter is implemented.
		{"?test_region=eu&status=running", nil, "400"},
		{"?test_region=europe", nil, "400"},
		{"?test_min_age=x", nil, "400"},
		{"?test_region=a&test_region=b", nil, "400"},
	} {
		answer := server.do("GET", "/v1/deployments"+c.query, append(c.headers, bearer)...)
		got := fmt.Sprint(answer.status)
		if answer.status == http.StatusNotImplemented {
			got += fmt.Sprint(" ", answer.json(t)["message"])
		}
		if got != c.want {
			t.Errorf("%s %q: got %s (%s), want %s", c.query, c.headers, got, answer.body, c.want)
		}
	}
	if answer := server.do("GET", "/v1/deployments?test_region=eu"); answer.status != 401 {
		t.Errorf("without a token: got %d", answer.status)
	}
}

func TestHarmlessChangesOfTheDocumentChangeNothing(t *testing.T) {
	for name, change := range map[string]contracttest.Change{
		"another host":              contracttest.Set("servers", "[{url: https://eu.example.com}, {url: https://us.example.com/}]"),
		"no servers":                contracttest.Remove("servers"),
		"another operationId":       contracttest.Set(listOperation+" operationId", "DeploymentsService_List"),
		"the scheme's other name":   contracttest.Set("components securitySchemes bearerToken bearerFormat", "opaque"),
		"a narrower text":           contracttest.Set(listParameters+" name=deployment_name schema maxLength", "3"),
		"a parameter of the path's": contracttest.Set("paths /v1/deployments parameters", "[{in: query, name: artifact_digest, schema: {type: integer}}]"),
	} {
		t.Run(name, func(t *testing.T) {
			server, s := onSQLite(t, withDocument(t, change))
			storetest.Load(t, s, "acme", storetest.Entry(1, 1, "eu", "api"))
			if got := server.get("?deployment_name=api&artifact_digest=" + storetest.Digest(99)).list(t).Pagination.TotalCount; got != 0 {
				t.Errorf("total %d", got)
			}
			if got := server.get("?deployment_name=api").list(t).Pagination.TotalCount; got != 1 {
				t.Errorf("total %d", got)
			}
			narrow := server.get("?deployment_name=long").status
			if want := map[bool]int{true: 400, false: 200}[name == "a narrower text"]; narrow != want {
				t.Errorf("a long name: got %d, want %d", narrow, want)
			}
		})
	}
}

// wholeAPI adds about 120 operations of the kinds that upstream has.
func wholeAPI() (changes []contracttest.Change) {
	add := func(path, item string) {
		changes = append(changes, contracttest.Set("paths "+path, item))
	}
	operation := func(id, more string) string {
		return fmt.Sprintf("{operationId: %s, %s responses: {default: {description: x, content: {application/json: {schema: {$ref: '#/components/schemas/rpcStatus'}}}}}}", id, more)
	}
	const id = "parameters: [{in: path, name: id, required: true, schema: {type: string}}],"
	const body = "requestBody: {content: {application/json: {schema: {type: object}}}},"
	for i := range 30 {
		thing := fmt.Sprintf("/v1/test-things%d", i)
		name := fmt.Sprintf("TestThings%d_", i)
		add(thing, fmt.Sprintf("{get: %s, post: %s}", operation(name+"List", ""), operation(name+"Create", body)))
		add(thing+"/{id}", fmt.Sprintf("{get: %s, delete: %s}", operation(name+"Get", id), operation(name+"Delete", id)))
	}
	add("/v1/test-things0/mine", fmt.Sprintf("{get: %s}", operation("TestMine", "security: [],")))
	add("/v1/test-things0/{id}:cancel", fmt.Sprintf("{post: %s}", operation("TestCancel", id+"security: [{}],")))
	add("/v1/test-keys", fmt.Sprintf("{get: %s}", operation("TestKeys", "security: [{testKey: []}],")))
	add(recordPath+"/{id}", fmt.Sprintf("{get: %s}", operation("TestGetDeployment", id)))
	changes = append(changes,
		contracttest.Set("components securitySchemes testKey", "{type: apiKey, in: header, name: X-Key}"),
		contracttest.SetOperation(recordPath, "delete", operation("TestDeleteDeployments", "")))
	return changes
}

func TestR4_UnsupportedOperationsAreA501(t *testing.T) {
	document := contracttest.Changed(t, contracttest.Base(), wholeAPI()...)
	server, s := onSQLite(t, withDocument(t, wholeAPI()...))
	storetest.Load(t, s, "acme", storetest.Entry(1, 1, "eu", "api"))
	reader := "Authorization: Bearer " + token(t, "acme")
	writer := "Authorization: Bearer " + token(t, "acme", func(r *auth.MintRequest) { r.Scopes = []auth.Scope{auth.WriteDeployments} })
	for request, want := range map[string]string{ // without a token, of a reader, of a writer
		"GET /v1/test-things7":                       "401 501 403",
		"GET /v1/test-things7?a;b&%zz":               "401 501 403",
		"POST /v1/test-things7":                      "401 403 501",
		"GET /v1/test-things7/x":                     "401 501 403",
		"GET /v1/test-things7/a%2Fb":                 "401 501 403",
		"DELETE /v1/test-things7/x":                  "401 403 501",
		"POST /v1/test-things7/x":                    "405 405 405 DELETE, GET",
		"HEAD /v1/test-things7":                      "405 405 405 GET, POST",
		"GET /v1/test-things7/":                      "404 404 404",
		"GET /v1/test-things7/x/y":                   "404 404 404",
		"GET /v1/test-things77":                      "404 404 404",
		"GET /v1/test-things0/mine":                  "501 501 501",
		"DELETE /v1/test-things0/mine":               "405 405 405 GET",
		"POST /v1/test-things0/x:cancel":             "501 501 501",
		"PUT /v1/test-things0/x:cancel":              "405 405 405 POST",
		"POST /v1/test-things1/x:cancel":             "405 405 405 DELETE, GET",
		"GET /v1/test-keys":                          "401 501 403",
		"GET " + recordPath + "/x":                   "401 501 403",
		"GET " + batchPath:                           "401 501 403",
		"PUT " + batchPath:                           "405 405 405 GET, POST",
		"DELETE " + recordPath:                       "401 403 501",
		"PUT " + recordPath:                          "405 405 405 " + methodsOf(t, recordPath, document, contract.RecordingOpenAPI()),
		"GET /v1/deployments":                        "401 200 403",
		"POST " + recordPath:                         "401 403 415",
		"GET /v1/nothing":                            "404 404 404",
		"GET /v1/%74est-things7":                     "404 404 404",
		"GET /healthz":                               "200 200 200",
		"GET /v1/test-things7/{id}?test_region=here": "401 501 403",
	} {
		method, path, _ := strings.Cut(request, " ")
		var got []string
		var allow string
		for _, headers := range [][]string{nil, {reader}, {writer}} {
			answer := server.do(method, path, headers...)
			got, allow = append(got, fmt.Sprint(answer.status)), answer.header.Get("Allow")
			if answer.status == 501 && !strings.HasSuffix(fmt.Sprint(answer.json(t)["message"]), " is not implemented by this server") {
				t.Errorf("%s: %s", request, answer.body)
			}
		}
		if allow != "" {
			got = append(got, allow)
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%s: got %s, want %s", request, got, want)
		}
	}
	if got := server.do("GET", "/openapi.yaml"); string(got.body) != string(document) {
		t.Error("the document is not served to the byte")
	}
	if !strings.Contains(server.log.String(), "route=/v1/test-things7/{id} ") {
		t.Error("the log does not tell the route")
	}
}

func TestR4_MoreThanAHundredUnsupportedOperationsNeedAToken(t *testing.T) {
	server, _ := onSQLite(t, withDocument(t, wholeAPI()...))
	for i := range 30 {
		for _, request := range []string{"GET /v1/test-things%d", "POST /v1/test-things%d", "GET /v1/test-things%d/x", "DELETE /v1/test-things%d/x"} {
			method, path, _ := strings.Cut(fmt.Sprintf(request, i), " ")
			if answer := server.do(method, path); answer.status != 401 {
				t.Errorf("%s %s: got %d", method, path, answer.status)
			}
		}
	}
}
