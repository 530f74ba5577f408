package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/generated/server"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Many changes of upstream's document compile without a change of this package. These tests fail where such a change
// needs a decision; docs/following-upstream.md describes the procedure.

func listOperation(t *testing.T) *openapi3.Operation {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(deployrecords.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	item := doc.Paths.Value("/v1/deployments")
	if item == nil || item.Get == nil {
		t.Fatal("the document has no GET /v1/deployments: decide under which path it is served, in internal/contract/openapi.overlay.yaml and in Endpoints of internal/httpserver/openapi/endpoints.go")
	}
	operation := *item.Get
	operation.Parameters = slices.Clone(operation.Parameters)
	for _, ref := range item.Parameters { // the operation's own parameters replace the path's
		if operation.Parameters.GetByInAndName(ref.Value.In, ref.Value.Name) == nil {
			operation.Parameters = append(operation.Parameters, ref)
		}
	}
	return &operation
}

// wireName returns the parameter's name of a field of ListDeploymentRecordsParams.
func wireName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("form"), ",")
	return name
}

// The pages ask by ParseListQuery: a parameter that it did not know would not narrow them.
func TestQ1_ParseListQueryKnowsEveryParameter(t *testing.T) {
	paging := deployments.DefaultPaging()
	nothing, err := ParseListQuery(url.Values{}, paging)
	if err != nil {
		t.Fatal(err)
	}
	text := map[string]string{
		"status": "SUPERSEDED", "artifact_kind": "HELM_CHART", "full_history": "true", "pagination.page": "7", "pagination.page_size": "7",
	}
	for _, name := range ListParameters {
		if query, err := ParseListQuery(url.Values{name: {cmp.Or(text[name], "x")}}, paging); err != nil || query == nothing {
			t.Errorf("%s changes nothing: %+v, %v", name, query, err)
		}
	}
}

// The test sets one field of the generated parameters after the other. A field that changes the query is implemented. If
// another field were in ListParameters, the server would ignore it silently.
func TestQ1_ListParametersAreTheParametersThatChangeTheQuery(t *testing.T) {
	paging := deployments.DefaultPaging()
	nothing, err := toQuery(server.ListDeploymentRecordsParams{}, paging)
	if err != nil {
		t.Fatal(err)
	}
	var implemented []string
	for field := range fields(reflect.TypeFor[server.ListDeploymentRecordsParams]()) {
		var params server.ListDeploymentRecordsParams
		if wireName(field) == "" {
			continue // not in the query
		}
		pointer := reflect.ValueOf(&params).Elem().FieldByIndex(field.Index)
		if pointer.Kind() != reflect.Pointer {
			t.Errorf("%s is required now: say so in ListRules and in docs/semantics.md", wireName(field))
			continue
		}
		pointer.Set(reflect.New(field.Type.Elem()))
		switch value := pointer.Elem(); value.Kind() {
		case reflect.String:
			text := map[string]string{"status": "SUPERSEDED", "artifact_kind": "HELM_CHART"}[wireName(field)]
			value.SetString(cmp.Or(text, "x"))
		case reflect.Bool:
			value.SetBool(true)
		case reflect.Int32:
			value.SetInt(7)
		}
		if query, err := toQuery(params, paging); err != nil || query != nothing {
			implemented = append(implemented, wireName(field))
		}
	}
	slices.Sort(implemented)
	if listed := slices.Sorted(slices.Values(ListParameters)); !slices.Equal(listed, implemented) {
		t.Errorf("ListParameters has\n%q, and toQuery translates\n%q", listed, implemented)
	}
}

func fields(of reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for field := range of.Fields() {
			if !yield(field) {
				return
			}
		}
	}
}

// The server may not enforce a keyword that is not in these lists. Validation fully enforces enforcedKeywords. Limits of
// numbers are absent: they could require pages from 1, or pages smaller than this server's default.
var (
	enforcedKeywords = []string{"type", "enum", "default", "minLength", "maxLength", "pattern"}
	answerKeywords   = []string{"type", "enum", "default", "properties", "required", "items", "additionalProperties", "nullable"}
	prose            = []string{"title", "description", "example", "deprecated", "externalDocs", "readOnly"}
)

func TestTheSchemasUseOnlyEnforcedKeywords(t *testing.T) {
	operation := listOperation(t)
	for _, ref := range operation.Parameters {
		if !slices.Contains(ListParameters, ref.Value.Name) || ref.Value.Schema == nil {
			continue // a 501, or internal/contract reports it
		}
		for _, keyword := range keywords(t, ref.Value.Schema.Value) {
			if !slices.Contains(slices.Concat(enforcedKeywords, prose), keyword) && keyword != "format: int32" {
				t.Errorf("the parameter %s has %q: see that it is enforced, and that an absent parameter still means something that fits, then add it to enforcedKeywords", ref.Value.Name, keyword)
			}
		}
	}
	for status, response := range operation.Responses.Map() {
		if len(response.Value.Headers) > 0 {
			t.Errorf("the answer %s has headers in the document, and this server sends none of them", status)
		}
		content := response.Value.Content
		if len(content) != 1 || content["application/json"] == nil {
			t.Errorf("the answer %s is not application/json alone in the document, and internal/api writes nothing else", status)
			continue
		}
		eachSchema("", content["application/json"].Schema.Value, func(location string, schema *openapi3.Schema) {
			for _, keyword := range keywords(t, schema) {
				if !slices.Contains(slices.Concat(answerKeywords, prose, []string{"format: int32", "format: date-time"}), keyword) {
					t.Errorf("in the answer %s, %q has %q: make every answer obey it, then add it to answerKeywords", status, location, keyword)
				}
			}
		})
	}
}

// keywords returns the keywords of the schema itself, formats with their value.
func keywords(t *testing.T, schema *openapi3.Schema) (names []string) {
	t.Helper()
	text, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	for name, value := range members {
		if name == "format" {
			name = fmt.Sprint("format: ", value)
		}
		names = append(names, name)
	}
	return names
}

// eachSchema visits a schema and its subschemas. No schema of the document refers to itself.
func eachSchema(location string, schema *openapi3.Schema, visit func(location string, schema *openapi3.Schema)) {
	if len(location) > 1000 {
		panic(location + ": a schema of an answer refers to itself, which eachSchema does not follow")
	}
	visit(location, schema)
	if schema.Items != nil {
		eachSchema(location+"[]", schema.Items.Value, visit)
	}
	for name, property := range schema.Properties {
		eachSchema(strings.TrimPrefix(location+"."+name, "."), property.Value, visit)
	}
}

// oneRecord is a store with a record that has every field.
type oneRecord struct{ deployments.Store }

func (oneRecord) List(context.Context, deployments.Scope, deployments.Query) (deployments.Result, error) {
	return deployments.Result{Total: 1, Records: []deployments.Record{{
		ID: "id", EnvironmentID: "environment", EnvironmentName: "eu", LogicalEnvironmentID: "logical", LogicalEnvironmentName: "production",
		DeploymentName: "api", ArtifactID: "artifact", Artifact: deployments.Artifact{Kind: deployments.HelmChart, Name: "n", Version: "v", Digest: "d"},
		Status: deployments.Superseded, CreatedAt: time.Unix(1, 0).UTC(), UpdatedAt: time.Unix(2, 0).UTC(), LastSeenAt: time.Unix(3, 0).UTC(),
	}}}, nil
}

func TestR1_ResponsesHaveExactlyTheFieldsOfTheDocument(t *testing.T) {
	responses := listOperation(t).Responses
	answer, err := New(oneRecord{}, deployments.DefaultPaging(), true).ListDeploymentRecords(WithCaller(context.Background(), Caller{}), server.ListDeploymentRecordsRequestObject{
		Params: server.ListDeploymentRecordsParams{Page: new(int32(1))}, // 0 would look like an unset field
	})
	if err != nil {
		t.Fatal(err)
	}
	recorder := httptest.NewRecorder()
	if err := answer.VisitListDeploymentRecordsResponse(recorder); err != nil {
		t.Fatal(err)
	}
	compareFields(t, "200", "fromRecord and appendRecord in internal/api", responses.Status(200).Value, recorder.Body.Bytes())
	for status := range codes {
		documented := responses.Status(status)
		if documented == nil {
			documented = responses.Default()
		}
		if documented == nil {
			t.Errorf("the document has no schema for the status %d, and no default", status)
			continue
		}
		body := (&Problem{Status: status, Message: "m", Details: []string{"d"}}).Body()
		compareFields(t, fmt.Sprint(status), "Body in internal/api/problem.go", documented.Value, body)
		content := documented.Value.Content["application/json"]
		if content == nil {
			continue // compareFields reports it
		}
		schema := content.Schema.Value
		if code, ok := schema.Properties["code"]; ok && code.Value.Default != nil && fmt.Sprint(code.Value.Default) != fmt.Sprint(codes[status]) {
			t.Errorf("the status %d has the code %v in the document, and %d in internal/api/problem.go", status, code.Value.Default, codes[status])
		}
	}
	for status := range responses.Map() {
		if strings.HasPrefix(status, "2") && status != "200" {
			t.Errorf("the document has an answer %s, which this server never gives", status)
		}
	}
}

// compareFields checks that a body is valid by its schema and has every field of it.
func compareFields(t *testing.T, status, where string, documented *openapi3.Response, body []byte) {
	t.Helper()
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatal(err)
	}
	content := documented.Content["application/json"]
	if content == nil {
		t.Errorf("the answer %s is not JSON in the document", status)
		return
	}
	if err := content.Schema.Value.VisitJSON(value, openapi3.DisableSchemaErrorDetails()); err != nil {
		t.Errorf("the answer %s does not fit the document: %v (%s)", status, err, where)
	}
	sent := make(map[string]bool)
	var walk func(location string, value any)
	walk = func(location string, value any) {
		sent[location] = true
		switch v := value.(type) {
		case nil, string, float64, bool:
			// A required field is a plain Go value and is sent empty if it is not set.
			if v == nil || reflect.ValueOf(v).IsZero() {
				t.Errorf("the answer %s has the field %s in the document, and this server sends it empty: fill it in %s", status, location, where)
			}
		case []any:
			for _, item := range v {
				walk(location+"[]", item)
			}
		case map[string]any:
			for name, member := range v {
				walk(strings.TrimPrefix(location+"."+name, "."), member)
			}
		}
	}
	walk("", value)
	eachSchema("", content.Schema.Value, func(location string, _ *openapi3.Schema) {
		// The items of an rpcStatus's details, which are always empty (R3).
		if !sent[location] && !strings.HasPrefix(location, "details[]") {
			t.Errorf("the answer %s has the field %s in the document, and this server does not send it: fill it in %s", status, location, where)
		}
		delete(sent, location)
	})
	for location := range sent {
		t.Errorf("the answer %s has the field %s, which the document does not have: take it out of %s", status, location, where)
	}
}
