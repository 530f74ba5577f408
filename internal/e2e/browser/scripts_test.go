package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// Everything but refresh and keys works without scripts, and what needs a script is not shown.
func TestPagesWorkWithoutScripts(t *testing.T) {
	t.Parallel()
	b := newSite(t,
		storetest.Entry(1, 1, "eu", "api", storetest.WithStage("prod"), storetest.WithDigest(1), storetest.WithStatus(deployments.Superseded)),
		storetest.Entry(2, 2, "eu", "api", storetest.WithStage("prod"), storetest.WithDigest(2)),
		storetest.Entry(3, 3, "us", "web", storetest.WithStage("dev"), storetest.WithDigest(1)),
	).open()
	b.withoutScripts()
	b.login(token(t, "acme", ""))
	requirePage := func(path string, rows ...string) {
		t.Helper()
		if got := b.path(); got != path {
			t.Errorf("got %s, want %s", got, path)
		}
		got := eval[[]string](b, `[...document.querySelectorAll("main tbody tr, main li a")].map(row => row.textContent.replace(/\s+/g, " "))`)
		if len(got) != len(rows) {
			t.Fatalf("%s: got %q, want %d rows", path, got, len(rows))
		}
		for i, want := range rows {
			if !strings.Contains(got[i], want) {
				t.Errorf("%s: row %d is %q, want %q", path, i, got[i], want)
			}
		}
	}
	digest := storetest.Digest(1)

	b.submit("#q", "a") // one deployment begins with it, and no other name
	requirePage("/search?q=a", "api")
	b.follow("main li a")
	requirePage("/?by=environment&deployment_name=api", "api")
	b.follow("thead th:nth-child(2) a")
	requirePage("/environment?environment_name=eu", "api")
	b.follow(".switch a:nth-child(2)")
	requirePage("/environment?environment_name=eu&full_history=true", "deployed", "superseded")
	b.follow(`tbody a[href^="/slot"]`)
	requirePage("/slot?deployment_name=api&environment_name=eu", "deployed", "superseded")

	b.submit("#q", digest)
	requirePage("/artifact?artifact_digest="+strings.ReplaceAll(digest, ":", "%3A"), "web")
	b.follow(".switch a:nth-child(2)")
	requirePage("/artifact?artifact_digest="+strings.ReplaceAll(digest, ":", "%3A")+"&full_history=true", "web", "api")

	b.visit("/records?full_history=true&pagination.page_size=2")
	requirePage("/records?full_history=true&pagination.page_size=2", "web", "api")
	b.follow(`.pager [rel=next]`)
	requirePage("/records?full_history=true&pagination.page=1&pagination.page_size=2", "superseded")
	b.visit("/records?status=DEPLOYED")
	b.do(chromedp.Click(".filters summary"))
	b.submit("#f-deployment_name", "web")
	if got := b.path(); !strings.Contains(got, "deployment_name=web") || !strings.Contains(got, "status=DEPLOYED") {
		t.Errorf("the form leads to %s", got)
	}
	requirePage(b.path(), "web")
	if eval[bool](b, `[...document.querySelectorAll("button")].some(button => button.closest("form") === null && button.offsetParent !== null)`) {
		t.Error("a button is shown that needs a script")
	}
}

// follow opens the address of a link.
func (b *tab) follow(selector string) {
	b.t.Helper()
	b.visit(eval[string](b, `document.querySelector('`+selector+`').getAttribute("href")`))
}
