package specupdate

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Step is a command that must succeed in the copy before the tree changes.
type Step struct {
	// Name is how messages call it.
	Name    string
	Command []string
	// check, if not nil, judges the copy after the command.
	check func(dir string) error
	// decide says what a maintainer can do if it fails.
	decide string
}

// DefaultSteps are those of make spec-update.
func DefaultSteps() []Step {
	return []Step{
		{
			Name: "generate", Command: []string{"make", "-s", "generate"}, check: CheckOperations,
			decide: "An action of internal/contract/openapi.overlay.yaml whose target is gone means that upstream renamed or moved something: give the action the new\n" +
				"name, or take it away if the thing is no more. If an operation moved to another path, its action and its entry in\n" +
				"duties (internal/httpserver/handler.go) go with it.",
		},
		{
			Name: "build", Command: []string{"go", "build", "./..."},
			decide: "A Go name that is gone, or has another type, is something of the document that the code uses:\n" +
				"internal/api/enums.go: a value of an enum is gone or renamed; decide what becomes of the records that have it.\n" +
				"internal/api/api.go: a parameter or a field is gone, renamed, of another type, or required now.\n" +
				"internal/api/problem.go: an error's schema is another one.\n" +
				"internal/cli: the commands that are clients use what changed.",
		},
		{
			Name: "check", Command: []string{"make", "-s", "check"},
			decide: "As for the build, if a test does not compile; else see what the linter says.",
		},
		{
			// Before all tests, of which hundreds can fail for what one of these says in a sentence.
			Name: "contract", Command: []string{"sh", "-c", "failed=0; go test ./internal/api || failed=1; go test ./internal/httpserver -run '^TestTheDocumentsAskForNothingThatIsNotDone$' || failed=1; exit $failed"},
			decide: "Each line says what the document asks for and nobody has decided, and where to.",
		},
		{
			Name: "test", Command: []string{"sh", "scripts/test.sh", "./..."},
			decide: "A test that only repeats what the old document said is changed with the decision; any other failure is a fault.",
		},
	}
}

// stepError says which step failed, and where.
type stepError struct {
	step   Step
	places []string
	log    string
	err    error
}

func (e *stepError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the step %q failed: %v\n", e.step.Name, e.err)
	for _, place := range e.places {
		fmt.Fprintf(&b, "  %s\n", place)
	}
	if e.step.decide != "" {
		fmt.Fprintf(&b, "What can be decided:\n  %s\n", strings.ReplaceAll(e.step.decide, "\n", "\n  "))
	}
	fmt.Fprintf(&b, "All that it said: %s", e.log)
	return b.String()
}

func (e *stepError) Unwrap() error { return e.err }

// giveUpAfter is how long a command that was told to stop may take to.
const giveUpAfter = 15 * time.Second

// run runs the step in dir, with its output in a file of logs.
func (s Step) run(ctx context.Context, dir, logs string, progress io.Writer) error {
	start := time.Now()
	fmt.Fprintf(progress, "%s ...", s.Name)
	path := filepath.Join(logs, s.Name+".log")
	log, err := os.Create(path)
	if err != nil {
		return err
	}
	defer log.Close()
	command := in(dir, exec.CommandContext(ctx, s.Command[0], s.Command[1:]...))
	command.Stdout, command.Stderr = log, log
	// A group of its own, to stop what the command has started, too.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGINT) }
	command.WaitDelay = giveUpAfter
	err = command.Run()
	if err == nil && s.check != nil {
		err = s.check(dir)
	}
	seconds := time.Since(start).Round(time.Second)
	if ctx.Err() != nil {
		if command.Process != nil {
			// What a shell started in the background does not hear the interrupt.
			_ = syscall.Kill(-command.Process.Pid, syscall.SIGTERM)
		}
		fmt.Fprintf(progress, " stopped (%s)\n", seconds)
		return ctx.Err()
	}
	if err != nil {
		fmt.Fprintf(progress, " FAILED (%s)\n", seconds)
		text, readErr := os.ReadFile(path)
		if readErr != nil {
			return readErr
		}
		return &stepError{step: s, places: failures(string(text)), log: path, err: err}
	}
	fmt.Fprintf(progress, " ok (%s)\n", seconds)
	return nil
}

var (
	// compileError is as go build and go vet write it, and testMessage as go test does.
	compileError = regexp.MustCompile(`^(?:vet: )?(?:\./)?([\w./-]+\.go:\d+(?::\d+)?: .+)`)
	testMessage  = regexp.MustCompile(`^\s+(\w+_test\.go:\d+: .+|\w+\.go:\d+: .+)`)
	testFailed   = regexp.MustCompile(`^\s*--- FAIL: (\S+)`)
	packageEnds  = regexp.MustCompile(`^(?:FAIL|ok)\s+(\S+)`)
)

// maxMessage is how many lines of a test's message are told after its first.
const maxMessage = 4

// maxFailures is how many places of a failure are told; the log has the rest.
const maxFailures = 20

// failures finds in a command's output what failed where. What it does not understand, it gives by its last lines.
func failures(output string) []string {
	var found, ofPackage []string
	more := 0 // how many lines of the present test's message may still be told
	lines := strings.Split(strings.TrimRight(output, "\n"), "\n")
	for _, line := range lines {
		switch {
		case testFailed.MatchString(line):
			ofPackage = append(ofPackage, testFailed.FindStringSubmatch(line)[1])
		case testMessage.MatchString(line):
			ofPackage = append(ofPackage, "  "+cut(testMessage.FindStringSubmatch(line)[1]))
			more = maxMessage
		case more > 0 && strings.HasPrefix(line, "        "):
			ofPackage = append(ofPackage, "    "+cut(strings.TrimSpace(line)))
			more--
		case strings.HasPrefix(line, "panic: "):
			ofPackage = append(ofPackage, cut(line))
		case packageEnds.MatchString(line):
			if strings.HasPrefix(line, "FAIL") {
				found = append(found, packageEnds.FindStringSubmatch(line)[1])
				found = append(found, ofPackage...)
			}
			ofPackage = nil
		case compileError.MatchString(line):
			found = append(found, cut(compileError.FindStringSubmatch(line)[1]))
		}
	}
	if len(found) == 0 {
		for _, line := range lines[max(0, len(lines)-maxFailures):] {
			found = append(found, cut(line))
		}
	}
	// Many tests fail for one reason: the same sentence need not be told for each.
	seen := make(map[string]bool)
	found = slices.DeleteFunc(found, func(line string) bool {
		again := seen[line]
		seen[line] = true
		return again
	})
	if len(found) > maxFailures {
		found = append(found[:maxFailures:maxFailures], fmt.Sprintf("and %d lines more", len(found)-maxFailures))
	}
	return found
}

// cut shortens what would fill a screen.
func cut(line string) string {
	const most = 300
	if runes := []rune(line); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return line
}
