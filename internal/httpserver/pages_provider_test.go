package httpserver_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/auth/jwks"
	"github.com/deployrecords/deployrecords/internal/auth/trust"
	"github.com/deployrecords/deployrecords/internal/oidctest"
	"github.com/deployrecords/deployrecords/internal/racetest"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
	"github.com/deployrecords/deployrecords/internal/ui/provider"
)

// providerSite is a server with pages that a provider logs people in to.
type providerSite struct {
	*testServer
	provider *oidctest.Provider
	pages    *provider.Provider
	options  provider.Options
}

// newProviderSite returns a server whose provider has been discovered, unless it is down.
func newProviderSite(t *testing.T, p *oidctest.Provider, change ...func(*provider.Options, *options)) *providerSite {
	t.Helper()
	s := &providerSite{provider: p}
	s.testServer = newServer(t, storetest.OpenMemory(t, store.MemoryOptions{}), withPages, func(o *options) {
		s.options = provider.Options{
			Issuer: p.Issuer, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret, Name: "Example SSO", Logger: o.Logger,
			Rules: auth.Options{Logger: o.Logger},
		}
		for _, c := range change {
			c(&s.options, o)
		}
		s.pages = provider.New(t.Context(), s.options)
		o.UI.Provider = s.pages
	})
	p.Register(s.url + "/login/callback")
	return s
}

// begin starts a login, and returns the address to which the browser is sent, and the header with its cookie.
func (s *providerSite) begin(next string) (address, cookie string) {
	s.t.Helper()
	answer := s.do("GET", "/login/provider?next="+url.QueryEscape(next))
	if answer.status != http.StatusSeeOther {
		s.t.Fatalf("got %d %s", answer.status, answer.body)
	}
	pending, _, _ := strings.Cut(answer.header.Get("Set-Cookie"), ";")
	return answer.header.Get("Location"), "Cookie: " + pending
}

// path returns a callback's address as a path of this server.
func (s *providerSite) path(callback string) string {
	s.t.Helper()
	path, ok := strings.CutPrefix(callback, s.url)
	if !ok {
		s.t.Fatalf("the provider leads to %s", callback)
	}
	return path
}

// finish logs in at the provider, and returns the answer to the callback.
func (s *providerSite) finish(address, cookie string) answer {
	s.t.Helper()
	return s.do("GET", s.path(s.provider.LogIn(address)), cookie)
}

func TestProviderLogsIn(t *testing.T) {
	t.Parallel()
	s := newProviderSite(t, oidctest.New(t))
	if page := s.do("GET", "/login?next=%2Frecords%3Fstatus%3DDEPLOYED"); !bytes.Contains(page.body, []byte(`href="/login/provider?next=%2Frecords%3Fstatus%3DDEPLOYED"`)) ||
		!bytes.Contains(page.body, []byte("Example SSO")) || !bytes.Contains(page.body, []byte("<textarea")) || page.header.Get("Refresh") != "" {
		t.Errorf("the login: %v %s", page.header, page.body)
	}
	address, pending := s.begin("/records?status=DEPLOYED")
	query := must(url.Parse(address)).Query()
	for name, want := range map[string]string{
		"client_id": oidctest.ClientID, "response_type": "code", "scope": "openid", "code_challenge_method": "S256", "redirect_uri": s.url + "/login/callback",
	} {
		if query.Get(name) != want {
			t.Errorf("%s is %q", name, query.Get(name))
		}
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(query.Get(name)) < 26 {
			t.Errorf("%s is %q", name, query.Get(name))
		}
	}
	callback := s.path(s.provider.LogIn(address))
	answer := s.do("GET", callback, pending)
	set := answer.header.Values("Set-Cookie")
	if answer.status != 303 || answer.header.Get("Location") != "/records?status=DEPLOYED" || len(set) != 2 || !strings.HasPrefix(set[0], "login-") || !strings.Contains(set[0], "Max-Age=0") {
		t.Fatalf("got %d %v %s", answer.status, answer.header, answer.body)
	}
	session, _, _ := strings.Cut(set[1], ";")
	cookie := "Cookie: " + session
	if page := s.do("GET", "/", cookie); page.status != 200 || !bytes.Contains(page.body, []byte("acme")) || !bytes.Contains(page.body, []byte("Log out")) {
		t.Errorf("with the session: %d", page.status)
	}
	if page := s.do("GET", "/login/provider?next=/records", cookie); page.status != 303 || page.header.Get("Location") != "/records" {
		t.Errorf("with a session, the login leads to %s", page.header.Get("Location"))
	}
	if api := s.do("GET", "/v1/deployments", cookie); api.status != 401 {
		t.Errorf("the session opens the API: %d", api.status)
	}
	again := s.do("GET", callback, pending)
	if again.status != 400 || again.header.Get("Set-Cookie") == "" || strings.Contains(again.header.Get("Set-Cookie"), "session=ey") || !bytes.Contains(again.body, []byte("was finished before")) {
		t.Errorf("a replay: %d %v", again.status, again.header)
	}
	out := s.submit("/logout", nil, cookie)
	page := s.do("GET", out.header.Get("Location"))
	if out.status != 303 || !bytes.Contains(page.body, []byte("You are logged out")) || !bytes.Contains(page.body, []byte(s.provider.Issuer+"/end_session?client_id=deployrecords")) {
		t.Errorf("the logout: %d %s", out.status, page.body)
	}
	if page := s.do("GET", "/", cookie); page.status != 303 {
		t.Errorf("after the logout: %d", page.status)
	}
	code := must(url.Parse(callback)).Query().Get("code")
	for _, secret := range []string{oidctest.ClientSecret, code, query.Get("state"), query.Get("nonce"), strings.TrimPrefix(session, "session=")} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

var alert = regexp.MustCompile(`(?s)role="alert"><bdi>(.*?)</bdi>`)

// shown returns the error of a login page.
func shown(t *testing.T, a answer) string {
	t.Helper()
	found := alert.FindSubmatch(a.body)
	if found == nil {
		t.Errorf("the page has no error: %d %s", a.status, a.body)
		return ""
	}
	return strings.NewReplacer("&#39;", "'", "&#43;", "+").Replace(string(found[1]))
}

func TestProviderLoginsRejectWithAdvice(t *testing.T) {
	racetest.Skip(t)
	t.Parallel()
	p := oidctest.New(t)
	rules := map[string]func(*provider.Options, *options){
		"":                  func(*provider.Options, *options) {},
		"missing scopes":    func(o *provider.Options, _ *options) { o.Rules.AllowMissingScope = true },
		"one organization":  func(o *provider.Options, _ *options) { o.Rules.Organizations = []string{"globex"} },
		"wrong secret":      func(o *provider.Options, _ *options) { o.ClientSecret = "wrong" },
		"fixed tenant":      func(o *provider.Options, _ *options) { o.Rules.FixedOrganization = "initech" },
		"tenant claim":      func(o *provider.Options, _ *options) { o.Rules.OrganizationClaim = "tenant" },
		"only the provider": func(o *provider.Options, _ *options) { o.Only = true },
	}
	past, future := time.Now().Add(-time.Hour).Unix(), time.Now().Add(time.Hour).Unix()
	for name, c := range map[string]struct {
		rules  string
		change func(claims map[string]any)
		query  url.Values // of the callback; nil keeps a value
		status int
		want   string // the error, or the organization
	}{
		"no scope claim":               {change: func(c map[string]any) { delete(c, "scope") }, status: 401, want: "does not have the scope deployments:read"},
		"no scope claim, allowed":      {rules: "missing scopes", change: func(c map[string]any) { delete(c, "scope") }, status: 303, want: "acme"},
		"another scope":                {rules: "missing scopes", change: func(c map[string]any) { c["scope"] = "deployments:write" }, status: 401, want: "does not have the scope deployments:read"},
		"writing and reading":          {change: func(c map[string]any) { c["scope"] = "deployments:read deployments:write" }, status: 303, want: "acme"},
		"no organization":              {change: func(c map[string]any) { delete(c, "org_id") }, status: 401, want: "the token has no organization (claim org_id)"},
		"an organization list":         {change: func(c map[string]any) { c["org_id"] = []string{"acme"} }, status: 401, want: "claim org_id is not a string"},
		"another claim":                {rules: "tenant claim", change: func(c map[string]any) { c["tenant"] = "globex" }, status: 303, want: "globex"},
		"a fixed organization":         {rules: "fixed tenant", change: func(c map[string]any) { delete(c, "org_id") }, status: 303, want: "initech"},
		"fixed against the claim":      {rules: "fixed tenant", change: func(c map[string]any) {}, status: 303, want: "initech"},
		"an unknown organization":      {rules: "one organization", status: 401, want: "is not one of this server"},
		"a project":                    {change: func(c map[string]any) { c["project_name"] = "web" }, status: 303, want: "limited to this project"},
		"an empty project":             {change: func(c map[string]any) { c["project_name"] = "" }, status: 401, want: "claim project_name is empty"},
		"another nonce":                {change: func(c map[string]any) { c["nonce"] = "another" }, status: 400, want: "belongs to another login"},
		"no nonce":                     {change: func(c map[string]any) { delete(c, "nonce") }, status: 400, want: "belongs to another login"},
		"a token of another client":    {change: func(c map[string]any) { c["aud"] = "another" }, status: 401, want: "for another audience"},
		"a token for several clients":  {change: func(c map[string]any) { c["aud"], c["azp"] = []string{"another", oidctest.ClientID}, "another" }, status: 401, want: "The ID token of Example SSO is not accepted"},
		"a token of another issuer":    {change: func(c map[string]any) { c["iss"] = "https://evil.test" }, status: 401, want: "has another issuer"},
		"another access token":         {change: func(c map[string]any) { c["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" }, status: 401, want: "The ID token of Example SSO is not accepted"},
		"an expired token":             {change: func(c map[string]any) { c["exp"] = past }, status: 401, want: "the token has expired"},
		"a token without expiry":       {change: func(c map[string]any) { delete(c, "exp") }, status: 401, want: "has no expiry"},
		"a clock that is ahead":        {change: func(c map[string]any) { c["iat"] = future; c["exp"] = future + 60 }, status: 401, want: "was issued in the future"},
		"a clock within the leeway":    {change: func(c map[string]any) { c["iat"] = time.Now().Add(20 * time.Second).Unix() }, status: 303, want: "acme"},
		"a subject too long":           {change: func(c map[string]any) { c["sub"] = strings.Repeat("x", 4000) }, status: 401, want: "too long for a cookie"},
		"a wrong secret":               {rules: "wrong secret", status: 502, want: "Example SSO rejects this server"},
		"the response of another one":  {query: url.Values{"iss": {"https://evil.test"}}, status: 400, want: "does not come from Example SSO"},
		"the response of this one":     {query: url.Values{"iss": {p.Issuer}}, status: 303, want: "acme"},
		"no code":                      {query: url.Values{"code": {""}}, status: 400, want: "is not complete"},
		"another code":                 {query: url.Values{"code": {"x"}}, status: 400, want: "has expired or was used before"},
		"another state":                {query: url.Values{"state": {"x"}}, status: 400, want: "began in another browser"},
		"a changed state":              {query: url.Values{"state": {"+"}}, status: 400, want: "began in another browser"},
		"no state":                     {query: url.Values{"state": {""}}, status: 400, want: "began in another browser"},
		"access denied":                {query: url.Values{"error": {"access_denied"}}, status: 403, want: "did not let you in, or you declined. Log in again"},
		"an unknown error":             {query: url.Values{"error": {"<img src=x>"}, "error_description": {"<img src=x>"}}, status: 502, want: "reported an unknown error"},
		"another error":                {query: url.Values{"error": {"invalid_scope"}}, status: 502, want: "reported invalid_scope"},
		"the provider is overloaded":   {query: url.Values{"error": {"temporarily_unavailable"}}, status: 503, want: "cannot log you in right now"},
		"the provider asks to retry":   {query: url.Values{"error": {"login_required"}}, status: 401, want: "was not completed"},
		"denied, by the provider only": {rules: "only the provider", query: url.Values{"error": {"access_denied"}}, status: 403, want: "Log in again"},
	} {
		s := newProviderSite(t, p, rules[c.rules])
		if c.change == nil {
			c.change = func(map[string]any) {}
		}
		p.Change(c.change)
		address, pending := s.begin("/records")
		callback := must(url.Parse(s.provider.LogIn(address)))
		query := callback.Query()
		for name, values := range c.query {
			value := values[0]
			if value == "+" {
				value = query.Get(name)[:20] + "AAAAAA"
			}
			query.Set(name, value)
		}
		callback.RawQuery = query.Encode()
		answer := s.do("GET", s.path(callback.String()), pending)
		if answer.status != c.status {
			t.Errorf("%s: got %d %s\n%s", name, answer.status, answer.body, s.log.String())
			continue
		}
		if c.status == 303 {
			set := answer.header.Values("Set-Cookie")
			session, _, _ := strings.Cut(set[len(set)-1], ";")
			if page := s.do("GET", "/", "Cookie: "+session); !bytes.Contains(page.body, []byte(c.want)) {
				t.Errorf("%s: the page lacks %q", name, c.want)
			}
			continue
		}
		if got := shown(t, answer); !strings.Contains(got, c.want) || strings.Contains(got, "<img") {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		if set := fmt.Sprint(answer.header.Values("Set-Cookie")); strings.Contains(set, "session=ey") || answer.header.Get("Refresh") != "" {
			t.Errorf("%s: %v", name, answer.header)
		}
		if !bytes.Contains(answer.body, []byte(`href="/login/provider`)) {
			t.Errorf("%s: the page does not lead on", name)
		}
		if strings.Contains(s.log.String(), query.Get("code")) && query.Get("code") != "" && query.Get("code") != "x" {
			t.Errorf("%s: the log has the code", name)
		}
	}
}

func TestProviderLoginsBelongToTheirBrowser(t *testing.T) {
	t.Parallel()
	s := newProviderSite(t, oidctest.New(t))
	address, pending := s.begin("/records")
	_, other := s.begin("/search")
	callback := s.path(s.provider.LogIn(address))
	name, value, _ := strings.Cut(strings.TrimPrefix(pending, "Cookie: "), "=")
	_, otherValue, _ := strings.Cut(other, "=")
	session := strings.TrimPrefix(s.login(token(t, "acme")), "Cookie: session=")
	for cause, headers := range map[string][]string{
		"no cookie": nil, "the cookie of another login": {other}, "another login in its cookie": {"Cookie: " + name + "=" + otherValue},
		"a forged cookie": {"Cookie: " + name + "=" + value[:len(value)-4] + "AAAA"}, "a session as the cookie": {"Cookie: " + name + "=" + session},
		"a login as the session": {"Cookie: session=" + value},
	} {
		if answer := s.do("GET", callback, headers...); answer.status != 400 || strings.Contains(fmt.Sprint(answer.header), "session=ey") {
			t.Errorf("%s: got %d %v", cause, answer.status, answer.header)
		}
	}
	// Several tabs log in at once.
	if answer := s.do("GET", callback, pending+"; "+strings.TrimPrefix(other, "Cookie: ")); answer.status != 303 || answer.header.Get("Location") != "/records" {
		t.Errorf("with the cookies of two tabs: %d %s", answer.status, shown(t, answer))
	}
	// A browser that never comes back keeps five cookies at most.
	cookies := "Cookie: login-1=x; login-2=x; login-3=x; login-4=x"
	if set := s.do("GET", "/login/provider", cookies).header.Values("Set-Cookie"); len(set) != 1 {
		t.Errorf("with four logins: %q", set)
	}
	if set := s.do("GET", "/login/provider", cookies+"; __Host-login-5=x").header.Values("Set-Cookie"); len(set) != 6 {
		t.Errorf("with five logins: %q", set)
	}
}

func TestProviderLoginsReturnToThisServerOnly(t *testing.T) {
	t.Parallel()
	s := newProviderSite(t, oidctest.New(t))
	long := "/records?environment_name=" + strings.Repeat("x", 2000)
	for next, want := range map[string]string{
		"/records?status=DEPLOYED": "/records?status=DEPLOYED", "": "/", "//evil.test": "/", "https://evil.test/": "/", `/\evil.test`: "/", "/login/provider": "/", long: "/records",
	} {
		address, pending := s.begin(next)
		if answer := s.finish(address, pending); answer.status != 303 || answer.header.Get("Location") != want {
			t.Errorf("%q leads to %d %q", next, answer.status, answer.header.Get("Location"))
		}
	}
}

func TestProviderLoginsBehindAProxyAreSecure(t *testing.T) {
	t.Parallel()
	p := oidctest.New(t)
	const redirect = "https://records.example/login/callback"
	s := newProviderSite(t, p, func(o *provider.Options, _ *options) { o.RedirectURL = redirect })
	p.Register(redirect)
	answer := s.do("GET", "/login/provider")
	pending := answer.header.Get("Set-Cookie")
	if !strings.HasPrefix(pending, "__Host-login-") || !strings.Contains(pending, "; Secure") || !strings.Contains(pending, "HttpOnly") || !strings.Contains(pending, "SameSite=Lax") {
		t.Errorf("got %s", pending)
	}
	pending, _, _ = strings.Cut(pending, ";")
	callback, ok := strings.CutPrefix(p.LogIn(answer.header.Get("Location")), "https://records.example")
	if !ok {
		t.Fatal("the provider leads elsewhere")
	}
	if answer = s.do("GET", callback, "Cookie: "+pending); answer.status != 303 || !strings.Contains(fmt.Sprint(answer.header.Values("Set-Cookie")), "__Host-session=ey") {
		t.Errorf("got %d %v", answer.status, answer.header)
	}
	if got := shown(t, s.do("GET", callback)); !strings.Contains(got, "Logins work at https://records.example alone") {
		t.Errorf("without the cookie: %q", got)
	}
	// Without a setting, the address follows the host.
	s = newProviderSite(t, p)
	request := must(http.NewRequest(http.MethodGet, s.url+"/login/provider", http.NoBody))
	request.Host = "records.example"
	answer = s.send(request)
	if got := must(url.Parse(answer.header.Get("Location"))).Query().Get("redirect_uri"); got != redirect || !strings.HasPrefix(answer.header.Get("Set-Cookie"), "__Host-login-") {
		t.Errorf("got %q with %s", got, answer.header.Get("Set-Cookie"))
	}
}

func TestProviderSessionsEndWithTheirRules(t *testing.T) {
	racetest.Skip(t)
	t.Parallel()
	p := oidctest.New(t)
	s := newProviderSite(t, p)
	issue := func() string {
		address, pending := s.begin("/")
		set := s.finish(address, pending).header.Values("Set-Cookie")
		session, _, _ := strings.Cut(set[len(set)-1], ";")
		return "Cookie: " + session
	}
	session := issue()
	p.Change(func(claims map[string]any) { claims["exp"] = time.Now().Add(-28 * time.Second).Unix() }) // within the leeway
	ended := issue()
	for name, c := range map[string]struct {
		change func(*provider.Options, *options)
		status int
	}{
		"another server":        {func(*provider.Options, *options) {}, 200},
		"another client":        {func(o *provider.Options, _ *options) { o.ClientID = "another" }, 303},
		"another claim":         {func(o *provider.Options, _ *options) { o.Rules.OrganizationClaim = "tenant" }, 303},
		"a fixed organization":  {func(o *provider.Options, _ *options) { o.Rules.FixedOrganization = "globex" }, 303},
		"other organizations":   {func(o *provider.Options, _ *options) { o.Rules.Organizations = []string{"globex"} }, 303},
		"other session secrets": {func(_ *provider.Options, o *options) { o.UI.SessionSecrets = nil }, 303},
		"other keys for the API": {func(_ *provider.Options, o *options) {
			o.auth.HMACSecrets = [][]byte{[]byte("another secret of more than 32 bytes")}
		}, 200},
	} {
		if answer := newProviderSite(t, p, c.change).do("GET", "/", session); answer.status != c.status {
			t.Errorf("%s: got %d, want %d", name, answer.status, c.status)
		}
	}
	if answer := newProviderSite(t, oidctest.New(t)).do("GET", "/", session); answer.status != 303 {
		t.Errorf("with another provider: %d", answer.status)
	}
	without, _ := onSQLite(t, withPages)
	if answer := without.do("GET", "/", session); answer.status != 303 {
		t.Errorf("without a provider: %d", answer.status)
	}
	if answer := s.do("GET", "/", ended); answer.status != 303 {
		t.Errorf("after the token's end: %d", answer.status)
	}
}

func TestPagesWaitForAProviderThatIsDown(t *testing.T) {
	t.Parallel()
	p := oidctest.New(t)
	s := newProviderSite(t, p)
	address, pending := s.begin("/")
	set := s.finish(address, pending).header.Values("Set-Cookie")
	session, _, _ := strings.Cut(set[len(set)-1], ";")
	begun, begunPending := s.begin("/")

	p.SetDown(true)
	start, asked := time.Now(), p.Asked("/.well-known/openid-configuration")
	restarted := newProviderSite(t, p) // starts all the same
	if answer := restarted.do("GET", "/", "Cookie: "+session); answer.status != 503 || answer.header.Get("Refresh") == "" {
		t.Errorf("a session: %d %v", answer.status, answer.header)
	}
	if answer := restarted.do("GET", "/", "Authorization: Bearer "+token(t, "acme")); answer.status != 200 {
		t.Errorf("a token: %d", answer.status)
	}
	for range 20 {
		answer := restarted.do("GET", "/login/provider?next=/records")
		if got := shown(t, answer); answer.status != 503 || answer.header.Get("Refresh") != "5" || !strings.Contains(got, "Example SSO does not answer") {
			t.Errorf("a login: %d %v %q", answer.status, answer.header, got)
		}
	}
	// The first server has all that it needs for sessions, and not for logins.
	if answer := s.do("GET", "/", "Cookie: "+session); answer.status != 200 {
		t.Errorf("a session of the first server: %d", answer.status)
	}
	if asked, most := p.Asked("/.well-known/openid-configuration")-asked, 1+int(time.Since(start)/(5*time.Second)); asked > most {
		t.Errorf("the provider was asked %d times, more than %d", asked, most)
	}
	p.Register(s.url + "/login/callback")
	p.SetDown(false)
	if answer := s.finish(begun, begunPending); answer.status != 303 {
		t.Errorf("a login of the first server: %d", answer.status)
	}
	for tries, status := 0, 0; status != 303; tries++ {
		time.Sleep(200 * time.Millisecond)
		if status = restarted.do("GET", "/login/provider").status; status != 303 && status != 503 || tries > 300 {
			t.Fatalf("a login of the second server: %d", status)
		}
	}
	if answer := restarted.do("GET", "/", "Cookie: "+session); answer.status != 200 {
		t.Errorf("a session of the second server, once the provider is back: %d", answer.status)
	}
}

func TestOnlyTheProviderLogsIn(t *testing.T) {
	t.Parallel()
	s := newProviderSite(t, oidctest.New(t), func(o *provider.Options, _ *options) { o.Only = true })
	page := s.do("GET", "/login?next=%2Frecords%3Fstatus%3DDEPLOYED")
	if page.status != 200 || page.header.Get("Refresh") != "0; url=/login/provider?next=%2Frecords%3Fstatus%3DDEPLOYED" || bytes.Contains(page.body, []byte("textarea")) {
		t.Errorf("got %d %v %s", page.status, page.header, page.body)
	}
	for _, path := range []string{"/login?reason=logged-out", "/login?reason=ended", "/login/callback?state=x&code=x"} {
		if answer := s.do("GET", path); answer.header.Get("Refresh") != "" || bytes.Contains(answer.body, []byte("textarea")) {
			t.Errorf("%s: %v %s", path, answer.header, answer.body)
		}
	}
	if answer := s.submit("/login", url.Values{"token": {token(t, "acme")}}); answer.status != 403 || answer.header.Get("Set-Cookie") != "" {
		t.Errorf("a token: %d %v", answer.status, answer.header)
	}
	if answer := s.do("GET", "/", "Authorization: Bearer "+token(t, "acme")); answer.status != 200 {
		t.Errorf("a proxy's token: %d", answer.status)
	}
}

func TestFailedProviderLoginsAreLimited(t *testing.T) {
	t.Parallel()
	s := newProviderSite(t, oidctest.New(t))
	var last answer
	for range 12 {
		last = s.do("GET", "/login/callback?state=x&code=x")
	}
	if got := shown(t, last); last.status != 429 || last.header.Get("Retry-After") == "" || !strings.Contains(got, "too many failed logins") {
		t.Errorf("after many failures: %d %q", last.status, got)
	}
	if asked := s.provider.Asked("/oauth/token"); asked != 0 {
		t.Errorf("the provider was asked %d times", asked)
	}
	address, pending := s.begin("/")
	if answer := s.finish(address, pending); answer.status != 303 {
		t.Errorf("a good login after many failures: %d", answer.status)
	}
}

func TestFailedProviderLoginsMakeFewRequestsToTheProvider(t *testing.T) {
	t.Parallel()
	p := oidctest.New(t)
	s := newProviderSite(t, p)
	start := time.Now()
	for range 60 {
		address, pending := s.begin("/")
		state := must(url.Parse(address)).Query().Get("state")
		s.do("GET", "/login/callback?code=x&state="+url.QueryEscape(state), pending)
	}
	if asked, most := p.Asked("/oauth/token"), 31+int(time.Since(start).Seconds()); asked > most || asked == 0 {
		t.Errorf("the provider was asked %d times, at most %d are allowed", asked, most)
	}
	// A login that must wait is not used up.
	address, pending := s.begin("/records")
	callback := s.path(p.LogIn(address))
	for tries := 0; ; tries++ {
		answer := s.do("GET", callback, pending)
		if answer.status == 303 && answer.header.Get("Location") == "/records" {
			return
		}
		if answer.status != 429 || answer.header.Get("Refresh") == "" || tries > 100 {
			t.Fatalf("a good login: %d %v %s", answer.status, answer.header, shown(t, answer))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func TestServersWithoutAProviderHaveNoneOfItsPaths(t *testing.T) {
	t.Parallel()
	server, _ := onSQLite(t, withPages)
	for _, path := range []string{"/login/provider", "/login/callback?code=x&state=x"} {
		if answer := server.do("GET", path); answer.status != 404 || answer.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %v", path, answer.status, answer.header)
		}
	}
	if page := server.do("GET", "/login"); bytes.Contains(page.body, []byte("Log in with")) {
		t.Errorf("the login: %s", page.body)
	}
	s := newProviderSite(t, oidctest.New(t))
	if answer := s.do("POST", "/login/callback"); answer.status != 405 || answer.header.Get("Allow") != "GET" {
		t.Errorf("a form from the provider: %d %v", answer.status, answer.header)
	}
}

func TestProviderLoginsFollowTheRulesOfTrust(t *testing.T) {
	t.Parallel()
	p := oidctest.New(t)
	p.Change(func(claims map[string]any) { delete(claims, "org_id"); delete(claims, "scope"); claims["jti"] = "one" })
	rule := func(organization string) []trust.Rule {
		return []trust.Rule{
			{Issuer: "https://another.test", Source: &jwks.Source{JWKSURL: "https://another.test/keys"}, Algorithms: []string{"RS256"}},
			{
				Issuer: p.Issuer, Source: &jwks.Source{JWKSURL: p.Issuer + "/keys"}, Algorithms: []string{"RS256"}, Audiences: []string{oidctest.ClientID}, Text: organization,
				Grants: trust.Grants{Organization: trust.Fixed(organization), Scopes: trust.Scopes{Fixed: []trust.Scope{trust.ReadDeployments}}},
			},
		}
	}
	s := newProviderSite(t, p, func(o *provider.Options, _ *options) { o.Rules.Rules = rule("globex") })
	issue := func() string {
		address, pending := s.begin("/")
		answer := s.finish(address, pending)
		if answer.status != 303 {
			t.Fatalf("got %d %s", answer.status, shown(t, answer))
		}
		set := answer.header.Values("Set-Cookie")
		session, _, _ := strings.Cut(set[len(set)-1], ";")
		return "Cookie: " + session
	}
	session := issue()
	if page := s.do("GET", "/", session); page.status != 200 || !bytes.Contains(page.body, []byte("globex")) {
		t.Errorf("by a rule: %d", page.status)
	}
	if err := s.pages.Replace(t.Context(), rule("initech")); err != nil {
		t.Fatal(err)
	}
	if page := s.do("GET", "/", session); page.status != 303 {
		t.Errorf("after the rule: %d", page.status)
	}
	session = issue()
	s.pages.Revoke(map[string]struct{}{"one": {}})
	if page := s.do("GET", "/", session); page.status != 303 {
		t.Errorf("after the revocation: %d", page.status)
	}
	address, pending := s.begin("/")
	if got := shown(t, s.finish(address, pending)); !strings.Contains(got, "has been revoked") {
		t.Errorf("got %q", got)
	}
}

// The settings accept no ID token that a rule for this client rejects, also if the rule appears later.
func TestProviderLoginsThatARuleRejectsAreNotThoseOfTheSettings(t *testing.T) {
	t.Parallel()
	p := oidctest.New(t)
	rules := func(audiences ...string) []trust.Rule {
		return []trust.Rule{{
			Issuer: p.Issuer, Source: &jwks.Source{JWKSURL: p.Issuer + "/keys"}, Algorithms: []string{"RS256"}, Audiences: audiences, Text: "staff",
			Match:  []trust.Condition{{Claim: []string{"group"}, Globs: []trust.Glob{must(trust.ParseGlob("staff"))}}},
			Grants: trust.Grants{Organization: trust.Fixed("globex"), Scopes: trust.Scopes{Fixed: []trust.Scope{trust.ReadDeployments}}},
		}}
	}
	s := newProviderSite(t, p, func(o *provider.Options, _ *options) { o.Rules.Rules = rules(oidctest.ClientID) })
	logIn := func() (status int, session string) {
		address, pending := s.begin("/")
		answer := s.finish(address, pending)
		set := answer.header.Values("Set-Cookie")
		session, _, _ = strings.Cut(set[len(set)-1], ";")
		return answer.status, "Cookie: " + session
	}
	if status, _ := logIn(); status != 401 {
		t.Errorf("at the start: %d", status)
	}
	var issued string // by the settings
	for _, step := range []struct {
		name   string
		rules  []trust.Rule
		status int
	}{
		{"no rule", nil, 303},
		{"a rule for this client", rules("api", oidctest.ClientID), 401},
		{"a rule for another client", rules("api"), 303},
		{"a rule for all clients", rules(), 401},
	} {
		if err := s.pages.Replace(t.Context(), step.rules); err != nil {
			t.Fatal(err)
		}
		status, session := logIn()
		if status == 303 {
			issued = session
		}
		if page := s.do("GET", "/", issued); status != step.status || (page.status == 200) != (step.status == 303) {
			t.Errorf("%s: got %d and a page with %d, want %d", step.name, status, page.status, step.status)
		}
	}
	p.Change(func(claims map[string]any) { claims["group"] = "staff" })
	if status, _ := logIn(); status != 303 {
		t.Errorf("a token of the rule: %d", status)
	}
}
