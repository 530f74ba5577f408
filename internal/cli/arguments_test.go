package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// commandLines calls test with each visible command and a command line that has its required flags and arguments.
func commandLines(t *testing.T, test func(command *kong.Node, line []string)) {
	t.Helper()
	parser, err := kong.New(&commands{}, kong.Vars{"version": ""}, kong.PostBuild(hideVersionFromRecord))
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range parser.Model.Children {
		if command.Hidden {
			continue
		}
		line := []string{command.Name}
		for _, flag := range command.Flags {
			if flag.Required {
				line = append(line, "--"+flag.Name, "x")
			}
		}
		for _, argument := range command.Positional {
			if argument.Required {
				line = append(line, "x")
			}
		}
		test(command, line)
	}
}

func TestNoFlagWithOneValueIsGivenTwice(t *testing.T) {
	tested := 0
	commandLines(t, func(command *kong.Node, line []string) {
		for _, flag := range command.Flags {
			if isRepeatable(flag) || flag.Name == "help" || flag.Name == "version" && command.Name != "record" {
				continue
			}
			args := slices.Clone(line)
			for range 2 {
				if args = append(args, "--"+flag.Name); !flag.IsBool() {
					args[len(args)-1] += "=1"
				}
			}
			_, stderr, code := run(t, args...)
			if want := fmt.Sprintf("deployrecords: --%s: is given several times and has one value\nrun 'deployrecords %s --help'", flag.Name, command.Name); code != 2 || !strings.HasPrefix(stderr, want) {
				t.Errorf("%q: exit code %d, %s", args, code, stderr)
			}
			tested++
		}
	})
	if tested < 50 {
		t.Errorf("tested %d flags only", tested)
	}
}

// validSettings has a valid value for each environment variable of a flag of serve.
func validSettings(t *testing.T) map[string]string {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(testSecret+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	values := map[string]string{
		"DATABASE_URL": "sqlite://" + filepath.Join(t.TempDir(), "x.db"), "JWT_HMAC_SECRET_FILE": secret, "MAX_CONCURRENT_LISTS": "2",
		"JWKS_URL": "https://keys.test/", "JWT_ISSUER": "https://issuer.test/", "JWT_AUDIENCE": "deployrecords", "DEFAULT_PAGE_SIZE": "20",
	}
	commandLines(t, func(command *kong.Node, _ []string) {
		for _, flag := range command.Flags {
			for _, variable := range flag.Envs {
				if command.Name == "serve" && values[variable] == "" && flag.Default != "" {
					values[variable] = flag.Default
				}
			}
		}
	})
	return values
}

func TestLineBreaksAtTheEndOfVariablesAreIgnored(t *testing.T) {
	for _, lineBreak := range []string{"\n", "\r\n", "\r"} {
		for variable, value := range validSettings(t) {
			t.Setenv(variable, value+lineBreak)
		}
		t.Setenv("JWT_HMAC_SECRET", testSecret+lineBreak)
		_, stderr, code := run(t, "serve", "--first-page", "7")
		if want := "deployrecords: invalid flags or settings:\n  --first-page: 7 is not from 0 to 1\n"; code != 2 || stderr != want {
			t.Errorf("%q: exit code %d, %s", lineBreak, code, stderr)
		}
	}
	s := newAPI(t)
	t.Setenv("DEPLOYRECORDS_URL", s.URL+"\n")
	t.Setenv("DEPLOYRECORDS_TOKEN", testToken+"\r\n")
	if _, stderr, code := run(t, recordArgs...); code != 0 {
		t.Errorf("record: exit code %d, %s", code, stderr)
	}
	t.Setenv("PGPASSWORD", "secret\n")
	run(t, "--version")
	if got := os.Getenv("PGPASSWORD"); got != "secret" {
		t.Errorf("libraries read %q", got)
	}
}

func TestControlCharactersOfSettingsAreRejected(t *testing.T) {
	for variable, value := range validSettings(t) {
		t.Setenv(variable, value)
	}
	t.Setenv("JWT_HMAC_SECRET", testSecret)
	tested := 0
	commandLines(t, func(command *kong.Node, line []string) {
		for _, flag := range command.Flags {
			if command.Name != "serve" && command.Name != "token" || flag.Target.Kind().String() != "string" {
				continue
			}
			_, stderr, code := run(t, append(slices.Clone(line), "--"+flag.Name+"=a\tb")...)
			if code != 2 || !regexp.MustCompile(`(?m)^  --`+flag.Name+`: (has the control character U\+0009|"a\\tb" )`).MatchString(stderr) &&
				!strings.Contains(stderr, "several times") {
				t.Errorf("%s --%s: exit code %d, %s", command.Name, flag.Name, code, stderr)
			}
			tested++
		}
	})
	if tested < 15 {
		t.Errorf("tested %d flags only", tested)
	}
	t.Setenv("JWT_HMAC_SECRET", testSecret+"\n"+testSecret)
	if _, stderr, code := run(t, "serve"); code != 2 || !strings.Contains(stderr, "  JWT_HMAC_SECRET: the secret has a control character") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

// A fault names its setting, and nothing is created before the settings are valid.
func TestFaultsNameTheirSettingsBeforeADatabaseIsOpened(t *testing.T) {
	t.Setenv("JWT_HMAC_SECRET", testSecret)
	t.Chdir(t.TempDir())
	for args, want := range map[string]string{
		"--listen 127.0.0.1:99999":                              `--listen: "127.0.0.1:99999" is not HOST:PORT with a port from 0 to 65535: invalid port`,
		"--listen :80000":                                       `--listen: ":80000" is not HOST:PORT`,
		"--listen 127.0.0.1:nowhere":                            `--listen: "127.0.0.1:nowhere" is not HOST:PORT with a port from 0 to 65535: unknown port`,
		"--listen nohost.invalid:80":                            `--listen: "nohost.invalid:80" is not HOST:PORT`,
		"--listen=":                                             `--listen: "" is not HOST:PORT with a port from 0 to 65535: missing port in address`,
		"--listen :":                                            `--listen: ":" is not HOST:PORT with a port from 0 to 65535: missing port in address`,
		"--listen 127.0.0.1:":                                   `--listen: "127.0.0.1:" is not HOST:PORT`,
		"--listen nowhere":                                      `--listen: "nowhere" is not HOST:PORT`,
		"--database-url x.db":                                   `--database-url: "x.db" begins with neither postgres:// nor sqlite://`,
		"--database-url sqlite://":                              `--database-url: "sqlite://" names no file`,
		"--database-url sqlite://a?b":                           `--database-url: "sqlite://a?…" has a ?`,
		"--database-url postgres://u:hunter2@h:99999/db":        `--database-url: "postgres://xxxxx@h:99999/db" is not of the form postgres://user:password@host:port/database?sslmode=…: a port is not`,
		"--database-url postgres://u:hunter2@h/db?sslmode=some": `sslmode is invalid`,
		"--database-url postgres://u:hunter2@h/db?sslmode=require&sslrootcert=x": `open x: no such file`,
		"--database-url u:hunter2@h/db":                                          `--database-url: (not shown, since it may have a password) begins with neither`,
		"--database-url host=h;password=hunter2":                                 `--database-url: (not shown, since it may have a password) begins with neither`,
		"--jwks-url http://u:hunter2@h.test/":                                    `--jwks-url: "http://xxxxx@h.test/" must be https`,
		"--jwks-url keys?hunter2":                                                `--jwks-url: "keys?…" is not a URL with a host`,
		"--jwt-public-key-file arguments_test.go":                                `--jwt-public-key-file: open arguments_test.go: no such file`,
	} {
		_, stderr, code := run(t, append([]string{"serve"}, strings.Fields(args)...)...)
		if code != 2 || !strings.Contains(stderr, want) || strings.Contains(stderr, "hunter2") {
			t.Errorf("%s: exit code %d, %s", args, code, stderr)
		}
	}
	if files, err := os.ReadDir("."); err != nil || len(files) > 0 {
		t.Errorf("there are %v, %v", files, err)
	}
}

func TestEveryReportedFaultBeginsWithItsSetting(t *testing.T) {
	text, err := os.ReadFile("testdata/faults.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n")[1:] {
		if !regexp.MustCompile(`^  (--[a-z-]+|[A-Z_]+): `).MatchString(line) {
			t.Error(line)
		}
	}
}

func TestURLsOfServersAreShownWithoutSecrets(t *testing.T) {
	t.Setenv("DEPLOYRECORDS_TOKEN", testToken)
	for address, want := range map[string]string{
		"localhost:8080":           `--url: "localhost:8080" is not http://HOST:PORT`,
		"http://h:70000":           `--url: "http://h:70000" has a port that is not from 1 to 65535`,
		"https://hunter2@h":        `--url: "https://xxxxx@h" has a user name`,
		"https://h/?token=hunter2": `--url: "https://h/?…" has a query`,
		"u:hunter2@h":              `--url: (not shown, since it may have a password) is not`,
	} {
		t.Setenv("DEPLOYRECORDS_URL", address)
		if _, stderr, code := run(t, "list"); code != 2 || !strings.Contains(stderr, want) || strings.Contains(stderr, "hunter2") {
			t.Errorf("%s: exit code %d, %s", address, code, stderr)
		}
	}
}

func TestNumbersAndTimesAreExplainedInPlainWords(t *testing.T) {
	t.Setenv("JWT_HMAC_SECRET", testSecret)
	for line, want := range map[string]string{
		"demo --end tomorrow":                `--end: "tomorrow" is not an RFC 3339 time such as 2026-11-01T09:30:00Z`,
		"serve --memory --now tomorrow":      `--now: "tomorrow" is not an RFC 3339 time such as 2026-11-01T09:30:00Z`,
		"demo --records 0":                   `--records: 0 is not from 1 to 1000000000`,
		"demo --records -5":                  `--records: -5 is not from 1 to 1000000000`,
		"demo --records=-5":                  `--records: -5 is not from 1 to 1000000000`,
		"demo --records many":                `--records: "many" is not a whole number`,
		"demo --seed -1":                     `--seed: -1 is less than 0`,
		"demo --records":                     `--records: needs a value`,
		"demo --records --seed 1":            `--records: needs a value`,
		"list --output --all":                `--output: needs a value`,
		"token --organization a --scope b,c": `--scope: "b,c" has a comma: repeat --scope for each scope`,
		"token --organization a --ttl -5m":   `--ttl: -5m0s is not more than 0`,
		"token --organization a --ttl 5":     `--ttl: "5" is not a duration such as 30s`,
		"serve --request-timeout -.5s":       `--request-timeout: -500ms is not more than 0`,
		"serve --database-wait -1s":          `--database-wait: -1s is less than 0`,
	} {
		if _, stderr, code := run(t, strings.Fields(line)...); code != 2 || !strings.Contains(stderr, want) || strings.Contains(stderr, "expected") {
			t.Errorf("%s: exit code %d, %s", line, code, stderr)
		}
	}
}
