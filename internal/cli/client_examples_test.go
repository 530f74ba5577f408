package cli

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/noracetest"
)

// runAsDeployrecords makes the test's own program the command, for shells to run.
const runAsDeployrecords = "RUN_AS_DEPLOYRECORDS"

func TestMain(m *testing.M) {
	if os.Getenv(runAsDeployrecords) != "" {
		os.Exit(Run(context.Background(), os.Args[1:], Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
	}
	noracetest.Main(m)
}

// programDir returns a directory in which deployrecords is this test's program.
func programDir(t *testing.T) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(program, filepath.Join(dir, "deployrecords")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// bashRuns runs a script in which deployrecords is this program, in an empty directory.
func bashRuns(t *testing.T, s *apiServer, script string) string {
	t.Helper()
	bash := shell(t, "bash")
	cmd := exec.Command(bash, "--norc", "-euo", "pipefail", "-c", script)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{
		runAsDeployrecords + "=1", "PATH=" + programDir(t) + ":" + os.Getenv("PATH"), "HOME=" + cmd.Dir,
		"DEPLOYRECORDS_URL=" + s.URL, "DEPLOYRECORDS_TOKEN=" + testToken, "DIGEST=" + testDigest, "CHART_DIGEST=" + testDigest,
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s\n%s", err, script, out)
	}
	return string(out)
}

func TestExamplesOfTheHelpRun(t *testing.T) {
	for name, c := range map[string]struct {
		help     string
		requests int
	}{
		"record": {recordCommand{}.Help(), 3}, "list": {listCommand{}.Help(), 5}, "completion": {completionCommand{}.Help(), 0},
	} {
		_, examples, found := strings.Cut(c.help, "Examples:\n")
		if !found {
			t.Fatalf("%s has no examples", name)
		}
		script := "mkdir -p ~/.config/fish/completions\n"
		for line := range strings.Lines(examples) {
			// The test sets the server's URL, and bash can't read zsh's line.
			if !strings.Contains(line, "export ") && !strings.Contains(line, "zsh") {
				script += line
			}
		}
		s := newAPI(t)
		s.mu.Lock() // the requests of another process are not ordered after this otherwise
		s.records = testRecords(3)
		s.mu.Unlock()
		bashRuns(t, s, script)
		if got := len(s.asked()); got != c.requests {
			t.Errorf("%s: %d requests, not %d", name, got, c.requests)
		}
	}
}

func TestExitCodesReachAPipeline(t *testing.T) {
	s := newAPI(t, problem(400, "no"), problem(503, "busy"))
	out := bashRuns(t, s, `
record() { deployrecords record --environment prod-eu --deployment api --retry-for 0s "$@" >/dev/null 2>&1; }
for step in rejected unreachable recorded; do code=0; record --image "api@$DIGEST" || code=$?; echo "$step $code"; done
code=0; record --image api || code=$?; echo "usage $code"`)
	if out != "rejected 3\nunreachable 4\nrecorded 0\nusage 2\n" {
		t.Error(out)
	}
}
