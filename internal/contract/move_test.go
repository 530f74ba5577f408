//go:build soak

package contract_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/contracttest"
)

// Upstream's whole API has an operation of its own where this project records. The test adopts it: it moves the recording
// operations by the constant and their document, in a copy of the module whose upstream document has the operation.
func TestRecordingMovesByOneLineWhenUpstreamTakesItsPath(t *testing.T) {
	dir := t.TempDir()
	contracttest.CopyModule(t, filepath.Join("..", ".."), dir)
	const moved = "/v1/recorded-deployments"
	replace := func(file, old, text string) {
		t.Helper()
		path := filepath.Join(dir, file)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(content, []byte(old)) {
			t.Fatalf("%s does not have %s", file, old)
		}
		if err := os.WriteFile(path, bytes.ReplaceAll(content, []byte(old), []byte(text)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	replace("internal/contract/contract.go", `RecordingPath = "`+contract.RecordingPath+`"`, `RecordingPath = "`+moved+`"`)
	replace("internal/contract/openapi.recording.yaml", "\n  "+contract.RecordingPath, "\n  "+moved)
	upstream := contracttest.Changed(t, contracttest.Base(), contracttest.SetOperation(contract.RecordingPath, "post",
		"{operationId: EnvironmentsService_CreateDeployment, requestBody: {content: {application/json: {schema: {type: object}}}}, "+
			"responses: {default: {description: x, content: {application/json: {schema: {$ref: '#/components/schemas/rpcStatus'}}}}}}"))
	if err := os.WriteFile(filepath.Join(dir, "openapi.yaml"), upstream, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range [][]string{
		{"make", "-s", "generate-code"},
		{"go", "vet", "./..."},
		{
			"go", "test", "-timeout", "30m", "./internal/contract", "./internal/api", "./internal/httpserver", "./internal/cli", "./internal/importer",
			"./internal/contracttest", "./internal/conformance", "./internal/e2e", "./deployrecordstest",
		},
	} {
		run := exec.CommandContext(t.Context(), command[0], command[1:]...)
		run.Dir = dir
		if output, err := run.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, output)
		}
	}
}
