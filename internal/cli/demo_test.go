package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

func TestDefaultsGenerateTheDemoFile(t *testing.T) {
	kept, err := os.ReadFile("../../testdata/demo.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code := run(t, "demo")
	if code != 0 || stderr != "" || stdout != string(kept) {
		t.Errorf("exit code %d, %s: not the file", code, stderr)
	}
}

func TestDemoHasTheGivenRecordsAndEnd(t *testing.T) {
	args := []string{"demo", "--records", "1000", "--end", "2024-05-03T18:00:00+02:00", "--seed"}
	stdout, stderr, code := run(t, append(args, "7")...)
	if code != 0 || strings.Count(stdout, "\n") != 1000 {
		t.Errorf("exit code %d, %s: %d lines", code, stderr, strings.Count(stdout, "\n"))
	}
	if !strings.Contains(stdout, `"created_at":"2024-05-03T`) || regexp.MustCompile(`2024-05-03T1[67]|2024-05-04`).MatchString(stdout) {
		t.Error("it does not end when it should")
	}
	if again, _, _ := run(t, append(args, "7")...); again != stdout {
		t.Error("the same again is not the same")
	}
	if other, _, _ := run(t, append(args, "8")...); other == stdout {
		t.Error("another seed gives the same")
	}
	file := filepath.Join(t.TempDir(), "demo.ndjson")
	if err := os.WriteFile(file, []byte(stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DATABASE_URL", "sqlite://"+filepath.Join(t.TempDir(), "x.db"))
	if stdout, stderr, code := run(t, "import", "--organization", "acme", file); code != 0 || !strings.Contains(stdout, "1000 added") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
}

func TestInvalidFlagsOfDemo(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--records=-1"}, "--records: -1 is not from 1 to 1000000000"},
		{[]string{"--records", "many"}, "--records"},
		{[]string{"--seed", "-1"}, "--seed"},
		{[]string{"--end", "yesterday"}, "--end"},
		{[]string{"--end", "0001-01-01T00:00:00Z"}, "--end: 0001-01-01T00:00:00Z is not in the years 1970 to 9998"},
	} {
		if stdout, stderr, code := run(t, append([]string{"demo"}, c.args...)...); code != 2 || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%q: exit code %d, %s", c.args, code, stderr)
		}
	}
}

// failingWriter accepts room bytes and then fails.
type failingWriter struct {
	bytes.Buffer
	room int
	err  error
	then func()
}

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.room -= len(p); w.room < 0 {
		if w.then != nil {
			w.then()
		}
		if w.err != nil {
			return 0, w.err
		}
	}
	return w.Buffer.Write(p)
}

func TestDemoEndsWithItsReader(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	for name, c := range map[string]struct {
		writer *failingWriter
		code   int
		stderr string
	}{
		"a reader that has enough":  {&failingWriter{err: &os.PathError{Op: "write", Path: "|1", Err: syscall.EPIPE}}, 0, ""},
		"a disk that is full":       {&failingWriter{err: errors.New("no space left")}, 1, "deployrecords: no space left\n"},
		"an interrupt from outside": {&failingWriter{then: cancel}, 1, "deployrecords: context canceled\n"},
	} {
		t.Run(name, func(t *testing.T) {
			c.writer.room = 1 << 20
			var stderr bytes.Buffer
			of := t.Context()
			if c.writer.then != nil {
				of = ctx
			}
			// If the command does not end, the test times out.
			code := Run(of, []string{"demo", "--records", "1000000000"}, Streams{In: strings.NewReader(""), Out: c.writer, Err: &stderr})
			if code != c.code || stderr.String() != c.stderr {
				t.Errorf("exit code %d: %s", code, &stderr)
			}
			if size := c.writer.Len(); size < 900<<10 || size > 2<<20 {
				t.Errorf("%d bytes were written", size)
			}
		})
	}
}
