package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

var (
	secretA = []byte("secret-a-secret-a-secret-a-secret-a-")
	secretB = []byte("secret-b-secret-b-secret-b-secret-b-")
)

func TestT1_ASecretFileHasOneSecretALine(t *testing.T) {
	long, spaced := strings.Repeat("x", 32), "  "+strings.Repeat("y", 32)+" "
	got, err := ReadSecrets(strings.NewReader("\r\n" + long + "\r\n\n   \n" + spaced + "\r\r\n" + string(secretB)))
	if err != nil {
		t.Fatal(err)
	}
	want := [][]byte{[]byte(long), []byte(spaced), secretB}
	if len(got) != len(want) {
		t.Fatalf("got %d secrets, want %d", len(got), len(want))
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("secret %d is %q, want %q", i+1, got[i], want[i])
		}
	}
}

func TestT1_ALongSecretFileIsReadWhole(t *testing.T) {
	var file strings.Builder
	for i := range 500 {
		fmt.Fprintf(&file, "secret-%032d\n", i)
	}
	got, err := ReadSecrets(strings.NewReader(file.String()))
	if err != nil || len(got) != 500 {
		t.Fatalf("got %d secrets, %v", len(got), err)
	}
	for i, secret := range got {
		if want := fmt.Sprintf("secret-%032d", i); string(secret) != want {
			t.Fatalf("secret %d is %q, want %q", i, secret, want)
		}
	}
}

func TestT1_AnInvalidSecretFileIsRefusedByLine(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		says []string
	}{
		"short secrets":  {string(secretA) + "\n\nhunter2\n" + strings.Repeat("hunter2", 4) + "abc\n", []string{"line 3: the secret is shorter than 32 bytes\nline 4: the secret is shorter than 32 bytes"}},
		"empty":          {"", []string{"no secret was found"}},
		"blank lines":    {"\n\r\n  \n", []string{"no secret was found"}},
		"a PEM file":     {"-----BEGIN ENCRYPTED PRIVATE KEY-----\nhunter2\n", []string{"line 1: this is a PEM block"}},
		"a line of 1 MB": {strings.Repeat("a", 1_000_000), []string{"line 1: "}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadSecrets(strings.NewReader(c.file))
			if err == nil || got != nil {
				t.Fatalf("got %d secrets and %v", len(got), err)
			}
			for _, says := range c.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%q does not say %q", err, says)
				}
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), string(secretA)) {
				t.Errorf("%q shows a secret", err)
			}
		})
	}
	if _, err := ReadSecrets(iotest.ErrReader(io.ErrUnexpectedEOF)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a file that can't be read: %v", err)
	}
}

// The mark would be a part of the secret, so that tokens of other programs would not verify.
func TestASecretFileMustNotBeginWithAByteOrderMark(t *testing.T) {
	if _, err := ReadSecrets(strings.NewReader("\ufeff" + strings.Repeat("s", 40) + "\n")); err == nil || !strings.HasPrefix(err.Error(), "line 1: begins with a byte order mark") {
		t.Errorf("got %v", err)
	}
}
