package browser

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/deployrecords/deployrecords/internal/storetest"
)

// fakeTimers lets a test decide when the timers of a page elapse, whether the page is hidden, and what it fetches.
const fakeTimers = `
const timers = new Map(), fetched = window.fetch;
let last = 0, hidden = false;
window.setTimeout = (run, delay) => (timers.set(++last, {run, delay}), last);
window.clearTimeout = (id) => timers.delete(id);
Object.defineProperty(document, "hidden", {get: () => hidden});
const hide = (now) => { hidden = now; document.dispatchEvent(new Event("visibilitychange")); return timers.size; };
const elapse = async () => {
  const all = [...timers.values()];
  timers.clear();
  for (const timer of all) await timer.run();
  return state();
};
const state = () => [document.querySelectorAll("tbody tr").length, timers.size, document.querySelector(".refresh [role=status]").textContent].join("; ");
`

func TestRefreshIsPausableAndStopsWhileThePageIsHidden(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.Entry(1, 1, "eu", "app1"))
	b := s.open()
	b.login(token(t, "acme", ""))
	b.beforeScripts(fakeTimers)
	b.visit("/?by=environment")
	if delay := eval[float64](b, `timers.values().next().value.delay`); delay <= 0 || delay > 30_000 {
		t.Errorf("the first refresh comes after %v ms", delay)
	}
	rows := 1
	for _, step := range []struct{ what, do, want string }{
		{"after 30 seconds", `elapse()`, "2; 1; Refreshes every 30 s"},
		{"with an error", `(window.fetch = (url, o) => fetched("/nothing", o), elapse())`, "2; 1; The last refresh failed; trying again"},
		{"with half a page", `(window.fetch = async () => ({ok: true, url: location.href, text: async () => "<main><div>"}), elapse())`, "2; 1; This page has changed. Reload it."},
		{"after the errors", `(window.fetch = fetched, elapse())`, "5; 1; Refreshes every 30 s"},
		{"paused", `(document.querySelector(".refresh button").click(), elapse())`, "5; 0; Paused"},
		{"resumed", `(document.querySelector(".refresh button").click(), state())`, "5; 1; Refreshes every 30 s"},
		{"hidden", `(hide(true), elapse())`, "5; 0; Refreshes every 30 s"},
		{"visible again", `(hide(false), elapse())`, "9; 1; Refreshes every 30 s"},
		{"hidden meanwhile", `(window.fetch = async (...all) => { const page = await fetched(...all); hide(true); return page; }, elapse())`, "9; 0; Refreshes every 30 s"},
	} {
		rows++
		storetest.Load(t, s.store, "acme", storetest.Entry(rows, rows, "eu", "app"+string(rune('0'+rows))))
		if got := eval[string](b, step.do); got != step.want {
			t.Errorf("%s: got %q, want %q", step.what, got, step.want)
		}
	}
}

// beforeScripts runs a script in each new page before those of the page.
func (b *tab) beforeScripts(script string) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	}))
}
