package e2e_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"go.yaml.in/yaml/v3"
)

// githubAction is action.yml.
type githubAction struct {
	Inputs map[string]struct {
		Required bool
		Default  string
	}
	Outputs map[string]struct{ Value string }
	Runs    struct {
		Using string
		Steps []struct {
			ID, Shell, Run string
			Env            map[string]string
		}
	}
}

func readAction(t *testing.T) (a githubAction) {
	t.Helper()
	for _, name := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("needs %s", name)
		}
	}
	decoder := yaml.NewDecoder(strings.NewReader(read(t, "action.yml")))
	if err := decoder.Decode(&a); err != nil {
		t.Fatal(err)
	}
	if a.Runs.Using != "composite" || len(a.Runs.Steps) != 1 || a.Runs.Steps[0].Shell != "bash" {
		t.Fatalf("got %+v", a.Runs)
	}
	return a
}

var inputExpression = regexp.MustCompile(`^\$\{\{ inputs\.([a-z0-9-]+) \}\}$`)

// run runs the step with the inputs that a job gives in with, as a runner does.
func (a githubAction) run(t *testing.T, with map[string]string, env ...string) (out, outputs string, code int) {
	t.Helper()
	dir, step := t.TempDir(), a.Runs.Steps[0]
	for name := range with {
		if _, ok := a.Inputs[name]; !ok {
			t.Fatalf("action.yml has no input %s", name)
		}
	}
	cmd := exec.CommandContext(t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step.Run)
	cmd.Dir = dir
	cmd.Env = append(slices.Clone(env), "PATH="+os.Getenv("PATH"), "GITHUB_ACTION_PATH="+absolute(t, "."), "GITHUB_OUTPUT="+filepath.Join(dir, "outputs"), "RUNNER_OS=Linux", "RUNNER_ARCH=X64")
	for variable, expression := range step.Env {
		name := inputExpression.FindStringSubmatch(expression)[1]
		value, given := with[name]
		if !given {
			value = a.Inputs[name].Default
		}
		cmd.Env = append(cmd.Env, variable+"="+value)
	}
	var combined bytes.Buffer
	cmd.Stdout, cmd.Stderr = &combined, &combined
	_ = cmd.Run()
	text, _ := os.ReadFile(filepath.Join(dir, "outputs"))
	if left, _ := filepath.Glob(filepath.Join(dir, "*pwned*")); len(left) > 0 {
		t.Errorf("an input ran: %v", left)
	}
	return combined.String(), string(text), cmd.ProcessState.ExitCode()
}

// An expression in a script would run what an input contains.
func TestTheActionPassesInputsAsVariablesOnly(t *testing.T) {
	a := readAction(t)
	step, script := a.Runs.Steps[0], read(t, "deploy/github/action.sh")
	if strings.Contains(step.Run, "${{") {
		t.Errorf("the script has an expression: %s", step.Run)
	}
	passed := map[string]bool{}
	for variable, expression := range step.Env {
		name := inputExpression.FindStringSubmatch(expression)
		if name == nil || variable != "INPUT_"+strings.ReplaceAll(name[1], "-", "_") {
			t.Errorf("%s is %s", variable, expression)
			continue
		}
		passed[name[1]] = true
		list := regexp.MustCompile(`(?m)^(recording|conforming)=\(.*\b` + name[1] + `\b.*\)$`)
		if !strings.Contains(script, variable) && !list.MatchString(script) {
			t.Errorf("the script does not use %s", variable)
		}
	}
	for name := range a.Inputs {
		if !passed[name] {
			t.Errorf("the step does not pass the input %s", name)
		}
	}
	for _, variable := range regexp.MustCompile(`INPUT_[a-z0-9_]+`).FindAllString(script, -1) {
		if step.Env[variable] == "" {
			t.Errorf("the script uses %s, which the step does not pass", variable)
		}
	}
	if value := a.Outputs["record"].Value; value != "${{ steps."+step.ID+".outputs.record }}" {
		t.Errorf("the output is %s", value)
	}
}

// newGitHubJob starts a server that trusts GitHub's issuer as documented, and returns the environment of a job and the inputs
// that all steps have.
func newGitHubJob(t *testing.T) (env []string, with func(more ...string) map[string]string, server *process) {
	t.Helper()
	github := newWorkloadIssuer(t, jwt.MapClaims{
		"sub": "repo:acme/web:ref:refs/heads/main", "repository": "acme/web", "repository_owner_id": "65", "ref": "refs/heads/main",
	})
	trust := filepath.Join(t.TempDir(), "trust.yaml")
	writeFile(t, trust, documentedTrust(t, "GitHub Actions", "https://token.actions.githubusercontent.com", github))
	server = serve(t, []string{"JWT_HMAC_SECRET="}, "--memory", "--organization", "acme", "--trust", trust)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	with = func(more ...string) map[string]string {
		inputs := map[string]string{"url": server.url, "audience": "https://deployrecords.example.com", "binary": path}
		for i := 0; i < len(more); i += 2 {
			inputs[more[i]] = more[i+1]
		}
		return inputs
	}
	return []string{"ACTIONS_ID_TOKEN_REQUEST_TOKEN=of-the-job", "ACTIONS_ID_TOKEN_REQUEST_URL=" + github.URL + "/request?api-version=2.0"}, with, server
}

const actionDigest = "sha256:9c395e9d449e9c77ebbb427c61ffb184b66c602158005ab5d5577342014b83f9"

func TestTheActionRecordsDecommissionsAndConforms(t *testing.T) {
	t.Parallel()
	a := readAction(t)
	job, with, server := newGitHubJob(t)

	// The documented step.
	_, page, _ := strings.Cut(read(t, "docs/recording-from-pipelines.md"), "uses: deployrecords/deployrecords@")
	var documented map[string]string
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(block(t, page, "with:"), "${{ env.DIGEST }}", actionDigest)), &documented); err != nil || documented["url"] == "" {
		t.Fatalf("got %v, %v", documented, err)
	}
	maps.Copy(documented, with())
	out, outputs, code := a.run(t, documented, job...)
	if code != 0 || !strings.Contains(outputs, `"status":"DEPLOYED"`) || !strings.HasPrefix(outputs, "record<<") {
		t.Fatalf("exit code %d\n%s\noutputs %s\n%s", code, out, outputs, server.log)
	}
	token := regexp.MustCompile(`::add-mask::(\S+)`).FindStringSubmatch(out)
	if token == nil || strings.Contains(strings.ReplaceAll(out, token[0], ""), token[1]) || strings.Contains(outputs, token[1]) {
		t.Errorf("the token is not masked, or is in the output:\n%s", out)
	}

	// No shell and no runner interprets an input.
	name := "a \"$(touch pwned)\" `touch pwned` '; touch pwned; ::error::"
	out, outputs, code = a.run(t, with("environment", name, "deployment", "-x", "image", "web@"+actionDigest, "project", "one\ntwo words", "project-version", "1\n2"), job...)
	if code != 0 || !strings.Contains(outputs, `touch pwned; ::error::`) {
		t.Errorf("exit code %d\n%s\n%s", code, out, outputs)
	}
	if before, _, _ := strings.Cut(out, `"environment_name"`); !strings.Contains(before, "::stop-commands::") {
		t.Errorf("the runner reads the response as commands:\n%s", out)
	}

	out, outputs, code = a.run(t, with("command", "decommission", "environment", "prod-eu", "deployment", "web", "image", "registry.example.com/acme/web"), job...)
	if code != 0 || !strings.Contains(outputs, `"status":"DECOMMISSIONED"`) {
		t.Errorf("decommission: exit code %d\n%s\n%s", code, out, outputs)
	}
	report := filepath.Join(t.TempDir(), "report.xml")
	out, _, code = a.run(t, with("command", "conform", "value", "project_name=one\nproject_name=two words", "report", report), job...)
	if text, err := os.ReadFile(report); code != 0 || err != nil || !strings.Contains(string(text), "<testsuite") {
		t.Errorf("conform: exit code %d, %v\n%s%s", code, err, out, text)
	}
	// The exit code of the program is that of the step.
	if out, _, code := a.run(t, with("environment", "prod-eu", "deployment", "web", "image", "no-digest"), job...); code != 2 || !strings.Contains(out, "--image") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	if out, _, code := a.run(t, with("environment", "prod-eu", "deployment", "web", "image", "web@"+actionDigest, "token", "e.y.J"), job...); code != 3 {
		t.Errorf("exit code %d\n%s", code, out)
	}
}

func TestTheActionPassesItsInputsAsFlags(t *testing.T) {
	t.Parallel()
	a := readAction(t)
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nprintf '<%s>' \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for want, with := range map[string]map[string]string{
		"<record><--output=json><--environment=e><--logical-environment=l><--deployment=d><--image=i><--observed-at=o><--idempotency-key=k><--retry-for=1m>": {
			"environment": "e", "logical-environment": "l", "deployment": "d", "image": "i", "observed-at": "o", "idempotency-key": "k", "retry-for": "1m",
		},
		"<record><--output=json><--environment= e><--chart=c><--version=1><--digest=x><--project=p><--project=q q><--project-version=1><--project-version=2><--decommission>": {
			"command": "decommission", "environment": " e", "chart": "c", "version": "1", "digest": "x", "project": "p\nq q\n", "project-version": "1\n2",
		},
		"<conform><--value=a=1><--value=b=2><--strict>": {"command": "conform", "strict": "true", "value": "a=1\nb=2"},
		"<conform>": {"command": "conform"},
	} {
		with["url"], with["token"], with["binary"] = "http://127.0.0.1:9", "t", program
		if out, _, code := a.run(t, with); code != 0 || !strings.Contains(out, "\n"+want) {
			t.Errorf("exit code %d\n%s\nwant %s", code, out, want)
		}
	}
}

func TestTheActionReportsInvalidInputsBeforeItSendsAnything(t *testing.T) {
	t.Parallel()
	a := readAction(t)
	for want, with := range map[string]map[string]string{
		"command: is not record, decommission or conform": {"command": "record; true"},
		"url: is not the http or https URL":               {"url": "ftp://example.com"},
		"strict: is neither true nor false":               {"strict": "yes", "command": "conform"},
		"release: is neither latest nor a version":        {"release": "v1.2.3/../.."},
		"sha256: is not 64 hexadecimal digits":            {"sha256": "abc"},
		"download-url: is not an https URL":               {"download-url": "http://example.com/releases"},
		"image: is no input of the command conform":       {"command": "conform", "image": "x"},
		"report: is no input of the command record":       {"report": "x"},
		"permissions: {id-token: write}":                  {},
	} {
		inputs := map[string]string{"url": "http://127.0.0.1:9", "token": "t", "binary": "/bin/false"}
		if len(with) == 0 {
			delete(inputs, "token")
		}
		maps.Copy(inputs, with)
		out, _, code := a.run(t, inputs)
		if code != 2 || !strings.Contains(out, "::error title=deployrecords::") || !strings.Contains(out, want) {
			t.Errorf("%v: exit code %d\n%s\nwant %s", with, code, out, want)
		}
	}
}
