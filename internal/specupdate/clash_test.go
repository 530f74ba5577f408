package specupdate

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/deployrecords/deployrecords/internal/contracttest"
)

// The tests run the generator and the compiler, and then the generator with the lines that the remedy has.
func TestNamesThatClashHaveARemedyThatWorks(t *testing.T) {
	const second = "{operationId: ListDeploymentRecords, parameters: [{in: query, name: status, schema: {type: string, enum: [A]}}], responses: {default: {description: x}}}"
	for name, c := range map[string]struct {
		changes []contracttest.Change
		want    string
	}{
		"a parameter like the overlay's name": {
			[]contracttest.Change{contracttest.Insert(parameters, -1, "{in: query, name: page, schema: {type: integer, format: int32}}")},
			"  - target: $.paths['/v1/deployments'].get.parameters[?@.name == 'page' && @.in == 'query']\n    update: {x-go-name: PageQuery}",
		},
		"a header like a parameter": {
			[]contracttest.Change{contracttest.Insert(parameters, -1, "{in: header, name: environment_name, schema: {type: string}}")},
			"  - target: $.paths['/v1/deployments'].get.parameters[?@.name == 'environment_name' && @.in == 'header']\n    update: {x-go-name: EnvironmentNameHeader}",
		},
		"a parameter of the path": {
			[]contracttest.Change{contracttest.Set("paths /v1/deployments parameters", "[{in: query, name: environmentName, schema: {type: string}}]")},
			"  - target: $.paths['/v1/deployments'].parameters[?@.name == 'environmentName' && @.in == 'query']\n    update: {x-go-name: EnvironmentNameQuery}",
		},
		"a field in another spelling": {
			[]contracttest.Change{contracttest.Set(record+" properties environmentName", text)},
			"  - target: $.components.schemas['v1DeploymentRecord'].properties['environmentName']\n    update: {x-go-name: EnvironmentNameField}",
		},
		"a schema like the overlay's name": {
			[]contracttest.Change{contracttest.Set("components schemas DeploymentRecord", "{type: object, properties: {x: {type: string}}}"), contracttest.Set(record+" properties next_part", "{$ref: '#/components/schemas/DeploymentRecord'}")},
			"  - target: $.components.schemas['DeploymentRecord']\n    update: {x-go-name: DeploymentRecordSchema}",
		},
		"a schema like a type of the operation": {
			[]contracttest.Change{contracttest.Set("components schemas ListDeploymentRecordsParams", "{type: object, properties: {x: {type: string}}}"), contracttest.Set(record+" properties next_part", "{$ref: '#/components/schemas/ListDeploymentRecordsParams'}")},
			"  - target: $.components.schemas['ListDeploymentRecordsParams']\n    update: {x-go-name: ListDeploymentRecordsParamsSchema}",
		},
		"an operation like the overlay's name": {
			[]contracttest.Change{contracttest.Set("paths /v2/next-deployments", "{get: "+second+"}")},
			"  - target: $.paths['/v2/next-deployments'].get\n    update: {operationId: ListDeploymentRecordsOther}",
		},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			document := contracttest.Changed(t, base(), c.changes...)
			output := generate(t, document, "")
			parsed, err := sanitize(document)
			if err != nil {
				t.Fatal(err)
			}
			present, err := openapi3.NewLoader().LoadFromData(base())
			if err != nil {
				t.Fatal(err)
			}
			code := implementation{operations: []string{"GET /v1/deployments"}}
			remedy := clashRemedy(output, parsed, present, code)
			_, lines, _ := strings.Cut(remedy, "of your choice:\n")
			if lines != c.want {
				t.Fatalf("got %s\nwant %s\nthe output was\n%s", remedy, c.want, output)
			}
			if output := generate(t, document, lines); output != "" {
				t.Errorf("with the remedy: %s", output)
			}
		})
	}
	if remedy := clashRemedy("internal/api/enums.go:19:9: undefined: server.A\n", nil, nil, implementation{}); remedy != "" {
		t.Errorf("another failure has the remedy %s", remedy)
	}
}

// generate generates the server for a document, with actions added to the overlay, and type-checks it. It returns the
// output of the command that fails.
func generate(t *testing.T, document []byte, actions string) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	read := func(path string) string {
		content, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	dir := t.TempDir()
	code := filepath.Join(dir, "generated/server/server.gen.go")
	config := regexp.MustCompile(`(?m)^output:.*$`).ReplaceAllString(read("oapi-codegen.yaml"), "output: "+code)
	config = strings.Replace(config, "internal/contract/openapi.overlay.yaml", filepath.Join(dir, "overlay.yaml"), 1)
	write(t, dir, "openapi.yaml", string(document))
	write(t, dir, "overlay.yaml", read("internal/contract/openapi.overlay.yaml")+actions+"\n")
	write(t, dir, "config.yaml", config)
	write(t, dir, "generated/server/server.gen.go", "")
	// The compiler reads the code as if it were in this module.
	write(t, dir, "overlay.json", fmt.Sprintf(`{"Replace": {%q: %q}}`, filepath.Join(root, "generated/next/server.gen.go"), code))
	for _, args := range [][]string{
		{"tool", "-modfile=tools/go.mod", "oapi-codegen", "-config", filepath.Join(dir, "config.yaml"), filepath.Join(dir, "openapi.yaml")},
		{"build", "-overlay", filepath.Join(dir, "overlay.json"), "./generated/next"},
	} {
		command := exec.Command("go", args...)
		command.Dir = root
		if output, err := command.CombinedOutput(); err != nil {
			return string(output)
		}
	}
	return ""
}
