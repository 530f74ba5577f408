package contract_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// generatedCode lists, for each configuration that names operations, the file that it generates and the interface there
// with a method for each operation.
var generatedCode = []struct{ config, code, methodsOf string }{
	{"../../oapi-codegen.yaml", "../../generated/server/server.gen.go", "StrictServerInterface"},
	{"oapi-codegen.client.yaml", "../../generated/client/client.gen.go", "ClientInterface"},
}

func TestGeneratedOperationsAreTheConfiguredOnes(t *testing.T) {
	for _, target := range generatedCode {
		config, err := os.ReadFile(target.config)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkOperations(config, interfaceMethods(t, target.code, target.methodsOf)); err != nil {
			t.Errorf("%s: %v", target.config, err)
		}
	}
}

func TestConfiguredOperationsThatAreNotGeneratedAreFound(t *testing.T) {
	for _, target := range generatedCode {
		config, err := os.ReadFile(target.config)
		if err != nil {
			t.Fatal(err)
		}
		for list, want := range map[string]string{
			"    - ListDeploymentRecords\n    - ListThings\n": "the entry ListThings matches no operation",
			"    - ListThings\n":                              "ListDeploymentRecords was generated but is not listed",
			"":                                                "there is no list: every operation is generated",
		} {
			changed := strings.Replace(string(config), "    - ListDeploymentRecords\n", list, 1)
			if changed == string(config) {
				t.Fatalf("%s does not list ListDeploymentRecords", target.config)
			}
			err := checkOperations([]byte(changed), interfaceMethods(t, target.code, target.methodsOf))
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s with %q: got %v, want %s", target.config, list, err, want)
			}
		}
	}
}

// checkOperations compares the include-operation-ids of a configuration with the generated methods. The generator ignores
// an entry that matches no operation, and generates every operation if there is no list.
func checkOperations(config []byte, methods []string) error {
	var parsed struct {
		OutputOptions struct {
			IncludeOperationIDs []string `yaml:"include-operation-ids"`
		} `yaml:"output-options"`
	}
	if err := yaml.Unmarshal(config, &parsed); err != nil {
		return err
	}
	listed := parsed.OutputOptions.IncludeOperationIDs
	if len(listed) == 0 {
		return errors.New("include-operation-ids: there is no list: every operation is generated")
	}
	var errs []error
	for _, name := range listed {
		if !slices.Contains(methods, name) {
			errs = append(errs, fmt.Errorf("include-operation-ids: the entry %s matches no operation: upstream renamed or removed the operation, or internal/contract/openapi.overlay.yaml no longer gives it this name", name))
		}
	}
	for _, method := range methods {
		// A client has a second method for an operation with a body.
		if !slices.Contains(listed, method) && !slices.Contains(listed, strings.TrimSuffix(method, "WithBody")) {
			errs = append(errs, fmt.Errorf("include-operation-ids: %s was generated but is not listed", method))
		}
	}
	return errors.Join(errs...)
}

func interfaceMethods(t *testing.T, file, name string) (methods []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.Name == name {
			for _, method := range spec.Type.(*ast.InterfaceType).Methods.List {
				methods = append(methods, method.Names[0].Name)
			}
		}
		return true
	})
	return methods
}
