package specupdate

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// generatedFrom are the configurations whose include-operation-ids say what is implemented, and what they generate.
var generatedFrom = map[string]struct{ file, methodsOf string }{
	"oapi-codegen.yaml":                          {"generated/server/server.gen.go", "StrictServerInterface"},
	"internal/contract/oapi-codegen.client.yaml": {"generated/client/client.gen.go", "ClientInterface"},
}

// CheckOperations fails if, in the tree at dir, the lists of operations in the configurations are not what is generated:
// the generator passes over an entry that matches nothing, and without a list it generates everything.
func CheckOperations(dir string) error {
	for _, config := range []string{"oapi-codegen.yaml", "internal/contract/oapi-codegen.client.yaml"} {
		listed, err := listedOperations(dir, config)
		if err != nil {
			return err
		}
		of := generatedFrom[config]
		methods, err := interfaceMethods(filepath.Join(dir, of.file), of.methodsOf)
		if err != nil {
			return err
		}
		for _, name := range listed {
			if !slices.Contains(methods, name) {
				return fmt.Errorf("%s: the entry %s of include-operation-ids matches no operation: upstream has renamed or dropped it, or internal/contract/openapi.overlay.yaml no longer gives it this name", config, name)
			}
		}
		for _, method := range methods {
			// A client has a second method for operations with a body.
			if !slices.Contains(listed, method) && !slices.ContainsFunc(listed, func(name string) bool { return method == name+"WithBody" }) {
				return fmt.Errorf("%s: %s was generated, and include-operation-ids does not have it", config, method)
			}
		}
	}
	return nil
}

func listedOperations(dir, file string) ([]string, error) {
	text, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return nil, err
	}
	var config struct {
		OutputOptions struct {
			IncludeOperationIDs []string `yaml:"include-operation-ids"`
		} `yaml:"output-options"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(config.OutputOptions.IncludeOperationIDs) == 0 {
		return nil, fmt.Errorf("%s has no include-operation-ids: everything would be generated", file)
	}
	return config.OutputOptions.IncludeOperationIDs, nil
}

func interfaceMethods(file, name string) (methods []string, err error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		return nil, err
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.Name == name {
			if of, ok := spec.Type.(*ast.InterfaceType); ok {
				for _, method := range of.Methods.List {
					methods = append(methods, method.Names[0].Name)
				}
			}
		}
		return true
	})
	return methods, nil
}

// implementation is what the code of a tree implements of upstream's document.
type implementation struct {
	// operations are methods and paths as "GET /v1/things/:id".
	operations []string
	// parameters are those of the query, of all operations.
	parameters []string
}

var route = regexp.MustCompile(`router\.([A-Z]+)\(options\.BaseURL\s*\+\s*("[^"]*")`)

// readImplementation reads the code, since a tree that waits for a document need not build.
func readImplementation(dir string) (i implementation, err error) {
	text, err := os.ReadFile(filepath.Join(dir, generatedFrom["oapi-codegen.yaml"].file))
	if err != nil {
		return i, err
	}
	for _, match := range route.FindAllStringSubmatch(string(text), -1) {
		path, err := strconv.Unquote(match[2])
		if err != nil {
			return i, err
		}
		i.operations = append(i.operations, match[1]+" "+path)
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, "internal/api/api.go"), nil, 0)
	if err != nil {
		return i, err
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != "ListParameters" {
			return true
		}
		ast.Inspect(spec, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if name, err := strconv.Unquote(literal.Value); err == nil {
					i.parameters = append(i.parameters, name)
				}
			}
			return true
		})
		return false
	})
	if len(i.operations) == 0 || len(i.parameters) == 0 {
		return i, fmt.Errorf("what is implemented cannot be read from %s and internal/api/api.go", generatedFrom["oapi-codegen.yaml"].file)
	}
	return i, nil
}
