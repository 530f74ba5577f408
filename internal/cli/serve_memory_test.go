package cli

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/deployrecords/deployrecords/internal/config"
	"github.com/deployrecords/deployrecords/internal/variant"
)

func TestServeInMemoryReportsInvalidFlags(t *testing.T) {
	t.Setenv("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing") // for another purpose: --memory takes precedence
	t.Setenv("DATABASE_MAX_CONNECTIONS", "0")
	t.Chdir(t.TempDir())
	const file = "faulty.ndjson"
	if err := os.WriteFile(file, []byte("\n{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		want []string
	}{
		{"--memory --now yesterday", 2, []string{`--now: "yesterday" is not an RFC 3339 time such as 2026-11-01T09:30:00Z`}},
		{"--memory --now 2026-11-01", 2, []string{`--now: "2026-11-01" is not an RFC 3339 time`}},
		{"--memory --now 9999-12-31T23:59:59-01:00", 2, []string{`--now: "9999-12-31T23:59:59-01:00" is not in the years 1 to 9999 in UTC`}},
		{"--memory --now 1969-12-31t23:59:59z", 2, []string{"--now: 1969-12-31T23:59:59Z is not in the years 1970 to 9998"}},
		{"--memory --now 2016-12-31T23:59:60Z", 2, []string{`--now: "2016-12-31T23:59:60Z" is a leap second`}},
		{"--memory --database-url sqlite://x.db --database-wait 1s --now soon --organization=", 2, []string{
			`--now: "soon"`, "--database-url: is for a database, and --memory has none", "--database-wait: is for", "--organization: is empty",
		}},
		{"--load x --load y --now 2026-11-01T09:30:00Z --organization acme", 2, []string{
			"--load: goes with --memory only", "--now: goes with --memory only", "--organization: goes with --memory only", "there is no key",
		}},
		{"--variant charset", 2, []string{"--variant: goes with --memory only"}},
		{"--memory --variant charset --variant offset", 2, []string{`--variant: "offset" is not a variant; the nearest is offset-times; the variants are one-based, filter`}},
		{"--memory=false --load x", 2, []string{"--load: goes with --memory only"}},
		{"--memory=perhaps", 2, []string{`--memory: "perhaps" is not true or false`}},
		{"--memory --max-page-size 0", 2, []string{"invalid flags or settings:\n  --max-page-size: 0 is not from 1 to 2147483647\n"}},
		{"--memory --max-page-size 20 --default-page-size 21", 2, []string{"--default-page-size: 21 is more than --max-page-size 20"}},
		{"--memory --max-page-size 20 --default-page-size 0", 2, []string{"--default-page-size: 0 is not from 1 to 2147483647"}},
		{"--memory --organization-claim sub", 2, []string{"the claim sub"}},
		{"--memory --load /does/not/exist --load / --load - --max-page-size 0", 2, []string{"--load: open /does/not/exist: no such file", "--load: read /: is a directory", "--max-page-size: 0 is not from"}},
		{"--memory --load " + file, 1, []string{"--load " + file + " has faults:\n  line 2: id: is missing\n"}},
		{"--memory --load - --load " + file, 1, []string{"--load " + file + " has faults"}},
		{"--control 127.0.0.1:0 --control-allow-remote", 2, []string{"--control: goes with --memory only", "--control-allow-remote: goes with --memory only"}},
		{"--memory --control-allow-remote", 2, []string{"--control-allow-remote: goes with --control only"}},
		{"--memory --control :0", 2, []string{`--control: ":0" is not a loopback address such as 127.0.0.1:0; --control-allow-remote allows it`}},
		{"--memory --control 203.0.113.1:80", 2, []string{`--control: "203.0.113.1:80" is not a loopback address`}},
		{"--memory --control nowhere", 2, []string{`--control: "nowhere" is not HOST:PORT`}},
		{"--memory --control 127.0.0.1:0 --metrics-listen 127.0.0.1:0", 2, []string{"--metrics-listen: does not go with --control"}},
		{"--memory --control 127.0.0.1:0 --load " + file, 1, []string{"--load " + file + " has faults:\n  line 2: id: is missing\n"}},
		{"--memory --listen 127.0.0.1:nowhere", 2, []string{`--listen: "127.0.0.1:nowhere" is not HOST:PORT`}},
	} {
		stdout, stderr, code := run(t, append([]string{"serve"}, strings.Fields(c.args)...)...)
		if code != c.code || stdout != "" {
			t.Errorf("%s: exit code %d, standard output %s", c.args, code, stdout)
		}
		if code == 2 && strings.Contains(stderr, "starting") {
			t.Errorf("%s: starts before it reports the flags:\n%s", c.args, stderr)
		}
		for _, want := range c.want {
			if strings.Count(stderr, want) != 1 {
				t.Errorf("%s: %q is not printed once:\n%s", c.args, want, stderr)
			}
		}
	}
}

func TestTheHelpNamesEveryVariant(t *testing.T) {
	field, _ := reflect.TypeFor[config.Memory]().FieldByName("Variant")
	help := strings.NewReplacer(" or ", ", ", ". Repeatable", "").Replace(field.Tag.Get("help"))
	if want := ": " + strings.Join(variant.Names(), ", ") + "."; !strings.HasSuffix(help, want) {
		t.Errorf("the help of --variant is %q, and lacks %q", help, want)
	}
}

func TestServeInMemoryLoadsStandardInput(t *testing.T) {
	var out, err bytes.Buffer
	code := Run(t.Context(), []string{"serve", "--memory", "--load", "-", "--log-level", "error"}, Streams{In: strings.NewReader("{}\n"), Out: &out, Err: &err})
	if want := "deployrecords: --load - has faults:\n  line 1: id: is missing\n"; code != 1 || out.Len() > 0 || !strings.HasPrefix(err.String(), want) {
		t.Errorf("exit code %d, %s%s", code, &out, &err)
	}
}

func TestL7_DefaultPageSizeIsAtMostTheMaximum(t *testing.T) {
	pageSize := func(args string) int64 {
		var c commands
		parser, err := kong.New(&c, kong.Vars{"version": ""}, kong.PostBuild(hideVersionFromRecord))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(strings.Fields("serve " + args)); err != nil {
			t.Fatal(err)
		}
		return c.Serve.PageSize()
	}
	for args, want := range map[string]int64{
		"":                     100,
		"--max-page-size 20":   20,
		"--max-page-size 1000": 100,
		"--max-page-size 1000 --default-page-size 1000": 1000,
		"--max-page-size 20 --default-page-size 5":      5,
	} {
		if got := pageSize(args); got != want {
			t.Errorf("%s: got %d, want %d", args, got, want)
		}
	}
	t.Setenv("MAX_PAGE_SIZE", "20")
	if got := pageSize(""); got != 20 {
		t.Errorf("by the environment: got %d", got)
	}
	t.Setenv("DEFAULT_PAGE_SIZE", "100")
	if _, stderr, code := run(t, "serve", "--memory"); code != 2 || !strings.Contains(stderr, "--default-page-size: 100 is more than --max-page-size 20") {
		t.Errorf("given, it is refused: exit code %d:\n%s", code, stderr)
	}
}

func TestClockStandsStillAtNow(t *testing.T) {
	var c serveCommand
	if c.clock() != nil {
		t.Error("without --now there is a clock")
	}
	c.Now.Value = time.Date(2026, 11, 1, 9, 30, 0, 0, time.UTC)
	if clock := c.clock(); !clock().Equal(c.Now.Value) {
		t.Errorf("got %s", clock())
	}
}
