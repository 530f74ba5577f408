package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// completionFiles returns a directory with two files.
func completionFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"my token", "my.ndjson"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// shell skips the test if the shell is not installed.
func shell(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("there is no %s", name)
	}
	return path
}

// completionScript writes the script for a shell into a file.
func completionScript(t *testing.T, name string) string {
	t.Helper()
	stdout, stderr, code := run(t, "completion", name)
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	file := filepath.Join(t.TempDir(), "_deployrecords")
	if err := os.WriteFile(file, []byte(stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// output runs a shell in which deployrecords is this test's program.
func output(t *testing.T, path string, args ...string) string {
	t.Helper()
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "PATH="+programDir(t)+":"+os.Getenv("PATH"), runAsDeployrecords+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

func TestBashCompletes(t *testing.T) {
	bash := shell(t, "bash")
	script := completionScript(t, "bash")
	if out := output(t, bash, "-n", script); out != "" {
		t.Error(out)
	}
	dir := completionFiles(t)
	// complete returns the candidates for the last of the words.
	complete := func(words ...string) []string {
		const asks = `source "$1"; cd "$2"; shift 2; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _deployrecords
			((${#COMPREPLY[@]})) && printf '%s\n' "${COMPREPLY[@]}"; :`
		return strings.Split(strings.TrimSuffix(output(t, bash, append([]string{"--norc", "-c", asks, "bash", script, dir, "deployrecords"}, words...)...), "\n"), "\n")
	}
	for _, c := range []struct{ words, want []string }{
		{[]string{""}, []string{"serve", "import", "demo", "migrate", "verify", "token", "record", "list", "conform", "completion", "help", "version"}},
		{[]string{"help", "re"}, []string{"record"}},
		{[]string{"list", "-o", "n"}, []string{"ndjson"}},
		{[]string{"re"}, []string{"record"}},
		{[]string{"--"}, []string{"--help", "--version"}},
		{[]string{"completion", ""}, []string{"bash", "zsh", "fish"}},
		{[]string{"completion", "z"}, []string{"zsh"}},
		{[]string{"list", "--full"}, []string{"--full-history"}},
		{[]string{"conform", "--output", "j"}, []string{"json", "junit"}},
		{[]string{"list", "--output", ""}, []string{"table", "json", "ndjson", "csv"}},
		{[]string{"list", "--output", "n"}, []string{"ndjson"}},
		{[]string{"list", "--output", "="}, []string{"table", "json", "ndjson", "csv"}},
		{[]string{"list", "--output", "=", "c"}, []string{"csv"}},
		{[]string{"list", "--output=c"}, []string{"--output=csv"}},
		{[]string{"list", "--status", "d"}, []string{"deployed", "decommissioned"}},
		{[]string{"list", "--all", "--kind", ""}, []string{"image", "chart"}},
		{[]string{"list", "--environment", ""}, []string{""}},
		{[]string{"list", "--environment", "record", "--logical"}, []string{"--logical-environment"}},
		{[]string{"record", "--output", ""}, []string{"text", "json"}},
		{[]string{"record", "--project"}, []string{"--project", "--project-version"}},
		{[]string{"record", "--vers"}, []string{"--version"}},
		{[]string{"record", "--version", ""}, []string{""}},
		{[]string{"record", "--token-file", "my"}, []string{"my token", "my.ndjson"}},
		{[]string{"record", "--token-file", "=", "my."}, []string{"my.ndjson"}},
		{[]string{"record", "--token-file=my"}, []string{"--token-file=my token", "--token-file=my.ndjson"}},
		{[]string{"import", "--organ"}, []string{"--organization", "--organizations"}},
		{[]string{"serve", "--no-"}, []string{"--no-auto-create", "--no-ui"}},
		{[]string{"import", "--organization", "a", "my."}, []string{"my.ndjson"}},
		{[]string{"serve", "--log-format", "j"}, []string{"json"}},
	} {
		got := complete(c.words...)
		slices.Sort(got)
		want := slices.Sorted(slices.Values(c.want))
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %q, not %q", c.words, got, want)
		}
	}
	if got := complete("record", ""); !slices.Contains(got, "--image") || slices.Contains(got, "serve") {
		t.Errorf("got %q", got)
	}
	if got := output(t, bash, "--norc", "-c", `source "$1"; complete -p deployrecords`, "bash", script); got != "complete -F _deployrecords deployrecords\n" {
		t.Error(got)
	}
}

func TestFishCompletes(t *testing.T) {
	fish := shell(t, "fish")
	script := completionScript(t, "fish")
	output(t, fish, "--no-execute", script)
	dir := completionFiles(t)
	for line, want := range map[string][]string{
		"deployrecords re":                        {"record"},
		"deployrecords list --output n":           {"ndjson"},
		"deployrecords list --output=c":           {"--output=csv"},
		"deployrecords list --status d":           {"decommissioned", "deployed"},
		"deployrecords record --chart":            {"--chart"},
		"deployrecords completion z":              {"zsh"},
		"deployrecords list --environment ":       {""},
		"deployrecords record --token-file ./my":  {"./my token", "./my.ndjson"},
		"deployrecords record --token-file=./my.": {"--token-file=./my.ndjson"},
	} {
		out := output(t, fish, "--no-config", "-c", "source $argv[1]; cd $argv[2]; complete -C $argv[3]", script, dir, line)
		var got []string
		for offer := range strings.SplitSeq(strings.TrimSuffix(out, "\n"), "\n") {
			name, _, _ := strings.Cut(offer, "\t")
			got = append(got, name)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, not %q", line, got, want)
		}
	}
}

func TestZshRegistersTheCompletion(t *testing.T) {
	zsh := shell(t, "zsh")
	script := completionScript(t, "zsh")
	output(t, zsh, "--no-exec", script)
	got := output(t, zsh, "-f", "-c", `autoload -Uz compinit; compinit -u -D; source "$1"; print $_comps[deployrecords]`, "zsh", script)
	if got != "_deployrecords\n" {
		t.Error(got)
	}
}

func TestCompletionRejectsUnknownShells(t *testing.T) {
	for _, args := range [][]string{{"completion"}, {"completion", "powershell"}, {"completion", "bash", "zsh"}} {
		if stdout, stderr, code := run(t, args...); code != 2 || stdout != "" || stderr == "" {
			t.Errorf("%v: exit code %d, %s", args, code, stderr)
		}
	}
}

func TestCandidatesHaveTheFirstSentenceOfTheHelp(t *testing.T) {
	for help, want := range map[string]string{
		"URL of the server.":   "URL of the server",
		"One. Two.":            "One",
		"Names (a few) of it.": "Names (a few) of it",
		"":                     "",
	} {
		if got := firstSentence(help); got != want {
			t.Errorf("%q: got %q", help, got)
		}
	}
}
