package e2e_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/oidctest"
)

func TestLoginByAProviderOutlivesARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	p := oidctest.New(t)
	p.Change(func(claims map[string]any) { delete(claims, "org_id"); delete(claims, "scope") })
	args := []string{
		"--memory", "--organization", "acme", "--load", absolute(t, "testdata/demo.ndjson"), "--allow-missing-scope", "--ui-key-file", file("key", strings.Repeat("k", 32)),
		"--oidc-issuer", p.Issuer, "--oidc-client-id", oidctest.ClientID, "--oidc-client-secret-file", file("secret", oidctest.ClientSecret+"\n"),
	}
	acme := []string{"OIDC_ORGANIZATION=acme"}
	first := serve(t, acme, args...)
	p.Register(first.url + "/login/callback")

	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	get := func(url string) (status int, location, body string) {
		t.Helper()
		response, err := browser.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, response.Header.Get("Location"), string(text)
	}
	_, address, _ := get(first.url + "/login/provider?next=/records")
	if status, location, body := get(p.LogIn(address)); status != 303 || location != "/records" {
		t.Fatalf("got %d to %q: %s\n%s", status, location, body, first.log)
	}
	if status, _, body := get(first.url + "/"); status != 200 || !strings.Contains(body, "production") {
		t.Errorf("got %d %s", status, body)
	}
	if log := first.log.String(); strings.Contains(log, oidctest.ClientSecret) || strings.Contains(log, "code=") {
		t.Errorf("the log has a secret: %s", log)
	}
	second := serve(t, acme, args...)
	if status, _, body := get(second.url + "/"); status != 200 { // cookies do not distinguish ports
		t.Errorf("another server with the key file: %d %s", status, body)
	}
	if status, _, _ := get(serve(t, []string{"OIDC_ORGANIZATION=globex"}, args...).url + "/"); status != 303 {
		t.Errorf("a server with another organization: %d", status)
	}
}
