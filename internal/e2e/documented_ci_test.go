package e2e_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.yaml.in/yaml/v3"
)

// installCommand is that of the README. These tests have the program already.
const installCommand = "go install github.com/deployrecords/deployrecords/cmd/deployrecords@latest"

// ciJob runs the commands of a job in one directory, as a runner does, and ends its background processes.
type ciJob struct {
	dir string
	env []string
}

func newCIJob(t *testing.T) *ciJob {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return &ciJob{withRecords(t), []string{"PATH=" + filepath.Dir(path) + string(os.PathListSeparator) + os.Getenv("PATH")}}
}

// run runs a script and returns its output.
func (j *ciJob) run(t *testing.T, shell, script string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), shell, "-e", "-c", script)
	cmd.Dir, cmd.Env = j.dir, j.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	log, err := os.Create(filepath.Join(t.TempDir(), "log")) // not a pipe, which background processes would keep open
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) })
	_ = cmd.Wait()
	output, err := os.ReadFile(log.Name())
	if code := cmd.ProcessState.ExitCode(); code != 0 || err != nil {
		t.Fatalf("%s\nexit code %d, %v\n%s", script, code, err, output)
	}
	return string(output)
}

// ciJobs returns the documented jobs, of GitHub and of GitLab.
func ciJobs(t *testing.T) []string {
	t.Helper()
	_, section, _ := strings.Cut(read(t, "docs/contract-testing.md"), "\n## In CI\n")
	section, _, _ = strings.Cut(section, "\n## ")
	jobs := blocks(section, "yaml")
	if len(jobs) != 2 {
		t.Fatalf("the document has %d jobs", len(jobs))
	}
	return jobs
}

func TestTheDocumentedJobOfGitHubRuns(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("needs bash")
	}
	var workflow struct {
		Jobs map[string]struct{ Steps []struct{ Run string } }
	}
	if err := yaml.Unmarshal([]byte(ciJobs(t)[0]), &workflow); err != nil {
		t.Fatal(err)
	}
	job, output, isInstalled := newCIJob(t), "", false
	variables, summary := filepath.Join(job.dir, "variables"), filepath.Join(job.dir, "summary")
	job.env = append(job.env, "GITHUB_ENV="+variables, "GITHUB_STEP_SUMMARY="+summary)
	for _, step := range workflow.Jobs["client"].Steps {
		if step.Run == "" {
			continue // an action
		}
		if strings.TrimSpace(step.Run) == installCommand {
			isInstalled = true
			continue
		}
		output += job.run(t, "bash", step.Run)
		if set, err := os.ReadFile(variables); err == nil {
			job.env = append(job.env, strings.Fields(string(set))...)
		}
	}
	text, err := os.ReadFile(summary)
	if err != nil || !isInstalled || !strings.Contains(output, "monitoring") || !strings.Contains(output, "::notice title=conform::no faults") || !strings.Contains(string(text), "## conform: http") {
		t.Errorf("installed %t, printed %s\nsummary %s, %v", isInstalled, output, text, err)
	}
}

func TestTheDocumentedJobOfGitLabRuns(t *testing.T) {
	t.Parallel()
	var pipeline map[string]struct{ Script []string }
	if err := yaml.Unmarshal([]byte(ciJobs(t)[1]), &pipeline); err != nil {
		t.Fatal(err)
	}
	script := strings.Join(pipeline["client"].Script, "\n")
	rest, isInstalled := strings.CutPrefix(script, installCommand+"\n")
	job := newCIJob(t)
	output := job.run(t, "sh", rest) // in one shell, as a runner of GitLab does
	report, err := os.ReadFile(filepath.Join(job.dir, "conform.xml"))
	if err != nil || !isInstalled || !strings.Contains(output, "monitoring") || !bytes.Contains(report, []byte(`<testsuites name="deployrecords conform"`)) {
		t.Errorf("installed %t, printed %s\nreport %.300s, %v", isInstalled, output, report, err)
	}
}
