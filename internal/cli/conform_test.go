package cli

import (
	"encoding/json"
	"encoding/xml"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/conformance"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/contracttest"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/httpserver"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// realServer answers from an SQLite file with a few records, by its own handler and perhaps another before it. The
// token for it is in the file.
func realServer(t *testing.T, front func(http.Handler) http.Handler) (url, tokenFile string) {
	t.Helper()
	s := storetest.Open(t, "sqlite://"+filepath.Join(t.TempDir(), "test.db"))
	storetest.Load(t, s, "acme",
		storetest.Entry(1, 0, "prod", "api", storetest.WithStatus(deployments.Superseded), storetest.WithProject("shop", "v1")),
		storetest.Entry(2, 1, "prod", "api", storetest.WithDigest(2)), storetest.Entry(3, 1, "prod", "web"), storetest.Entry(4, 2, "dev", "api"))
	return serveStore(t, s, front)
}

// serveStore serves a store as realServer does.
func serveStore(t *testing.T, s *store.Store, front func(http.Handler) http.Handler) (url, tokenFile string) {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	verifier, err := auth.New(t.Context(), auth.Options{HMACSecrets: [][]byte{[]byte(testSecret)}, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := httpserver.New(httpserver.Options{
		Store: s, Verifier: verifier, Paging: deployments.DefaultPaging(), Document: deployrecords.OpenAPI(),
		RecordingDocument: contract.RecordingOpenAPI(), AutoCreate: true, Logger: logger, Limits: httpserver.DefaultLimits(),
	})
	if err != nil {
		t.Fatal(err)
	}
	served := handler
	if front != nil {
		served = front(handler)
	}
	server := httptest.NewServer(served)
	t.Cleanup(server.Close)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(testSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	token, stderr, code := run(t, "token", "--organization", "acme", "--jwt-hmac-secret-file", secret, "--scope", "deployments:read deployments:write")
	if code != 0 {
		t.Fatal(stderr)
	}
	tokenFile = filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(tokenFile, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	return server.URL, tokenFile
}

func withoutCache(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		next.ServeHTTP(answer, r)
		answer.Header().Del("Cache-Control")
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

// conformArgs returns the arguments of a run that judges by upstream's document, if args name no other. It sends enough
// requests for a few of each phase, if args name no other limit: internal/conformance tests what runs find.
func conformArgs(t *testing.T, args ...string) []string {
	args = append([]string{"conform"}, args...)
	if !slices.Contains(args, "--requests") {
		args = append(args, "--requests", "300")
	}
	if !slices.Contains(args, "--document") {
		for _, name := range contracttest.Unsupported(t) {
			args = append(args, "--unsupported", name)
		}
	}
	return args
}

func TestConform_ExitCodes(t *testing.T) {
	right, token := realServer(t, nil)
	differs, _ := realServer(t, withoutCache)
	wrong, _ := realServer(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.URL.Path = "/v1/deployments"
			if r.Header.Get("Authorization") == "" {
				w.WriteHeader(http.StatusTeapot)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, []byte("no-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		"right":               {[]string{"--url", right, "--token-file", token, "--requests", strconv.Itoa(conformance.DefaultRequests)}, 0, "no faults", ""},
		"right, strict":       {[]string{"--url", right, "--token-file", token, "--strict", "--value", "project_name=shop", "--value", "project_version_name=v1"}, 0, "no faults", ""},
		"with other requests": {[]string{"--url", right, "--token-file", token, "--requests", "40", "--seed", "7"}, 0, "40 requests of at most 40, seed 7", ""},
		"differs":             {[]string{"--url", differs, "--token-file", token}, 0, "own.no-store", ""},
		"differs, strict":     {[]string{"--url", differs, "--token-file", token, "--strict"}, 1, "Cache-Control is []", "rules broken"},
		"wrong":               {[]string{"--url", wrong, "--token-file", token}, 1, "auth.none", "rules broken"},
		"the same":            {[]string{"--url", right, "--token-file", token, "--compare", right, "--compare-token-file", token}, 0, "0 of", ""},
		"compared":            {[]string{"--url", right, "--token-file", token, "--compare", wrong, "--compare-token-file", token}, 1, "status 401 here, 418 there", "answers differ"},
		"a refused token":     {[]string{"--url", right, "--token-file", bad}, 2, "", "could not judge: " + right + " refuses the token"},
		"no document":         {[]string{"--url", right, "--token-file", token, "--document", bad}, 2, "", "could not judge: the document can't be read"},
		"writing":             {[]string{"--url", right, "--token-file", token, "--write", "--requests", "20"}, 0, "Rules of recording", ""},
		"other tokens":        {[]string{"--url", right, "--token-file", token, "--other-token", "read-only=" + token, "--requests", "20"}, 1, "tokens.read-only", "rules broken"},
		"another unsupported": {[]string{"--url", right, "--token-file", token, "--unsupported", "x"}, 2, "", `"x" is given as unsupported, and is no parameter of the document`},
		"another parameter":   {[]string{"--url", right, "--token-file", token, "--value", "x=y"}, 2, "", `no parameter of the document`},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, code := run(t, conformArgs(t, c.args...)...)
			if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) || (stderr == "") != (c.stderr == "") {
				t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
			}
		})
	}
}

func TestConform_ReadsADocument(t *testing.T) {
	url, token := realServer(t, nil)
	file := filepath.Join(t.TempDir(), "next.yaml")
	next := contracttest.Changed(t, contracttest.Base(), contracttest.Insert("paths /v1/deployments get parameters name=status schema enum", -1, "PAUSED"))
	if err := os.WriteFile(file, next, 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, _, code := run(t, conformArgs(t, "--url", url, "--token-file", token, "--document", file, "--requests", "1000")...)
	if code != 1 || !strings.Contains(stdout, "status=PAUSED is answered with 400") || !strings.Contains(stdout, "against "+file) {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
}

func TestConform_WritesJSONAndJUnit(t *testing.T) {
	url, token := realServer(t, nil)
	stdout, _, code := run(t, conformArgs(t, "--url", url, "--token-file", token, "--output", "json")...)
	var report struct{ Rules []struct{ ID string } }
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || code != 0 || len(report.Rules) == 0 {
		t.Errorf("exit code %d, %v\n%s", code, err, stdout)
	}
	stdout, _, code = run(t, conformArgs(t, "--url", url, "--token-file", token, "--output", "junit")...)
	var suites struct {
		Tests int `xml:"tests,attr"`
	}
	if err := xml.Unmarshal([]byte(stdout), &suites); err != nil || code != 0 || suites.Tests != len(report.Rules) {
		t.Errorf("exit code %d, %v\n%s", code, err, stdout)
	}
}

func TestConform_WritesForPeopleAndGitHub(t *testing.T) {
	differs, token := realServer(t, withoutCache)
	stdout, _, code := run(t, conformArgs(t, "--url", differs, "--token-file", token, "--output", "html")...)
	if code != 0 || !strings.HasPrefix(stdout, "<!DOCTYPE html>") || !strings.Contains(stdout, "own.no-store") {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
	summary := filepath.Join(t.TempDir(), "summary.md")
	if err := os.WriteFile(summary, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{summary: "before\n## conform: http", "": ""} {
		t.Setenv("GITHUB_STEP_SUMMARY", file)
		stdout, _, code = run(t, conformArgs(t, "--url", differs, "--token-file", token, "--output", "github", "--strict")...)
		if code != 1 || !strings.HasPrefix(stdout, "::error title=conform%3A own.no-store::") || strings.Contains(stdout, "## conform") != (file == "") {
			t.Errorf("exit code %d\n%s", code, stdout)
		}
		if text, _ := os.ReadFile(file); !strings.HasPrefix(string(text), want) {
			t.Errorf("the summary is %s", text)
		}
	}
}

func TestConform_ReportsAllInvalidSettings(t *testing.T) {
	clientEnvironment(t, "ftp://u:hunter2@host")
	_, stderr, code := run(t, "conform", "--token-file", "/does/not/exist", "--document", "/does/not/exist/either", "--value", "x", "--output", "xml", "--mapping", "/does/not/exist", "--other-token", "admin=x", "--other-token", "expired=/does/not/exist",
		"--requests", "3", "--seed=-1", "--timeout", "0s", "--compare", "host")
	if code != 2 || strings.Contains(stderr, "hunter2") {
		t.Errorf("exit code %d", code)
	}
	golden(t, "conform-faults.txt", stderr)
	clientEnvironment(t, "http://127.0.0.1:1")
	if _, stderr, code := run(t, "conform", "--compare-token-file", "x"); code != 2 || !strings.Contains(stderr, "--compare-token-file: needs --compare") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
