package specupdate

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/contracttest"
)

// upstreamChange is a kind of change to upstream's document and its effect.
type upstreamChange struct {
	name    string
	changes []contracttest.Change
	// reports match lines of the diff, each after its group: "breaking: ...".
	reports []string
	// stops is the step that fails, empty if the update passes. at is what the error must contain: where to decide.
	stops, at string
	// summary matches lines of the summary of an update that passes.
	summary []string
}

const (
	operation  = "paths /v1/deployments get"
	parameters = operation + " parameters"
	record     = "components schemas v1DeploymentRecord"
	statuses   = "components schemas DeploymentRecordDeploymentStatus enum"
	text       = "{type: string}"
)

// upstreamChanges are the kinds of changes to expect from upstream. TestUpstreamChangesAreReported checks their reports,
// TestUpstreamChangesEndToEnd the outcome of the update. The tests also run during an update, so the names that the
// changes add are not in upstream's next document, nor in the tests of the server.
var upstreamChanges = []upstreamChange{
	{
		name:    "an enum value added",
		changes: []contracttest.Change{contracttest.Insert(parameters+" name=status schema enum", 2, "NEXT_PAUSED"), contracttest.Insert(statuses, 2, "NEXT_PAUSED")},
		reports: []string{"breaking: .*added the new `NEXT_PAUSED` enum value to the `deployment_records/items/status` response property", "additive: .*enum value `NEXT_PAUSED` to the `query` request parameter `status`"},
		stops:   "contract", at: "the filter status=NEXT_PAUSED is not known: enter it in statusFilters of internal/api/enums.go, or in unsupportedValues",
	},
	{
		name:    "an artifact kind added",
		changes: []contracttest.Change{contracttest.Insert(parameters+" name=artifact_kind schema enum", 2, "NEXT_WASM")},
		reports: []string{"additive: .*enum value `NEXT_WASM`"},
		stops:   "contract", at: "the filter artifact_kind=NEXT_WASM is not known: enter it in kindFilters of internal/api/enums.go, or in unsupportedValues",
	},
	{
		name:    "an enum value removed",
		changes: []contracttest.Change{contracttest.Remove(parameters + " name=status schema enum =SUPERSEDED"), contracttest.Remove(statuses + " =SUPERSEDED")},
		reports: []string{"breaking: .*removed the enum value `SUPERSEDED` from the `query` request parameter `status`", "breaking: .*removed the `SUPERSEDED` enum value from the `deployment_records/items/status` response property"},
		stops:   "build", at: "internal/api/enums.go:",
	},
	{
		name:    "an enum value renamed",
		changes: []contracttest.Change{contracttest.Set(parameters+" name=status schema enum =SUPERSEDED", "NEXT_REPLACED"), contracttest.Set(statuses+" =SUPERSEDED", "NEXT_REPLACED")},
		reports: []string{"breaking: .*removed the enum value `SUPERSEDED`", "additive: .*enum value `NEXT_REPLACED`"},
		stops:   "build", at: "internal/api/enums.go:",
	},
	{
		name:    "a parameter added",
		changes: []contracttest.Change{contracttest.Insert(parameters, 4, "{in: query, name: next_region, schema: "+text+"}")},
		reports: []string{"additive: .*added the new optional `query` request parameter `next_region`"},
		summary: []string{"the query parameter next_region of GET /v1/deployments: using it is a 501 until internal/api/api.go translates it"},
	},
	{
		name:    "a required parameter added",
		changes: []contracttest.Change{contracttest.Insert(parameters, 4, "{in: query, name: next_region, required: true, schema: "+text+"}")},
		reports: []string{"breaking: .*added the new required `query` request parameter `next_region`"},
		stops:   "contract", at: "the document requires the query parameter next_region, which is not implemented: the server would reject every request",
	},
	{
		name:    "a parameter with a default",
		changes: []contracttest.Change{contracttest.Insert(parameters, 4, "{in: query, name: next_max_age, schema: {type: integer, default: 30}}")},
		reports: []string{"additive: .*added the new optional `query` request parameter `next_max_age`"},
		stops:   "contract", at: "make absence mean the default",
	},
	{
		name:    "a default inside a schema",
		changes: []contracttest.Change{contracttest.Insert(parameters, 4, "{in: query, name: next_max_age, schema: {allOf: [{type: integer, default: 30}]}}")},
		reports: []string{"additive: .*added the new optional `query` request parameter `next_max_age`"},
		stops:   "contract", at: "make absence mean the default",
	},
	{
		name:    "an object with the name of a filter",
		changes: []contracttest.Change{contracttest.Insert(parameters, 4, "{in: query, name: next_slot, schema: {type: object, properties: {environment_name: "+text+"}}}")},
		reports: []string{"additive: .*added the new optional `query` request parameter `next_slot`"},
		stops:   "contract", at: "the query parameter next_slot may be an object, and its member environment_name has the name of another parameter",
	},
	{
		name:    "a header that every client sends",
		changes: []contracttest.Change{contracttest.Insert(parameters, 4, "{in: header, name: User-Agent, schema: "+text+"}")},
		reports: []string{"additive: .*added the new optional `header` request parameter `user-agent`"},
		summary: []string{"the header parameter User-Agent of GET /v1/deployments: ignored, because clients send this header with every request"},
	},
	{
		name:    "a parameter with unlisted members",
		changes: []contracttest.Change{contracttest.Insert(parameters, 4, "{in: query, name: next_labels, schema: {type: object, additionalProperties: "+text+"}}")},
		reports: []string{"additive: .*added the new optional `query` request parameter `next_labels`"},
		stops:   "contract", at: "the query parameter next_labels is not implemented and may be an object",
	},
	{
		name:    "a parameter renamed",
		changes: []contracttest.Change{contracttest.Set(parameters+" name=environment_name name", "env_name")},
		reports: []string{"breaking: .*deleted the `query` request parameter `environment_name`", "additive: .*parameter `env_name`"},
		stops:   "build", at: "internal/api/api.go:",
	},
	{
		name:    "a parameter renamed that the overlay names",
		changes: []contracttest.Change{contracttest.Set(parameters+" name=pagination.page name", "page")},
		reports: []string{"breaking: .*deleted the `query` request parameter `pagination.page`", "additive: .*parameter `page`"},
		stops:   "generate", at: "parameters[?@.name == 'pagination.page']",
	},
	{
		name:    "a parameter of another type",
		changes: []contracttest.Change{contracttest.Set(parameters+" name=deployment_name schema type", "integer")},
		reports: []string{"breaking: .*the `query` request parameter `deployment_name`, the `type` was changed from `string` to `integer`"},
		stops:   "build", at: "internal/api/api.go:",
	},
	{
		name:    "a parameter turned into a list",
		changes: []contracttest.Change{contracttest.Set(parameters+" name=deployment_name schema", "{type: array, items: {type: string}}")},
		reports: []string{"additive: .*`query` request parameter `deployment_name`, the `type` was widened"},
		stops:   "build", at: "internal/api/api.go:",
	},
	{
		name:    "a parameter made required",
		changes: []contracttest.Change{contracttest.Set(parameters+" name=environment_name required", "true")},
		reports: []string{"breaking: .*the `query` request parameter `environment_name` became required"},
		stops:   "build", at: "internal/api/api.go:",
	},
	{
		name:    "a parameter removed",
		changes: []contracttest.Change{contracttest.Remove(parameters + " name=artifact_digest")},
		reports: []string{"breaking: .*deleted the `query` request parameter `artifact_digest`"},
		stops:   "build", at: "internal/api/api.go:",
	},
	{
		name:    "a parameter moved to a header",
		changes: []contracttest.Change{contracttest.Set(parameters+" name=artifact_digest in", "header")},
		reports: []string{"breaking: .*deleted the `query` request parameter `artifact_digest`"},
		stops:   "contract", at: "the query parameter artifact_digest is implemented, and the document does not have it (any more)",
	},
	{
		name:    "another default",
		changes: []contracttest.Change{contracttest.Set(parameters+" name=full_history schema default", "true")},
		reports: []string{"breaking: .*`full_history`, default value `true` was added"},
		stops:   "contract", at: "make absence mean the default",
	},
	{
		name:    "a length limit on a parameter",
		changes: []contracttest.Change{contracttest.Set(parameters+" name=deployment_name schema maxLength", "200")},
		reports: []string{"breaking: .*`deployment_name`, the maxLength was set to `200`"},
		summary: []string{"Clients will notice"},
	},
	{
		name:    "pages that start at 1",
		changes: []contracttest.Change{contracttest.Set(parameters+" name=pagination.page schema minimum", "1")},
		reports: []string{"breaking: .*`pagination.page`, the min was set to `1.00`"},
		stops:   "contract", at: `the parameter pagination.page has "minimum"`,
	},
	{
		name:    "another operationId",
		changes: []contracttest.Change{contracttest.Set(operation+" operationId", "Next_List")},
		reports: []string{"cosmetic: .*api operation id .* removed and replaced with `Next_List`"},
		summary: []string{"Needs no code"},
	},
	{
		name:    "a path moved",
		changes: []contracttest.Change{contracttest.Rename("paths /v1/deployments", "/v2/deployments")},
		reports: []string{"breaking: .*GET /v1/deployments: api path removed without deprecation", "additive: .*GET /v2/deployments: endpoint added"},
		stops:   "generate", at: "$.paths['/v1/deployments'].get",
	},
	{
		name:    "a field added",
		changes: []contracttest.Change{contracttest.Set(record+" properties next_cluster", text)},
		reports: []string{"additive: .*added the optional property `deployment_records/items/next_cluster` to the response"},
		stops:   "contract", at: "the answer 200 has the field deployment_records[].next_cluster in the document, and this server does not send it: fill it in fromRecord",
	},
	{
		name:    "a required field added",
		changes: []contracttest.Change{contracttest.Set(record+" properties next_count", "{type: integer, format: int32}"), contracttest.Set(record+" required", "[next_count]")},
		reports: []string{"additive: .*added the required property `deployment_records/items/next_count` to the response"},
		stops:   "contract", at: "the answer 200 has the field deployment_records[].next_count in the document, and this server does not send it: fill it in fromRecord",
	},
	{
		name:    "a field removed",
		changes: []contracttest.Change{contracttest.Remove(record + " properties artifact_id")},
		reports: []string{"breaking: .*removed the optional property `deployment_records/items/artifact_id` from the response"},
		stops:   "build", at: "internal/api/api.go:",
	},
	{
		name:    "a field of another type",
		changes: []contracttest.Change{contracttest.Set(record+" properties last_seen_at", "{type: integer, format: int64}")},
		reports: []string{"breaking: .*`deployment_records/items/last_seen_at` response's property `type/format` changed"},
		stops:   "build", at: "internal/api/api.go:",
	},
	{
		name:    "an optional field made required",
		changes: []contracttest.Change{contracttest.Set(record+" required", "[id, logical_environment_id]")},
		reports: []string{"additive: .*the response property `deployment_records/items/logical_environment_id` became required"},
		stops:   "build", at: "internal/api/api.go:",
	},
	{
		name:    "a field made required that is always sent",
		changes: []contracttest.Change{contracttest.Set(record+" required", "[id]")},
		reports: []string{"additive: .*the response property `deployment_records/items/id` became required"},
		summary: []string{"became required"},
	},
	{
		name:    "a length limit on a field",
		changes: []contracttest.Change{contracttest.Set(record+" properties deployment_name maxLength", "20")},
		reports: []string{"additive: .*`deployment_records/items/deployment_name` response property's maxLength"},
		stops:   "contract", at: `"deployment_records[].deployment_name" has "maxLength"`,
	},
	{
		name:    "an error field added",
		changes: []contracttest.Change{contracttest.Set("components schemas v1BadRequestResponse properties next_reason", text), contracttest.Insert("components schemas v1BadRequestResponse required", -1, "next_reason")},
		reports: []string{"additive: .*added the required property `next_reason` to the response with the `400` status"},
		stops:   "contract", at: "the answer 400 has the field next_reason in the document, and this server sends it empty: fill it in Body in internal/api/problem.go",
	},
	{
		name:    "an error field of another type",
		changes: []contracttest.Change{contracttest.Set("components schemas v1UnauthorizedResponse properties details items", "{type: object}")},
		reports: []string{"breaking: .*`details/items/` response's property `type` changed from `string` to `object` for status `401`"},
		stops:   "build", at: "internal/api/problem.go:",
	},
	{
		name:    "another error code",
		changes: []contracttest.Change{contracttest.Set("components schemas v1BadRequestResponse properties code default", "400")},
		reports: []string{"breaking: .*the `code` response's property default value changed from `3.00` to `400.00`"},
		stops:   "contract", at: "the status 400 has the code 400 in the document, and 3 in internal/api/problem.go",
	},
	{
		name:    "the default error removed",
		changes: []contracttest.Change{contracttest.Remove(operation + " responses default")},
		reports: []string{`location: .*GET responses deleted: "default"`},
		stops:   "build", at: "internal/api/problem.go:",
	},
	{
		name:    "another security scheme",
		changes: []contracttest.Change{contracttest.Set("components securitySchemes bearerToken", "{type: apiKey, in: header, name: X-Key}")},
		reports: []string{"breaking: .*the component security scheme `bearerToken` type changed from `http` to `apiKey`"},
		stops:   "contract", at: "the document's security is not a bearer token alone, and internal/auth supports nothing else",
	},
	{
		name:    "no security",
		changes: []contracttest.Change{contracttest.Set(operation+" security", "[]")},
		reports: []string{"breaking: .*the endpoint now allows anonymous access"},
		stops:   "contract", at: "the document's security is not a bearer token alone, and internal/auth supports nothing else",
	},
	{
		name:    "a status added",
		changes: []contracttest.Change{contracttest.Set(operation+" responses 404", "{description: Next words, content: {application/json: {schema: {$ref: '#/components/schemas/rpcStatus'}}}}")},
		reports: []string{"additive: .*added the non-success response with the status `404`"},
		stops:   "contract", at: "the document has the answer 404 (Next words), and nobody has decided when this server gives it",
	},
	{
		name:    "a callback",
		changes: []contracttest.Change{contracttest.Set(operation+" callbacks", "{changed: {'{$request.query.callback}': {post: {responses: {'200': {description: x}}}}}}")},
		reports: []string{`location: .*GET callbacks added: "changed"`},
		stops:   "contract", at: "the document has the callback changed",
	},
	{
		name:    "a link",
		changes: []contracttest.Change{contracttest.Set(operation+" responses 200 links", "{next: {operationRef: '#/paths/~1v1~1deployments/get'}}")},
		reports: []string{`location: .*GET responses 200 links added: "next"`},
		stops:   "contract", at: "the answer 200 has the link next",
	},
	{
		name:    "security of the operation",
		changes: []contracttest.Change{contracttest.Remove("security"), contracttest.Set(operation+" security", "[{bearerToken: []}]")},
		reports: []string{"cosmetic: .*the security scheme `bearerToken` was removed from the API"},
		summary: []string{"Needs no code"},
	},
	{
		name: "a parameter moved to the path",
		changes: []contracttest.Change{
			contracttest.Remove(parameters + " name=environment_name"),
			contracttest.Set("paths /v1/deployments parameters", "[{description: Next words, in: query, name: environment_name, schema: "+text+"}]"),
		},
		reports: []string{"wording: GET /v1/deployments query environment_name description, changed"},
	},
	{
		name:    "another server",
		changes: []contracttest.Change{contracttest.Set("servers", "[{url: https://next.example.com/}]")},
		reports: []string{`location: servers added: "https://next.example.com/"`},
		summary: []string{"this server never calls upstream's"},
	},
	{
		name:    "a server with a path",
		changes: []contracttest.Change{contracttest.Set("servers", "[{url: https://next.example.com/platform}]")},
		reports: []string{`location: servers added: "https://next.example.com/platform"`},
		stops:   "contract", at: "has the path /platform, and the routes of this server have none: decide whether they move under it",
	},
	{
		name:    "a schema renamed",
		changes: []contracttest.Change{contracttest.Rename(record, "v2DeploymentRecord")},
		reports: []string{"cosmetic: .*removed the schema `v1DeploymentRecord`", `location: components schemas added: "v2DeploymentRecord"`},
		stops:   "generate", at: "$.components.schemas.v1DeploymentRecord",
	},
	{
		name:    "an operation of the recording API",
		changes: []contracttest.Change{contracttest.SetOperation(contract.RecordingPath, "post", "{operationId: Create, responses: {default: {description: x}}}")},
		reports: []string{"additive: .*POST " + contract.RecordingPath + ": endpoint added"},
		stops:   "contract", at: "upstream's document has POST " + contract.RecordingPath + ", and so has internal/contract/openapi.recording.yaml",
	},
	{
		name:    "a path-level parameter with a default",
		changes: []contracttest.Change{contracttest.Set("paths /v1/deployments parameters", "[{in: query, name: next_max_age, schema: {type: integer, default: 30}}]")},
		reports: []string{`location: paths /v1/deployments operations GET parameters added query: "next_max_age"`},
		stops:   "contract", at: "make absence mean the default",
	},
	{
		name:    "OpenAPI 3.1",
		changes: []contracttest.Change{contracttest.Set("openapi", "3.1.1")},
		reports: []string{`location: openAPI: "3.0.1" -> "3.1.1"`},
		stops:   "contract", at: "the document is OpenAPI 3.1.1, and openapi3filter rejects every parameter of 3.1",
	},
	{
		name:    "another wording",
		changes: []contracttest.Change{contracttest.Set(parameters+" name=project_name description", "Only what belongs to this project"), contracttest.Set("info version", "next")},
		reports: []string{`wording: GET /v1/deployments query project_name description, changed: .*\{\+Only what belongs to this\+\}`, `wording: info version, changed: \[-1.0-\] \{\+next\+\}$`},
		summary: []string{`wording \(2\), if it still means the same`},
	},
	{
		name:    "a deprecated operation",
		changes: []contracttest.Change{contracttest.Set(operation+" deprecated", "true")},
		reports: []string{`location: .*GET deprecated: false -> true`},
		summary: []string{"Needs no code"},
	},
	{
		name:    "the whole API",
		changes: wholeAPI(),
		reports: []string{"additive: .*GET /v1/next-things7: endpoint added", "additive: .*DELETE /v1/next-things29/{id}: endpoint added"},
		summary: []string{`operations, each a 501: .*, and \d+ more`},
	},
}

// wholeAPI adds 120 operations with 60 schemas.
func wholeAPI() (changes []contracttest.Change) {
	const answers = "responses: {'200': {description: x, content: {application/json: {schema: {$ref: '#/components/schemas/v1NextThing%d'}}}}, default: {description: x, content: {application/json: {schema: {$ref: '#/components/schemas/rpcStatus'}}}}}"
	const id = "{in: path, name: id, required: true, schema: {type: string}}"
	for i := range 30 {
		answers := fmt.Sprintf(answers, i)
		changes = append(changes,
			contracttest.Set(fmt.Sprintf("components schemas v1NextThing%d", i), fmt.Sprintf("{type: object, properties: {id: {type: string}, kind: {$ref: '#/components/schemas/v1NextKind%d'}}}", i)),
			contracttest.Set(fmt.Sprintf("components schemas v1NextKind%d", i), "{type: string, enum: [DEPLOYED, OTHER]}"),
			contracttest.Set(fmt.Sprintf("paths /v1/next-things%d", i), fmt.Sprintf("{get: {operationId: NextThings%d_List, %s}, post: {operationId: NextThings%d_Create, %s}}", i, answers, i, answers)),
			contracttest.Set(fmt.Sprintf("paths /v1/next-things%d/{id}", i), fmt.Sprintf("{parameters: [%s], get: {operationId: NextThings%d_Get, %s}, delete: {operationId: NextThings%d_Delete, %s}}", id, i, answers, i, answers)))
	}
	return changes
}

// base returns the document that the tests change. It does not change with an update.
func base() []byte { return contracttest.Base() }

// oasdiff is the path of the program, which all tests share.
var oasdiff = sync.OnceValues(func() (string, error) { return oasdiffProgram(context.Background(), "../..") })

// diffAfter returns the diff of the changes.
func diffAfter(t *testing.T, changes ...contracttest.Change) *diff {
	t.Helper()
	program, err := oasdiff()
	if err != nil {
		t.Fatal(err)
	}
	code, err := readImplementation("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, "old.yaml", string(base()))
	write(t, dir, "new.yaml", string(contracttest.Changed(t, base(), changes...)))
	d, err := diffFiles(t.Context(), program, filepath.Join(dir, "old.yaml"), filepath.Join(dir, "new.yaml"), code)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestUpstreamChangesAreReported(t *testing.T) {
	code, err := readImplementation("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range upstreamChanges {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			parsed, err := sanitize(contracttest.Changed(t, base(), c.changes...))
			if err != nil {
				t.Fatal(err)
			}
			d := diffAfter(t, c.changes...)
			reported := groups(d)
			for _, want := range c.reports {
				if !regexp.MustCompile("(?m)^" + want).MatchString(reported) {
					t.Errorf("not reported: %s\n%s", want, reported)
				}
			}
			if len(d.locations)+len(d.wording) == 0 {
				t.Error("no location differs")
			}
			if c.stops != "" {
				return
			}
			var out bytes.Buffer
			s := summarize(d, parsed, code)
			s.print(&out)
			for _, want := range c.summary {
				if !regexp.MustCompile(want).MatchString(out.String()) {
					t.Errorf("the summary does not contain %s\n%s", want, &out)
				}
			}
		})
	}
}

func groups(d *diff) string {
	var b strings.Builder
	for name, changes := range map[string][]change{"breaking": d.breaking, "additive": d.additive, "cosmetic": d.cosmetic} {
		for _, c := range changes {
			fmt.Fprintf(&b, "%s: %s\n", name, c)
		}
	}
	for _, l := range d.locations {
		fmt.Fprintf(&b, "location: %s\n", l)
	}
	for _, c := range d.wording {
		fmt.Fprintf(&b, "wording: %s\n", oneLine(c.String()))
	}
	return b.String()
}
