package httpserver_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/csv"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/importer"
	"github.com/deployrecords/deployrecords/internal/racetest"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
	"github.com/deployrecords/deployrecords/internal/ui"
)

// withPages serves the pages to a client that follows no redirects and keeps no cookies.
func withPages(o *options) {
	o.UI = &ui.Options{SessionSecrets: [][]byte{[]byte("a secret of sessions, longer than 32 bytes")}}
	o.client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// submit sends a form as a browser does.
func (s *testServer) submit(path string, form url.Values, headers ...string) answer {
	s.t.Helper()
	request, err := http.NewRequest(http.MethodPost, s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	return s.send(request, append(headers, "Content-Type: application/x-www-form-urlencoded")...)
}

// login returns the header with the cookie of a session.
func (s *testServer) login(token string) (cookie string) {
	s.t.Helper()
	answer := s.submit("/login", url.Values{"token": {token}})
	if answer.status != http.StatusSeeOther {
		s.t.Fatalf("login: got %d %s", answer.status, answer.body)
	}
	set := answer.header.Get("Set-Cookie")
	for _, part := range []string{"session=", "HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(set, part) {
			s.t.Errorf("the cookie has no %s: %s", part, set)
		}
	}
	return "Cookie: " + strings.Split(set, ";")[0]
}

func TestPagesNeedALogin(t *testing.T) {
	t.Parallel()
	server, _ := onSQLite(t, withPages)
	answer := server.do("GET", "/records?status=DEPLOYED")
	if location := answer.header.Get("Location"); answer.status != 303 || location != "/login?next=%2Frecords%3Fstatus%3DDEPLOYED" {
		t.Fatalf("got %d to %q", answer.status, location)
	}
	good := token(t, "acme")
	cookie := server.login("  " + good + "\n")
	if answer := server.do("GET", "/", cookie); answer.status != 200 || !bytes.Contains(answer.body, []byte("acme")) {
		t.Errorf("with a session: %d", answer.status)
	}
	if answer := server.do("GET", "/", "Authorization: Bearer "+good); answer.status != 200 || bytes.Contains(answer.body, []byte("Log out")) {
		t.Errorf("with a proxy's token: %d", answer.status)
	}
	session := strings.TrimPrefix(cookie, "Cookie: session=")
	for _, header := range []string{cookie, "Authorization: Bearer " + session} {
		if answer := server.do("GET", "/v1/deployments", header); answer.status != 401 {
			t.Errorf("a session opens the API: %d", answer.status)
		}
	}
	parts := strings.Split(session, ".")
	other := strings.Split(strings.TrimPrefix(server.login(token(t, "globex")), "Cookie: session="), ".")
	for name, forged := range map[string]string{
		"a bearer token": good, "the payload of another": parts[0] + "." + other[1] + "." + parts[2], "cut off": session[:len(session)-1],
		"no algorithm": "eyJhbGciOiJub25lIn0." + parts[1] + ".", "no token": "x",
	} {
		answer := server.do("GET", "/", "Cookie: session="+forged)
		if answer.status != 303 || !strings.HasPrefix(answer.header.Get("Location"), "/login") {
			t.Errorf("%s: got %d", name, answer.status)
		}
	}
	if answer := server.do("GET", "/", "Authorization: Bearer x"); answer.status != 401 || !bytes.Contains(answer.body, []byte("proxy")) {
		t.Errorf("a bad token of a proxy: %d %s", answer.status, answer.body)
	}
	if answer := server.submit("/logout", nil, cookie); answer.status != 303 || !strings.Contains(answer.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("logout: %d %v", answer.status, answer.header)
	}
	if answer := server.do("GET", "/", cookie); answer.status != 303 {
		t.Errorf("a copied cookie after the logout: got %d", answer.status)
	}
}

func TestSessionsEndWithTheirTokens(t *testing.T) {
	t.Parallel()
	server, s := onSQLite(t, withPages)
	short := server.login(token(t, "acme", func(r *auth.MintRequest) { r.TTL = time.Second }))
	long := server.login(token(t, "acme"))
	// Servers that share the secret accept each other's sessions, as long as they accept the key and the organization.
	for name, c := range map[string]struct {
		change func(*options)
		status int
	}{
		"another server":       {func(*options) {}, 200},
		"without the key":      {func(o *options) { o.auth.HMACSecrets = [][]byte{[]byte("another secret of more than 32 bytes")} }, 303},
		"without the tenant":   {func(o *options) { o.auth.Organizations = []string{"globex"} }, 303},
		"with an audience":     {func(o *options) { o.auth.Audience = "deployrecords" }, 303},
		"with a project claim": {func(o *options) { o.auth.ProjectClaim = "repository" }, 303},
		"with other secrets":   {func(o *options) { o.UI = &ui.Options{} }, 303},
		"with rotated secrets": {func(o *options) {
			o.UI.SessionSecrets = append([][]byte{[]byte("a new secret of sessions, 32 bytes or more")}, o.UI.SessionSecrets...)
		}, 200},
	} {
		other := newServer(t, s.(*store.Store), withPages, c.change)
		if answer := other.do("GET", "/", long); answer.status != c.status {
			t.Errorf("%s: got %d, want %d", name, answer.status, c.status)
		}
	}
	const path = "/slot?environment_name=e&deployment_name=d"
	answer := server.do("GET", path, short)
	for attempts := 0; answer.status == 200 && attempts < 100; attempts++ { // exp is in whole seconds
		time.Sleep(100 * time.Millisecond)
		answer = server.do("GET", path, short)
	}
	if location := answer.header.Get("Location"); answer.status != 303 || location != "/login?next=%2Fslot%3Fenvironment_name%3De%26deployment_name%3Dd&reason=ended" {
		t.Errorf("an expired session: %d to %q", answer.status, location)
	}
}

func TestLoginReturnsOnlyToThisServer(t *testing.T) {
	t.Parallel()
	server, _ := onSQLite(t, withPages)
	for next, want := range map[string]string{
		"/records?status=DEPLOYED": "/records?status=DEPLOYED", "": "/", "//evil.test": "/", "https://evil.test/": "/", `/\evil.test`: "/", "/\t/evil.test": "/",
		"javascript:alert(1)": "/", "evil": "/", "/login": "/", "http:/x": "/", "/%2F/evil.test": "/", "///evil.test": "/",
	} {
		answer := server.submit("/login", url.Values{"token": {token(t, "acme")}, "next": {next}})
		if got := answer.header.Get("Location"); answer.status != 303 || got != want {
			t.Errorf("%q: got %d to %q, want %q", next, answer.status, got, want)
		}
	}
}

func TestLoginRejectsWithAdvice(t *testing.T) {
	t.Parallel()
	server, _ := onSQLite(t, withPages)
	writer := token(t, "acme", func(r *auth.MintRequest) { r.Scopes = []auth.Scope{auth.WriteDeployments} })
	for _, c := range []struct {
		token   string
		headers []string
		status  int
		want    string
	}{
		{"", nil, 400, "Paste a token"},
		{"x", nil, 401, "The token is not accepted: the token is malformed"},
		{writer, nil, 401, "does not have the scope deployments:read"},
		{token(t, "acme"), []string{"Sec-Fetch-Site: cross-site"}, 403, "came from another site"},
		{token(t, "acme"), []string{"Origin: https://evil.test"}, 403, "came from another site"},
	} {
		answer := server.submit("/login", url.Values{"token": {c.token}, "next": {"/records"}}, c.headers...)
		if answer.status != c.status || !strings.Contains(string(answer.body), c.want) || answer.header.Get("Set-Cookie") != "" {
			t.Errorf("%q: got %d %s", c.token, answer.status, answer.body)
		}
	}
	var last answer
	for range 12 {
		last = server.submit("/login", url.Values{"token": {"x"}})
	}
	if last.status != 429 || last.header.Get("Retry-After") == "" || !strings.Contains(string(last.body), "too many failed logins") {
		t.Errorf("after many failures: %d %s", last.status, last.body)
	}
	if answer := server.do("GET", "/", "Authorization: Bearer "+token(t, "acme")); answer.status != 200 {
		t.Errorf("the pages after many failures: %d", answer.status)
	}
	// All people behind a proxy have one address: the failures of one must not lock out the others.
	if answer := server.submit("/login", url.Values{"token": {token(t, "acme")}}); answer.status != 303 {
		t.Errorf("a good token after many failures: %d", answer.status)
	}
}

func TestPagesWaitForTheKeysOfTokens(t *testing.T) {
	t.Parallel()
	server, _ := onSQLite(t, withPages, func(o *options) { o.auth.JWKSURL = "http://127.0.0.1:1/jwks" }) // nobody listens there
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{"org_id": "acme", "exp": time.Now().Add(time.Hour).Unix()}).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string]answer{
		"login": server.submit("/login", url.Values{"token": {unknown}}),
		"page":  server.do("GET", "/", "Authorization: Bearer "+unknown),
	} {
		if answer.status != 503 || answer.header.Get("Retry-After") == "" || answer.header.Get("Refresh") == "" {
			t.Errorf("%s: got %d %v", name, answer.status, answer.header)
		}
	}
}

func TestTokensAndSessionsAreDistinguished(t *testing.T) {
	t.Parallel()
	server, _ := onSQLite(t, withPages)
	// A proxy may authenticate by itself and forward its own header.
	ended := server.do("GET", "/", "Authorization: Basic eDp5", "Cookie: session=x")
	if ended.status != 303 || !strings.Contains(ended.header.Get("Location"), "reason=ended") || !strings.Contains(ended.header.Get("Set-Cookie"), "session=;") {
		t.Errorf("an invalid session: %d %v", ended.status, ended.header)
	}
	writer := token(t, "acme", func(r *auth.MintRequest) { r.Scopes = []auth.Scope{auth.WriteDeployments} })
	if answer := server.do("GET", "/", "Authorization: Bearer "+writer); answer.status != 403 {
		t.Errorf("a token without the scope: %d", answer.status)
	}
}

func TestCookiesAreSecureBeyondLoopback(t *testing.T) {
	t.Parallel()
	server, _ := onSQLite(t, withPages)
	request, err := http.NewRequest(http.MethodPost, server.url+"/login", strings.NewReader(url.Values{"token": {token(t, "acme")}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "deployrecords.example"
	answer := server.send(request, "Content-Type: application/x-www-form-urlencoded", "Origin: https://deployrecords.example")
	if cookie := answer.header.Get("Set-Cookie"); answer.status != 303 || !strings.HasPrefix(cookie, "__Host-session=") || !strings.Contains(cookie, "; Secure") || strings.Contains(cookie, "Domain") {
		t.Errorf("got %d %s", answer.status, cookie)
	}
}

// A proxy with TLS may replace the host by that of the server.
func TestCookiesAreSecureBehindAProxyThatReplacesTheHost(t *testing.T) {
	t.Parallel()
	server, _ := onSQLite(t, withPages)
	form := url.Values{"token": {token(t, "acme")}}
	browser := []string{"Origin: https://deployrecords.example", "Sec-Fetch-Site: same-origin"}
	plain := server.login(token(t, "globex"))
	answer := server.submit("/login", form, append(browser, plain)...)
	set := answer.header.Values("Set-Cookie")
	if answer.status != 303 || len(set) != 2 || !strings.HasPrefix(set[0], "__Host-session=ey") || !strings.Contains(set[0], "; Secure") || !strings.HasPrefix(set[1], "session=; Path=/; Max-Age=0") {
		t.Fatalf("got %d %q", answer.status, set)
	}
	secure, _, _ := strings.Cut(set[0], ";")
	both := plain + "; " + secure
	if answer := server.do("GET", "/", both); answer.status != 200 || !bytes.Contains(answer.body, []byte("acme")) || bytes.Contains(answer.body, []byte("globex")) {
		t.Errorf("with both cookies: %d", answer.status)
	}
	answer = server.submit("/logout", nil, append(browser, both)...)
	set = answer.header.Values("Set-Cookie")
	if answer.status != 303 || len(set) != 2 || !strings.HasPrefix(set[0], "__Host-session=; Path=/; Max-Age=0") || !strings.Contains(set[0], "; Secure") || !strings.HasPrefix(set[1], "session=; Path=/; Max-Age=0") {
		t.Errorf("logout: %d %q", answer.status, set)
	}
	for _, copied := range []string{plain, "Cookie: " + secure} {
		if answer := server.do("GET", "/", copied); answer.status != 303 {
			t.Errorf("after the logout: %d", answer.status)
		}
	}
	request, err := http.NewRequest(http.MethodGet, server.url+"/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "deployrecords.example"
	if answer := server.send(request, server.login(token(t, "acme"))); answer.status != 303 {
		t.Errorf("a cookie without the prefix beyond loopback: %d", answer.status)
	}
}

func TestPagesHaveSafeHeaders(t *testing.T) {
	t.Parallel()
	server, _ := onSQLite(t, withPages)
	bearer := "Authorization: Bearer " + token(t, "acme")
	for _, path := range []string{"/", "/records", "/records/csv", "/slot", "/search?q=x", "/login", "/nothing", "/docs/"} {
		answer := server.do("GET", path, bearer, "Accept: text/html")
		policy := answer.header.Get("Content-Security-Policy")
		want := "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
		if path == "/docs/" {
			if strings.Contains(policy, "script-src 'self' 'unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") {
				t.Errorf("%s: %s", path, policy)
			}
		} else if policy != want {
			t.Errorf("%s: %s", path, policy)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store"} {
			if got := answer.header.Values(name); !slices.Equal(got, []string{want}) {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		for _, asset := range regexp.MustCompile(`/assets/[^"]+`).FindAllString(string(answer.body), -1) {
			answer := server.do("GET", asset)
			if answer.status != 200 || !strings.Contains(answer.header.Get("Cache-Control"), "immutable") || !regexp.MustCompile(`\.[0-9a-f]{16}\.`).MatchString(asset) {
				t.Errorf("%s: %d %v", asset, answer.status, answer.header)
			}
		}
		head := server.do("HEAD", path, bearer, "Accept: text/html")
		if path != "/nothing" && (head.status != answer.status || len(head.body) > 0) {
			t.Errorf("HEAD %s: %d, %d bytes", path, head.status, len(head.body))
		}
	}
}

func TestUnknownPathsAreHTMLForBrowsersOnly(t *testing.T) {
	t.Parallel()
	server, s := onSQLite(t, withDocument(t), withPages)
	without := newServer(t, s.(*store.Store), withDocument(t))
	const browser = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"
	for _, c := range []struct {
		server     *testServer
		path       string
		headers    []string
		wantPrefix string
	}{
		{server, "/nothing", []string{browser}, "text/html"},
		{server, "/records/xml", []string{browser, "Authorization: Bearer " + token(t, "acme")}, "text/html"},
		{server, "/nothing", nil, "application/json"},
		{server, "/nothing", []string{"Accept: */*"}, "application/json"},
		{server, "/v1/nothing", []string{browser}, "application/json"},
		{server, "/v1", []string{browser}, "application/json"},
		{without, "/nothing", []string{browser}, "application/json"},
		{without, "/", []string{browser}, "application/json"},
		{without, "/login", []string{browser}, "application/json"},
		{without, "/docs/", []string{browser}, "application/json"},
	} {
		answer := c.server.do("GET", c.path, c.headers...)
		if contentType := answer.header.Get("Content-Type"); answer.status != 404 || !strings.HasPrefix(contentType, c.wantPrefix) {
			t.Errorf("%s %q: %d %s", c.path, c.headers, answer.status, contentType)
		}
	}
	if answer := server.do("DELETE", "/records", browser); answer.status != 405 || answer.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("another method: %d %v", answer.status, answer.header)
	}
}

func TestPagesShowTheViolationsOfTheAPI(t *testing.T) {
	t.Parallel()
	server, _ := onSQLite(t, withPages)
	bearer := "Authorization: Bearer " + token(t, "acme")
	for _, query := range []string{
		"?status=RUNNING", "?artifact_kind=&status=", "?full_history=1", "?pagination.page=-1", "?pagination.page_size=x", "?project_version_name=v",
		"?environment_name=a&environment_name=b", "?environment_name=%ff", "?deployment_name=%zz", "?status=%3Cimg%20onerror%3Dalert(1)%3E",
	} {
		for _, page := range []string{"/", "/records", "/records/ndjson"} {
			answer := server.do("GET", page+query, bearer)
			if answer.status != 400 {
				t.Errorf("%s%s: %d", page, query, answer.status)
			}
			for _, detail := range server.get(query).details(t) {
				name, message, _ := strings.Cut(detail, ": ")
				if text := html.UnescapeString(string(answer.body)); !strings.Contains(text, detail) && !strings.Contains(text, `id="v-`+name+`"><bdi>`+message) {
					t.Errorf("%s%s does not show %q", page, query, detail)
				}
			}
			if bytes.Contains(answer.body, []byte("<img")) {
				t.Errorf("%s%s has the markup of its query", page, query)
			}
		}
	}
	answer := server.do("GET", "/records?status=RUNNING&deployment_name=kept", bearer)
	if !bytes.Contains(answer.body, []byte(`value="kept"`)) || !bytes.Contains(answer.body, []byte(`<option value="RUNNING" selected>`)) {
		t.Errorf("the form lost what was typed: %s", answer.body)
	}
}

func TestExportsHaveExactlyTheView(t *testing.T) {
	t.Parallel()
	onEachEngine(t, func(t *testing.T, server *testServer, s deployments.Store) {
		formula := storetest.Entry(1, 1, "=1+1", "api", storetest.WithStage("production"), storetest.WithIDs("acme"))
		storetest.Load(t, s, "acme", formula,
			storetest.Entry(2, 2, "eu", "api", storetest.WithStatus(deployments.Superseded), storetest.WithIDs("acme")),
			storetest.Entry(3, 3, "eu", "web", storetest.WithKind(deployments.HelmChart), storetest.WithIDs("acme")))
		bearer := "Authorization: Bearer " + token(t, "acme")
		const query = "?full_history=true&status=DEPLOYED"
		want := storetest.Ask(t, s, storetest.Acme, deployments.Query{History: deployments.All, Status: deployments.Deployed})

		lines := server.do("GET", "/records/ndjson"+query, bearer)
		if _, err := s.Import(t.Context(), "acme", importer.Entries(bytes.NewReader(lines.body), time.Now)); err != nil {
			t.Fatalf("%v: %s", err, lines.body)
		}
		other := storetest.OpenMemory(t, store.MemoryOptions{})
		if _, err := other.Import(t.Context(), "acme", importer.Entries(bytes.NewReader(lines.body), time.Now)); err != nil {
			t.Fatal(err)
		}
		if got := storetest.Ask(t, other, storetest.Acme, deployments.Query{History: deployments.All}); !slices.Equal(got.Records, want.Records) {
			t.Errorf("NDJSON: got %+v, want %+v", got.Records, want.Records)
		}
		object := server.do("GET", "/records/json"+query, bearer)
		if got, want := fmt.Sprint(object.json(t)["deployment_records"]), fmt.Sprint(server.get(query).json(t)["deployment_records"]); got != want {
			t.Errorf("JSON: got %s, want %s", got, want)
		}
		table := server.do("GET", "/records/csv"+query+"&bom=true", bearer)
		text, marked := strings.CutPrefix(string(table.body), "\ufeff")
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || !marked || len(rows) != 3 || rows[2][2] != "'=1+1" || rows[1][0] != storetest.ID(3) {
			t.Errorf("CSV: %v %q", err, rows)
		}
		if disposition := table.header.Get("Content-Disposition"); disposition != `attachment; filename="deployrecords.csv"` {
			t.Error(disposition)
		}
	}, withPages)
}

var hrefs = regexp.MustCompile(`(?:href|action)="([^"]*)"`)

// A walk over every link of every page shows no name of another organization or project.
func TestT5_NoPageShowsNamesOfOthers(t *testing.T) {
	racetest.Skip(t)
	t.Parallel()
	onEachEngine(t, func(t *testing.T, server *testServer, s deployments.Store) {
		storetest.Load(t, s, "acme",
			storetest.Entry(1, 1, "ours-env", "ours-api", storetest.WithStage("production"), storetest.WithDigest(1), storetest.WithProject("web", "v1")),
			storetest.Entry(2, 2, "ours-env", "shared-slot", storetest.WithDigest(1), storetest.WithStatus(deployments.Superseded), storetest.WithProject("web", "v1")),
			storetest.Entry(3, 3, "ours-env", "shared-slot", storetest.WithStage("foreign-stage"), storetest.WithDigest(0xabc), storetest.WithProject("foreign-project", "v1")),
			storetest.Entry(4, 4, "foreign-env", "foreign-api", storetest.WithStage("foreign-stage"), storetest.WithDigest(0xabc), storetest.WithProject("foreign-project", "v1")),
		)
		storetest.Load(t, s, "globex", storetest.Entry(5, 5, "secret-env", "secret-api", storetest.WithStage("secret-stage"), storetest.WithDigest(0xdef), storetest.WithProject("secret-project", "v1")))
		for project, forbidden := range map[string]*regexp.Regexp{
			// The zeros distinguish the digests from ids, which are random.
			"web": regexp.MustCompile(`foreign|secret|0{20}abc\b|0{20}def\b|globex`),
			"":    regexp.MustCompile(`secret|0{20}def\b|globex`),
		} {
			bearer := "Authorization: Bearer " + token(t, "acme", func(r *auth.MintRequest) { r.Project = project })
			queue := []string{"/", "/?by=environment", "/?full_history=false&by=environment", "/search?q=o", "/search?q=s", "/search?q=h", "/search?q=0", "/search?q=r", "/records?full_history=true"}
			seen := map[string]bool{}
			for len(queue) > 0 {
				path := queue[0]
				queue = queue[1:]
				if seen[path] || strings.HasPrefix(path, "/docs") || strings.HasPrefix(path, "/openapi") || strings.HasPrefix(path, "/assets") || strings.HasPrefix(path, "#") {
					continue
				}
				seen[path] = true
				if len(seen) > 300 {
					t.Fatalf("the walk does not end: %s", path)
				}
				answer := server.do("GET", path, bearer)
				if answer.status >= 400 {
					t.Errorf("the link %s leads to %d", path, answer.status)
				}
				if found := forbidden.Find(answer.body); found != nil {
					t.Errorf("project %q: %s shows %s", project, path, found)
				}
				if location := answer.header.Get("Location"); location != "" {
					queue = append(queue, location)
				}
				for _, match := range hrefs.FindAllStringSubmatch(string(answer.body), -1) {
					queue = append(queue, html.UnescapeString(match[1]))
				}
			}
			if len(seen) < 15 {
				t.Errorf("the walk saw only %d pages", len(seen))
			}
			// A name of another organization is as unknown as a name of nobody.
			for _, path := range []string{"/slot?environment_name=%s-env&deployment_name=%s-api", "/environment?environment_name=%s-env", "/search?q=%s", "/records?logical_environment_name=%s-stage", "/?project_name=%s-project"} {
				shown := func(word string) string {
					page := string(server.do("GET", strings.ReplaceAll(path, "%s", word), bearer).body)
					return strings.ReplaceAll(page, word, "")
				}
				if shown("secret") != shown("nobody") {
					t.Errorf("%s differs for what another organization has", path)
				}
			}
		}
	}, withPages)
}

var columnPages = regexp.MustCompile(`(?s)<nav class="pager" aria-label="Pages of environments">\s*<span>([^<]*)</span>(.*?)</nav>`)

func TestMatrixOf2000EnvironmentsHasPagesOfColumns(t *testing.T) {
	racetest.Skip(t)
	t.Parallel()
	onEachEngine(t, func(t *testing.T, server *testServer, s deployments.Store) {
		var entries []deployments.ImportEntry
		add := func(environment, deployment int) {
			n := len(entries) + 1
			entries = append(entries, storetest.Entry(n, n, fmt.Sprintf("edge-store-%04d", environment), fmt.Sprintf("payment-gateway-%02d", deployment)))
		}
		for environment := range 2000 {
			add(environment, 0)
			for deployment := 1; environment < 200 && deployment < 25; deployment++ {
				add(environment, deployment)
			}
		}
		storetest.Load(t, s, "acme", entries...)
		bearer := "Authorization: Bearer " + token(t, "acme")
		for _, c := range []struct {
			path, shown, first, absent string
		}{
			{"/?by=environment", "1–200 of 2\u202f000 environments", "edge-store-0000", "edge-store-0200"},
			// Every link repeats the parameters of the page.
			{"/?by=environment&x=" + strings.Repeat("x", 100_000), "1–200 of 2\u202f000 environments", "edge-store-0000", "edge-store-0200"},
			{"/?by=environment&column_page=10", "1\u202f801–2\u202f000 of 2\u202f000 environments", "edge-store-1800", "edge-store-1799"},
			{"/?by=environment&column_page=99", "2\u202f000 environments", "payment-gateway-24", "edge-store"},
			{"/?by=environment&column_page=2&environment_name=edge-store-1234", "", "edge-store-1234", "edge-store-0200"},
		} {
			answer := server.do("GET", c.path, bearer)
			page := html.UnescapeString(string(answer.body))
			var shown string
			if found := columnPages.FindStringSubmatch(page); found != nil {
				shown = found[1]
			}
			if answer.status != 200 || len(answer.body) > 2_000_000 || shown != c.shown || !strings.Contains(page, c.first) || strings.Contains(page, c.absent) {
				t.Errorf("%s: %d, %d bytes, %q, with %s %v, with %s %v", c.path, answer.status, len(answer.body), shown,
					c.first, strings.Contains(page, c.first), c.absent, strings.Contains(page, c.absent))
			}
		}
		walked := 0
		for path := "/?by=environment"; path != "" && walked < 20; walked++ {
			links := columnPages.FindStringSubmatch(string(server.do("GET", path, bearer).body))
			if links == nil {
				t.Fatalf("%s has no pages of columns", path)
			}
			path = ""
			if next := regexp.MustCompile(`rel="next" href="([^"]*)"`).FindStringSubmatch(links[2]); next != nil {
				path = html.UnescapeString(next[1])
			}
		}
		if walked != 10 {
			t.Errorf("walked over %d pages of columns", walked)
		}
		for _, number := range []string{"0", "-1", "x", "3000000000"} {
			answer := server.do("GET", "/?column_page="+number, bearer)
			if answer.status != 400 || !strings.Contains(html.UnescapeString(string(answer.body)), `column_page: "`+number+`" is not a number from 1 to 2147483647`) {
				t.Errorf("column_page=%s: %d", number, answer.status)
			}
		}
	}, withPages)
}

func TestASettingOrdersTheLogicalEnvironmentsOfTheMatrix(t *testing.T) {
	t.Parallel()
	server, s := onSQLite(t, withPages, func(o *options) { o.UI.LogicalEnvironments = []string{"zulu", "canary"} })
	for n, stage := range []string{"canary", "dev", "zulu"} {
		storetest.Load(t, s, "acme", storetest.Entry(n, n, stage, "web", storetest.WithStage(stage), storetest.WithDigest(n)))
	}
	page := string(server.do("GET", "/", "Authorization: Bearer "+token(t, "acme")).body)
	columns := regexp.MustCompile(`<th scope="col"><a [^>]*title="([^"]*)"`).FindAllStringSubmatch(page, -1)
	if len(columns) != 3 || columns[0][1] != "zulu" || columns[1][1] != "canary" || columns[2][1] != "dev" {
		t.Errorf("the columns are %q", columns)
	}
	if marked := strings.Count(page, "Other digests than zulu"); marked != 1 || strings.Contains(page, "Other digests than canary") {
		t.Errorf("%d cells differ from zulu: %s", marked, page)
	}
}

func TestPagesRetryWhileTheDatabaseIsDown(t *testing.T) {
	t.Parallel()
	stub := stubStore{list: func(context.Context) (deployments.Result, error) {
		return deployments.Result{}, fmt.Errorf("%w: secret address", deployments.ErrUnavailable)
	}}
	server := newServer(t, stub, withPages)
	answer := server.do("GET", "/records", "Authorization: Bearer "+token(t, "acme"))
	if answer.status != 503 || answer.header.Get("Refresh") != "5" || answer.header.Get("Retry-After") != "5" || !bytes.Contains(answer.body, []byte("tries again")) {
		t.Errorf("got %d %v %s", answer.status, answer.header, answer.body)
	}
	if bytes.Contains(answer.body, []byte("secret")) {
		t.Errorf("the page has the cause: %s", answer.body)
	}
}
