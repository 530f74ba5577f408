package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/auth/trust"
	"github.com/deployrecords/deployrecords/internal/config"
)

// acceptor has what the files made a verifier accept.
type acceptor struct {
	rules   []trust.Rule
	revoked map[string]struct{}
}

func (a *acceptor) Replace(_ context.Context, rules []trust.Rule) error {
	a.rules = rules
	return nil
}

func (a *acceptor) Revoke(ids map[string]struct{}) { a.revoked = ids }

// A file that is being written is incomplete, and a token that is missing in it is not valid again.
func TestAChangedFileIsUsedOnceTwoLooksSawIt(t *testing.T) {
	dir := t.TempDir()
	names := config.Trust{TrustFile: filepath.Join(dir, "trust.yaml"), RevokedFile: filepath.Join(dir, "revoked.txt")}
	write := func(rules int, revoked string) {
		t.Helper()
		rule := "- {issuer: x, hmac_secret_file: secret, organization: acme, audiences: us}\n"
		for name, text := range map[string]string{names.TrustFile: strings.Repeat(rule, rules), names.RevokedFile: revoked, filepath.Join(dir, "secret"): testSecret} {
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	write(2, "one\ntwo\n")
	files := newTrustFiles(&names, newLogger(&config.Serve{}, &bytes.Buffer{}))
	var options auth.Options
	if violations := files.load(&options); len(violations) > 0 {
		t.Fatal(violations)
	}
	a := &acceptor{options.Rules, options.Revoked}
	for i, step := range []struct {
		rules   int
		revoked string
		hangup  bool
		want    string
	}{
		{2, "one\ntwo\n", false, "2 rules, 2 revoked"},
		{0, "", false, "2 rules, 2 revoked"}, // both files are truncated
		{1, "one\n", false, "2 rules, 2 revoked"},
		{3, "one\ntwo\nthree\n", false, "2 rules, 2 revoked"},
		{3, "one\ntwo\nthree\n", false, "3 rules, 3 revoked"},
		{1, "one\n", false, "3 rules, 3 revoked"},
		{3, "one\ntwo\nthree\n", false, "3 rules, 3 revoked"}, // as before
		{1, "one\n", false, "3 rules, 3 revoked"},
		{1, "one\n", true, "1 rules, 1 revoked"},
		{2, "", true, "2 rules, 0 revoked"},
		{0, "a\tb\n", true, "2 rules, 0 revoked"}, // invalid
		{1, "one\n", false, "2 rules, 0 revoked"},
		{1, "one\n", false, "1 rules, 1 revoked"},
	} {
		write(step.rules, step.revoked)
		files.reload(t.Context(), accepting{a}, step.hangup)
		if got := fmt.Sprintf("%d rules, %d revoked", len(a.rules), len(a.revoked)); got != step.want {
			t.Fatalf("step %d: got %s, want %s", i, got, step.want)
		}
	}
	// Bytes that were used are not used again: the verifiers keep their caches.
	a.rules = slices.Clone(a.rules[:0])
	for range 3 {
		files.reload(t.Context(), accepting{a}, false)
	}
	if len(a.rules) > 0 {
		t.Error("a file that has not changed was used again")
	}
}
