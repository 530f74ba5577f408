package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/rivo/uniseg"
)

// commandNames returns the names of all commands that help lists.
func commandNames(t *testing.T) (names []string) {
	t.Helper()
	parser, err := kong.New(&commands{})
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range parser.Model.Children {
		if !command.Hidden {
			names = append(names, command.Name)
		}
	}
	return names
}

func TestErrorsOfACommandNameItsHelp(t *testing.T) {
	for _, command := range commandNames(t) {
		_, stderr, code := run(t, command, "--nonsense")
		if code != 2 || !strings.HasSuffix(stderr, "run 'deployrecords "+command+" --help' for its flags\n") {
			t.Errorf("%s: exit code %d, %s", command, code, stderr)
		}
	}
	for _, args := range [][]string{{"nonsense"}, {"help", "nonsense"}} {
		_, stderr, code := run(t, args...)
		if want := "deployrecords: unknown command nonsense\nrun 'deployrecords --help' for a list of commands\n"; code != 2 || stderr != want {
			t.Errorf("%v: exit code %d, %s", args, code, stderr)
		}
	}
}

func TestHelpAndVersionAreCommands(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	whole, _, _ := run(t, "--help")
	if stdout, stderr, code := run(t, "help"); code != 0 || stdout != whole || stderr != "" {
		t.Errorf("help: exit code %d, %s%s", code, stdout, stderr)
	}
	if stdout, stderr, code := run(t); code != 2 || stdout != "" || stderr != whole {
		t.Errorf("no command: exit code %d, %s%s", code, stdout, stderr)
	}
	for _, command := range commandNames(t) {
		want, _, _ := run(t, command, "--help")
		if stdout, stderr, code := run(t, "help", command); code != 0 || stdout != want || want == "" {
			t.Errorf("help %s: exit code %d, %s%s", command, code, stdout, stderr)
		}
	}
	want, _, _ := run(t, "--version")
	if stdout, stderr, code := run(t, "version"); code != 0 || stdout != want {
		t.Errorf("version: exit code %d, %s%s", code, stdout, stderr)
	}
}

func TestHelpFitsATerminal(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	for _, command := range append(commandNames(t), "") {
		stdout, _, _ := run(t, strings.Fields(command+" --help")...)
		if strings.Contains(stdout, ",...") {
			t.Errorf("%s: a flag seems to take a list with commas, but is repeated:\n%s", command, stdout)
		}
		for line := range strings.Lines(stdout) {
			if width := uniseg.StringWidth(strings.TrimRight(line, "\n")); width > 80 {
				t.Errorf("%s: %d columns: %s", command, width, line)
			}
		}
	}
}

func TestUnknownLettersHaveNoSuggestion(t *testing.T) {
	for _, letter := range []string{"-o", "-O", "-x", "-z=3", "-zh"} {
		if _, stderr, code := run(t, "migrate", letter); code != 2 || strings.Contains(stderr, "did you mean") || !strings.Contains(stderr, "unknown flag "+letter[:2]) {
			t.Errorf("%s: exit code %d, %s", letter, code, stderr)
		}
	}
	if _, stderr, _ := run(t, "migrate", "--database-ur"); !strings.Contains(stderr, `did you mean "--database-url"?`) {
		t.Error(stderr)
	}
}

func TestAnUnknownShellIsReportedLikeAnyOtherValue(t *testing.T) {
	want := "deployrecords: <shell>: \"ksh\" is not one of bash, zsh, fish\nrun 'deployrecords completion --help' for its flags\n"
	if _, stderr, code := run(t, "completion", "ksh"); code != 2 || stderr != want {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

func TestFlagsWithoutTheirValueSaySo(t *testing.T) {
	for command, flag := range map[string]string{"list": "--output", "record": "--image", "serve": "--listen", "token": "--ttl", "import": "--organization"} {
		if _, stderr, code := run(t, command, flag); code != 2 || !strings.HasPrefix(stderr, "deployrecords: "+flag+": needs a value\n") {
			t.Errorf("%s %s: exit code %d, %s", command, flag, code, stderr)
		}
	}
}

// Kong takes -1 for a flag.
func TestAValueThatBeginsWithAHyphenNeedsAnEqualsSign(t *testing.T) {
	_, stderr, code := run(t, "list", "--environment", "-1")
	if want := "deployrecords: --environment: needs a value; write --environment=-1 for one that begins with a hyphen\n"; code != 2 || !strings.HasPrefix(stderr, want) {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	if _, stderr, code := run(t, "list", "--environment", "--all"); code != 2 || !strings.HasPrefix(stderr, "deployrecords: --environment: needs a value\n") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

func TestOutputHasAShortFlag(t *testing.T) {
	s := newAPI(t)
	s.records = testRecords(3)
	for _, args := range [][]string{{"list"}, recordArgs} {
		long, _, _ := s.client(append(args, "--output", "json")...)
		for _, output := range [][]string{{"-o", "json"}, {"-ojson"}, {"-o=json"}} {
			if short, stderr, code := s.client(slices.Concat(args, output)...); code != 0 || short != long || long == "" {
				t.Errorf("%v %v: exit code %d, got %s, want %s\n%s", args, output, code, short, long, stderr)
			}
		}
	}
}

func TestTheUsageOfRecordNamesTheArtifact(t *testing.T) {
	stdout, _, _ := run(t, "record", "--help")
	if !strings.HasPrefix(stdout, "Usage: deployrecords record --environment=NAME --deployment=NAME\n       (--image=REF | --chart=NAME) [flags]\n") {
		t.Error(stdout)
	}
}
