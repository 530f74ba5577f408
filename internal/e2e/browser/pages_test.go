package browser

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// hostile are names that a careless page would run, or that break its layout.
var hostile = []string{
	`<img src=x onerror="window.ran=1">`, `javascript:window.ran=1`, `"><script>window.ran=1</script>`, `' onmouseover='window.ran=1`, "{{.Title}}",
	"a\u202egnp.exe\u202ca", strings.Repeat("W", 256), strings.Repeat("界", 256), "\u0645\u0631\u062d\u0628\u0627", "</title><script>window.ran=1</script>", "&lt;b&gt;", "a/../b?c#d%2F",
}

// samples have hostile names everywhere.
func samples() (entries []deployments.ImportEntry) {
	for i, name := range hostile {
		e := storetest.Entry(i+1, i, name, name, storetest.WithStage(name), storetest.WithDigest(i), storetest.WithProject(name, name))
		e.Record.Artifact.Name, e.Record.Artifact.Version = name, name
		entries = append(entries, e)
	}
	return entries
}

func TestHostileNamesRunNothingAndKeepTheLayout(t *testing.T) {
	t.Parallel()
	b := newSite(t, samples()...).open()
	b.login(token(t, "acme", ""))
	for _, width := range []int64{1440, 360} {
		b.do(chromedp.EmulateViewport(width, 900))
		for _, path := range []string{"/", "/?by=environment", "/records", "/search?q=a", "/search?q=%3C"} {
			b.visit(path)
			links := eval[[]string](b, `[...document.querySelectorAll("main td a, main th a, main li a")].slice(0, 14).map(a => a.getAttribute("href"))`)
			for _, link := range append(links, path) {
				if !strings.HasPrefix(link, "/") {
					t.Errorf("%s has a link to %q", path, link)
					continue
				}
				b.visit(link)
				if eval[bool](b, "!!window.ran || document.querySelector('main img, main script') !== null") {
					t.Errorf("%s ran a name", link)
				}
				if over := eval[int](b, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
					t.Errorf("%s is %d px wider than %d", link, over, width)
				}
			}
		}
	}
}

// The names of artifacts are cut off only where the table has no room for them.
func TestNamesOfArtifactsHaveTheRoomOfTheTable(t *testing.T) {
	t.Parallel()
	e := storetest.Entry(1, 1, "eu", "api")
	e.Record.Artifact.Name = "registry.example.com/a-team-of-ours/a-component"
	b := newSite(t, e).open()
	b.login(token(t, "acme", ""))
	for _, path := range []string{"/slot?environment_name=eu&deployment_name=api", "/records"} {
		b.do(chromedp.EmulateViewport(1920, 900))
		b.visit(path)
		const cut = `(name => name.scrollWidth > name.clientWidth)(document.querySelector("td.fill span"))`
		if eval[bool](b, cut) {
			t.Errorf("%s cuts a name off", path)
		}
		b.do(chromedp.EmulateViewport(360, 900))
		if !eval[bool](b, cut) {
			t.Errorf("%s is wider than a phone", path)
		}
	}
}

func TestLoginByTheFormReturnsToThePage(t *testing.T) {
	t.Parallel()
	for _, scripts := range []bool{true, false} {
		b := newSite(t, samples()[0]).open()
		if !scripts {
			b.withoutScripts()
		}
		b.visit("/records?status=DEPLOYED")
		if got := b.path(); !strings.HasPrefix(got, "/login?next=") {
			t.Fatalf("without a session: %s", got)
		}
		b.submit("#token", "not a token")
		if got := eval[string](b, `document.querySelector("#login-error").textContent`); !strings.Contains(got, "not accepted") {
			t.Errorf("got %q", got)
		}
		b.submit("#token", token(t, "acme", ""))
		if got := b.path(); got != "/records?status=DEPLOYED" {
			t.Errorf("after the login: %s", got)
		}
		b.do(chromedp.Submit(".account form"))
		b.do(chromedp.WaitReady("#token"))
		b.visit("/")
		if got := b.path(); got != "/login" {
			t.Errorf("after the logout: %s", got)
		}
	}
}

func TestRefreshKeepsFocusAndScroll(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.Entry(1, 1, "eu", "web"), storetest.Entry(2, 2, "us", "web"))
	b := s.open()
	b.login(token(t, "acme", ""))
	b.visit("/?by=environment")
	b.do(chromedp.EmulateViewport(400, 300))
	eval[bool](b, `(document.querySelectorAll("td a")[1].focus(), scrollTo(0, 40), true)`)
	storetest.Load(t, s.store, "acme", storetest.Entry(3, 3, "eu", "api"), storetest.Entry(4, 4, "a-new-column", "web"))
	refreshed := eval[string](b, `new Promise(done => {
		new MutationObserver(() => done([document.activeElement.getAttribute("href"), scrollY, document.querySelectorAll("tbody tr").length].join(" "))).observe(document.querySelector("main"), {childList: true});
		document.dispatchEvent(new Event("refresh-now"));
	}).then(() => new Promise(done => setTimeout(() => done([document.activeElement.getAttribute("href"), scrollY, document.querySelectorAll("tbody tr").length].join(" ")), 50)))`)
	if want := "/slot?deployment_name=web&environment_name=us 40 2"; refreshed != want {
		t.Errorf("got %q, want %q", refreshed, want)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	b := newSite(t, storetest.Entry(1, 1, "eu", "api"), storetest.Entry(2, 2, "us", "api"), storetest.Entry(3, 3, "us", "web")).open()
	b.login(token(t, "acme", ""))
	b.visit("/?by=environment")
	focused := `document.activeElement.getAttribute("href") ?? document.activeElement.id`
	press := func(keys string, want string) {
		t.Helper()
		b.do(chromedp.KeyEvent(keys))
		if got := eval[string](b, focused); got != want {
			t.Errorf("after %q: %q is focused, want %q", keys, got, want)
		}
	}
	press("/", "q")
	press("\u001b", "")                                              // Esc
	press("\u0303", "/slot?deployment_name=api&environment_name=eu") // right
	press("\u0301", "/slot?deployment_name=api&environment_name=eu") // down: nothing runs there
	press("\u0303", "/slot?deployment_name=api&environment_name=us") // right
	b.do(chromedp.KeyEvent("\r"), chromedp.WaitReady(".history"))
	if got := b.path(); got != "/slot?deployment_name=api&environment_name=us" {
		t.Errorf("Enter leads to %s", got)
	}
}

// TestPagesAreAccessible runs axe-core, whose file AXE_CORE names, on every page in both color schemes.
func TestPagesAreAccessible(t *testing.T) {
	t.Parallel()
	axe := axeCore(t)
	b := demo(t).open()
	b.requireAccessible(axe, "login", pages["login"])
	b.login(token(t, "acme", ""))
	for name, path := range pages {
		if name != "login" && name != "docs" { // Swagger UI is not of this project
			b.requireAccessible(axe, name, path)
		}
	}
}

// axeCore returns the source of axe-core as a text in JavaScript. It skips the test where there is none.
func axeCore(t *testing.T) string {
	t.Helper()
	path := os.Getenv("AXE_CORE")
	if path == "" {
		t.Skip("AXE_CORE is not set: make test sets it where npm can fetch axe-core")
	}
	axe, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	source, err := json.Marshal(string(axe))
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

func (b *tab) requireAccessible(axe, name, path string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		b.visit(path)
		// DevTools evaluate the text in the page's world, which its content security policy does not bind.
		findings := eval[[]string](b, `new Promise(done => { (0, eval)(`+axe+`); done(axe.run(document)); }).then(result => result.violations
			.filter(v => ["serious", "critical", "moderate"].includes(v.impact)).map(v => v.id + ": " + v.nodes.map(n => n.html.slice(0, 160) + " " + n.failureSummary.slice(0, 200)).slice(0, 3).join(" | ")))`)
		for _, finding := range findings {
			b.t.Errorf("%s, %s: %s", name, scheme, finding)
		}
	}
}
