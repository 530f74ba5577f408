package e2e_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// workloadIssuer is the issuer of a CI system, with OpenID Connect discovery, and the address at which a job of GitHub requests a
// token.
type workloadIssuer struct {
	*httptest.Server
	key     *rsa.PrivateKey
	claims  jwt.MapClaims
	fetched atomic.Int32 // the number of times that the keys were requested
}

func newWorkloadIssuer(t *testing.T, claims jwt.MapClaims) *workloadIssuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &workloadIssuer{key: key, claims: claims}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/jwks"})
	})
	routes.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) {
		i.fetched.Add(1)
		encode := func(n *big.Int) string { return base64.RawURLEncoding.EncodeToString(n.Bytes()) }
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []map[string]string{{
			"kty": "RSA", "kid": "k", "use": "sig", "alg": "RS256", "n": encode(key.N), "e": encode(big.NewInt(int64(key.E))),
		}}})
	})
	routes.HandleFunc("GET /request", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "bearer of-the-job" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"value": i.token(t, jwt.MapClaims{"aud": r.URL.Query().Get("audience")})})
	})
	i.Server = httptest.NewServer(routes)
	t.Cleanup(i.Close)
	return i
}

// token returns a token of a job.
func (i *workloadIssuer) token(t *testing.T, change jwt.MapClaims) string {
	t.Helper()
	claims := jwt.MapClaims{"iss": i.URL, "iat": time.Now().Unix(), "exp": time.Now().Add(5 * time.Minute).Unix(), "jti": rand.Text()}
	maps.Copy(claims, i.claims)
	maps.Copy(claims, change)
	unsigned := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	unsigned.Header["kid"] = "k"
	token, err := unsigned.SignedString(i.key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// documentedTrust returns the trust file of a section of docs/identity-providers.md, for this issuer.
func documentedTrust(t *testing.T, section, issuer string, i *workloadIssuer) string {
	t.Helper()
	_, text, found := strings.Cut(read(t, "docs/identity-providers.md"), "\n## "+section+"\n")
	_, text, ok := strings.Cut(text, "```yaml\n# trust.yaml\n")
	text, _, closed := strings.Cut(text, "```")
	if !found || !ok || !closed || !strings.Contains(text, issuer) {
		t.Fatalf("no trust file for %s", section)
	}
	return strings.ReplaceAll(text, issuer, i.URL)
}

// block returns the lines of a YAML block that are deeper than its key, without their indentation.
func block(t *testing.T, text, key string) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^( *)` + regexp.QuoteMeta(key) + `\n((?:\s*\n| +.*\n)+)`).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no %s in\n%s", key, text)
	}
	lines := strings.Split(found[2], "\n")
	indentation := lines[0][:len(lines[0])-len(strings.TrimLeft(lines[0], " "))]
	var script []string
	for _, line := range lines {
		rest, deeper := strings.CutPrefix(line, indentation)
		if !deeper {
			break
		}
		script = append(script, rest)
	}
	return strings.Join(script, "\n")
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// shell runs a script of a job with the built program in its PATH.
func shell(t *testing.T, script string, env ...string) (string, error) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir = t.TempDir()
	cmd.Env = slices.Concat(env, []string{
		"PATH=" + filepath.Dir(path) + ":" + os.Getenv("PATH"),
		"DIGEST=sha256:9c395e9d449e9c77ebbb427c61ffb184b66c602158005ab5d5577342014b83f9",
	})
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return out.String(), err
}

func TestAJobRecordsWithTheTokenOfItsCISystem(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"curl", "jq", "bash"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("needs %s", name)
		}
	}
	page := read(t, "docs/identity-providers.md")
	github := newWorkloadIssuer(t, jwt.MapClaims{
		"sub": "repo:acme/web:ref:refs/heads/main", "repository": "acme/web", "repository_owner_id": "65", "ref": "refs/heads/main",
	})
	gitlab := newWorkloadIssuer(t, jwt.MapClaims{
		"sub": "project_path:acme/web:ref_type:branch:ref:main", "namespace_path": "acme", "project_id": "20", "ref_protected": "true",
		"aud": "https://deployrecords.example.com",
	})
	trust := filepath.Join(t.TempDir(), "trust.yaml")
	rules := documentedTrust(t, "GitHub Actions", "https://token.actions.githubusercontent.com", github) + documentedTrust(t, "GitLab", "https://gitlab.com", gitlab)
	writeFile(t, trust, rules)
	revoked := filepath.Join(t.TempDir(), "revoked")
	writeFile(t, revoked, "# none\n")
	server := serve(t, []string{"JWT_HMAC_SECRET="}, "--memory", "--organization", "acme", "--trust", trust, "--revoked-jti-file", revoked)

	_, steps, _ := strings.Cut(page, "# .github/workflows/deploy.yaml\n")
	githubScript := block(t, steps, "run: |")
	job := []string{
		"DEPLOYRECORDS_URL=" + server.url, "ACTIONS_ID_TOKEN_REQUEST_TOKEN=of-the-job", "ACTIONS_ID_TOKEN_REQUEST_URL=" + github.URL + "/request?api-version=2.0",
		"GITHUB_RUN_ID=7", "GITHUB_RUN_ATTEMPT=1",
	}
	if out, err := shell(t, githubScript, job...); err != nil || !strings.Contains(out, "recorded web 1.4 in prod-eu: DEPLOYED") {
		t.Fatalf("GitHub: %v\n%s\n%s", err, out, server.log)
	}
	_, steps, _ = strings.Cut(page, "# .gitlab-ci.yml\n")
	_, gitlabScript, _ := strings.Cut(block(t, steps, "script:"), "- ./deploy.sh\n- ")
	gitlabScript = strings.ReplaceAll(gitlabScript, "\n", " ")
	gitlabJob := func(token string) []string {
		return []string{"DEPLOYRECORDS_URL=" + server.url, "CI_JOB_ID=9", "DEPLOYRECORDS_TOKEN=" + token}
	}
	token := gitlab.token(t, jwt.MapClaims{"jti": "leaked"})
	if out, err := shell(t, gitlabScript, gitlabJob(token)...); err != nil || !strings.Contains(out, "already recorded: web 1.4 in prod-eu: DEPLOYED") {
		t.Fatalf("GitLab: %v\n%s\n%s", err, out, server.log)
	}

	// Another repository of the same issuer is named, and nothing else.
	foreign := github.token(t, jwt.MapClaims{"aud": "https://deployrecords.example.com", "repository": "evil/web", "repository_owner_id": "66"})
	out, err := shell(t, gitlabScript, gitlabJob(foreign)...)
	if want := `no rule for the issuer "` + github.URL + `" accepts the token: claim repository "evil/web" does not match; claim repository_owner_id "66" does not match`; err == nil || !strings.Contains(out, want) || strings.Contains(out, "acme/*") {
		t.Errorf("got %v\n%s\nwant %s", err, out, want)
	}

	reloaded := func(text string) {
		t.Helper()
		before := strings.Count(server.log.String(), text)
		if err := server.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); strings.Count(server.log.String(), text) == before; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the log has no %q:\n%s", text, server.log)
			}
		}
	}
	writeFile(t, revoked, "leaked\n")
	reloaded("--revoked-jti-file was reloaded")
	if out, err := shell(t, gitlabScript, gitlabJob(token)...); err == nil || !strings.Contains(out, "has been revoked") {
		t.Errorf("a revoked token: %v\n%s", err, out)
	}
	writeFile(t, trust, rules+"- issuer: x\n  organisation: acme\n")
	reloaded("--trust was not reloaded")
	if !strings.Contains(server.log.String(), `\"organisation\" is not a name here`) {
		t.Errorf("the log has no violation:\n%s", server.log)
	}
	if out, err := shell(t, githubScript, job...); err != nil {
		t.Errorf("after a faulty file: %v\n%s", err, out)
	}
	writeFile(t, trust, strings.Replace(rules, "repository: acme/*", "repository: acme/other", 1))
	reloaded("--trust was reloaded")
	if out, err := shell(t, githubScript, job...); err == nil || !strings.Contains(out, `claim repository "acme/web" does not match`) {
		t.Errorf("after a reload: %v\n%s", err, out)
	}
	if a, b := github.fetched.Load(), gitlab.fetched.Load(); a != 1 || b != 1 {
		t.Errorf("the keys were fetched %d and %d times", a, b)
	}
	// Without a signal, the server finds a changed file by itself.
	writeFile(t, trust, rules)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if out, err := shell(t, githubScript, job...); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("the file was not read again: %v\n%s", err, out)
		}
	}
	if text := server.log.String(); strings.Contains(text, token[len(token)-20:]) {
		t.Error("the log has a part of a token")
	}

	// The documented explanation.
	for name, c := range map[string]struct {
		change jwt.MapClaims
		code   int
		want   []string
	}{
		"accepted": {jwt.MapClaims{"jti": "fine"}, 0, []string{"rule 1 (line 1) accepts the token", `accepted: organization "acme", scopes deployments:read deployments:write, subject "repo:acme/web:ref:refs/heads/main"`}},
		"rejected": {jwt.MapClaims{"ref": "refs/heads/feature"}, 1, []string{
			"rule 1 (line 1) does not match", `NO  ref: the token has "refs/heads/feature", the rule "refs/heads/main", "refs/tags/**"`,
			"rule 2 (line ", "NO  issuer: ", `not accepted: no rule for the issuer "` + github.URL + `" accepts the token: claim ref "refs/heads/feature" does not match`,
		}},
		"revoked": {jwt.MapClaims{"jti": "leaked"}, 1, []string{"rule 1 (line 1) matches and rejects the token", "not accepted: the token has been revoked"}},
	} {
		file := filepath.Join(t.TempDir(), "token")
		change := jwt.MapClaims{"aud": "https://deployrecords.example.com"}
		maps.Copy(change, c.change)
		token := github.token(t, change)
		writeFile(t, file, token+"\n")
		stdout, stderr, code := run(t, []string{"JWT_HMAC_SECRET="}, "token", "check", "--trust", trust, "--revoked-jti-file", revoked, file)
		if code != c.code {
			t.Errorf("%s: exit code %d", name, code)
		}
		for _, want := range c.want {
			if !strings.Contains(stdout, want) {
				t.Errorf("%s: got\n%s%s\nwant %s", name, stdout, stderr, want)
			}
		}
		for part := range strings.SplitSeq(token, ".") {
			if strings.Contains(stdout+stderr, part) {
				t.Errorf("%s: the output has a part of the token", name)
			}
		}
	}
}
