// Package checks_test tests the files of deploy: they are valid, and agree with the program.
package checks_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

const root = "../.."

// programDirectory has the program, once a test needs it.
var programDirectory string

// program is built once for all tests.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "deployrecords-checks-")
	if err != nil {
		return "", err
	}
	programDirectory = dir
	path := filepath.Join(dir, "deployrecords")
	build := exec.Command("go", "build", "-o", path, "./cmd/deployrecords")
	build.Dir, build.Env = root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if programDirectory != "" {
		_ = os.RemoveAll(programDirectory)
	}
	os.Exit(code)
}

// run runs the program with exactly this environment and returns its output and exit code.
func run(t *testing.T, env []string, args ...string) (output string, code int) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = t.TempDir(), env, &out, &out
	_ = cmd.Run()
	return out.String(), cmd.ProcessState.ExitCode()
}

// postgresSettings are settings of PostgreSQL's clients, which docs/operations.md mentions.
var postgresSettings = []string{"PGPASSFILE", "PGPASSWORD", "PGSSLMODE"}

var helpVariable = regexp.MustCompile(`\$([A-Z][A-Z0-9_]+)`)

// settings returns the environment variables of a command by its help.
func settings(t *testing.T, command string) map[string]bool {
	t.Helper()
	help, code := run(t, nil, command, "--help")
	if code != 0 {
		t.Fatalf("%s --help: exit code %d\n%s", command, code, help)
	}
	known := map[string]bool{}
	for _, found := range helpVariable.FindAllStringSubmatch(help, -1) {
		known[found[1]] = true
	}
	for _, name := range postgresSettings {
		known[name] = true
	}
	return known
}

// deployed is a command with its environment, as a file of deploy runs it.
type deployed struct {
	file string
	args []string
	env  map[string]string
}

// check runs the command without its database: the program accepts the flags and settings, and then finds no database.
func (d deployed) check(t *testing.T) {
	t.Helper()
	if len(d.args) == 0 {
		t.Errorf("%s: no command", d.file)
		return
	}
	known := settings(t, d.args[0])
	env := []string{}
	for name, value := range d.env {
		if !known[name] {
			t.Errorf("%s: %s is no setting of %s", d.file, name, d.args[0])
		}
		switch {
		case name == "DATABASE_URL":
			value = "postgres://nobody@127.0.0.1:1/nothing"
		case name == "DATABASE_REPLICA_URL":
			value = "postgres://nobody@127.0.0.1:1/nothing"
		case name == "TRUST_FILE":
			value = write(t, trustRules)
		case strings.HasSuffix(name, "_FILE"):
			value = write(t, "a-secret-of-the-tests-of-deploy-that-is-long-enough\n")
		}
		env = append(env, name+"="+value)
	}
	output, code := run(t, append(env, "DATABASE_WAIT=0s"), d.args...)
	if code != 1 || !strings.Contains(output, "the database") {
		t.Errorf("%s: %s exits with %d\n%s", d.file, d.args, code, output)
	}
}

// trustRules is a file of --trust.
const trustRules = `- issuer: https://issuer.example.com
  oidc_discovery: true
  audiences: [deployrecords]
  organization: acme
  scopes: [deployments:read]
`

// write returns a file with the content.
func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// read returns a file of deploy.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
