package specupdate

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// Step is a command that must pass in the worktree before the tree changes.
type Step struct {
	Name    string
	Command []string
	// Usual is how long the step takes on an idle machine with two cores.
	Usual time.Duration
	// remedy is the advice to the maintainer if the step fails.
	remedy string
}

// DefaultSteps returns the steps of make spec-update.
func DefaultSteps() []Step {
	return []Step{
		{
			Name: "generate", Command: []string{"make", "-s", "generate-code"},
			Usual: 10 * time.Second,
			remedy: "An action of internal/contract/openapi.overlay.yaml without a target: upstream renamed, moved or removed its target.\n" +
				"Give the action the new name, or remove the action if the target no longer exists.\n" +
				"If an operation moved to another path, change its entry in Endpoints (internal/httpserver/openapi/endpoints.go) as well.",
		},
		{
			Name: "build", Command: []string{"go", "build", "./..."},
			Usual: time.Minute,
			remedy: "The code uses a Go name that is gone or has another type, because the document changed at that location:\n" +
				"internal/api/enums.go: an enum value is gone or renamed. Decide what happens to the records that have it.\n" +
				"internal/api/api.go: a parameter or a field is gone, renamed, required or of another type.\n" +
				"internal/api/problem.go: the schema of an error changed.\n" +
				"internal/cli: a command that is a client uses the changed name.",
		},
		{
			// These tests run before all others, of which hundreds can fail for a reason that one of these names.
			Name: "contract", Command: []string{"go", "test", "./internal/contract", "./internal/api"},
			Usual:  10 * time.Second,
			remedy: "A test that does not compile: see the remedies of the step \"build\". Otherwise each message names something that the document requires and that needs a decision, and the file to make it in.",
		},
		{
			// A document that the server cannot follow fails here, long before the linters and all tests have run.
			Name: "serve", Command: []string{"go", "test", "./internal/httpserver", "./internal/contracttest", "./internal/conformance/spec"},
			Usual:  30 * time.Second,
			remedy: "If the test repeats a statement of the old document, change the test. Any other failure is a bug: the server does not answer as the new document requires.",
		},
		{
			Name: "check", Command: []string{"make", "-s", "check"},
			Usual:  2 * time.Minute,
			remedy: "Fix what the linter reports. A test that does not compile: see the remedies of the step \"build\".",
		},
		{
			Name: "test", Command: []string{"make", "-s", "test"},
			Usual:  15 * time.Minute,
			remedy: "If the test repeats a statement of the old document, change the test. Any other failure is a bug.",
		},
	}
}

// printPlan prints which steps follow and how long they usually take.
func printPlan(w io.Writer, steps []Step) {
	var names []string
	var sum time.Duration
	for _, s := range steps {
		names = append(names, s.Name+" ("+strings.Replace(s.Usual.String(), "m0s", "m", 1)+")")
		sum += s.Usual
	}
	fmt.Fprintf(w, "Steps: %s.\nThey take about %s on two idle cores, and several times as long on a busy machine. The first failure ends the command.\n",
		strings.Join(names, ", "), strings.Replace(sum.Round(time.Minute).String(), "m0s", "m", 1))
}

// stepError reports a failed step.
type stepError struct {
	step   Step
	output string
	log    string
	err    error
}

func (e *stepError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the step %q failed: %v\n", e.step.Name, e.err)
	for _, line := range excerpt(e.output) {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	if e.step.remedy != "" {
		fmt.Fprintf(&b, "What to do:\n  %s\n", strings.ReplaceAll(e.step.remedy, "\n", "\n  "))
	}
	fmt.Fprintf(&b, "Full output: %s", e.log)
	return b.String()
}

func (e *stepError) Unwrap() error { return e.err }

// explain replaces the step's remedy where the output shows another reason than the step tests.
func (e *stepError) explain(presentFile string, document *openapi3.T, code implementation) {
	if dir := filepath.Dir(e.log); isDiskFull(e.output) || freeSpace(dir) < minFreeSpace {
		e.step.remedy = diskRemedy(dir)
		return
	}
	present, err := openapi3.NewLoader().LoadFromFile(presentFile)
	if err != nil {
		return
	}
	if remedy := clashRemedy(e.output, document, present, code); remedy != "" {
		e.step.remedy = remedy
	}
}

// run runs the step in dir and writes its output to a log file in logDir.
func (s Step) run(ctx context.Context, dir, logDir string, progress io.Writer) error {
	start := time.Now()
	fmt.Fprintf(progress, "%s ...", s.Name)
	path := filepath.Join(logDir, s.Name+".log")
	log, err := os.Create(path)
	if err != nil {
		return err
	}
	defer log.Close()
	c := command(ctx, dir, s.Command[0], s.Command[1:]...)
	c.Stdout, c.Stderr = log, log
	err = c.Run()
	duration := time.Since(start).Round(time.Second)
	if ctx.Err() != nil {
		if c.Process != nil {
			// Background processes of a shell ignore the interrupt.
			_ = syscall.Kill(-c.Process.Pid, syscall.SIGTERM)
		}
		fmt.Fprintf(progress, " interrupted (%s)\n", duration)
		return ctx.Err()
	}
	if err != nil {
		fmt.Fprintf(progress, " FAILED (%s)\n", duration)
		text, readErr := os.ReadFile(path)
		if readErr != nil {
			return readErr
		}
		return &stepError{step: s, output: string(text), log: path, err: err}
	}
	fmt.Fprintf(progress, " ok (%s)\n", duration)
	return nil
}

// failureLine matches the lines by which the go command reports a failure: a source location, the name of a test or a
// package, the rest of a test's message, a panic.
var failureLine = regexp.MustCompile(`\.go:\d+|^\s*--- FAIL: |^FAIL\t|^panic: |^ {8}\S`)

// excerpt returns the first lines of a command's output that report a failure or, if it has none, the last lines.
func excerpt(output string) []string {
	const most, longest = 30, 300
	all := strings.Split(strings.TrimRight(output, "\n"), "\n")
	lines := slices.DeleteFunc(slices.Clone(all), func(line string) bool { return !failureLine.MatchString(line) })
	if len(lines) == 0 {
		lines = all[max(0, len(all)-most):]
	}
	if n := len(lines); n > most {
		lines = append(lines[:most], fmt.Sprintf("and %d more lines", n-most))
	}
	for i, line := range lines {
		lines[i] = truncate(line, longest)
	}
	return lines
}
