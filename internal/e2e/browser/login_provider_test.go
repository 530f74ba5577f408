package browser

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/oidctest"
	"github.com/deployrecords/deployrecords/internal/storetest"
	"github.com/deployrecords/deployrecords/internal/ui"
	"github.com/deployrecords/deployrecords/internal/ui/provider"
)

// withProvider returns a site whose people log in by a provider, which is another site for the browser.
func withProvider(t *testing.T, only bool) (*site, *oidctest.Provider) {
	t.Helper()
	p := oidctest.New(t)
	logger := slog.New(slog.NewTextHandler(t.Output(), nil))
	s := newSiteWith(t, &ui.Options{Provider: provider.New(t.Context(), provider.Options{
		Issuer: p.Issuer, ClientID: oidctest.ClientID, ClientSecret: oidctest.ClientSecret, Name: "Example SSO", Only: only,
		Rules: auth.Options{Logger: logger}, Logger: logger,
	})}, storetest.Entry(1, 1, "eu", "web"))
	p.Register(s.url + provider.CallbackPath)
	s.provider = p.Issuer
	return s, p
}

// logInAtProvider fills in the form of the provider, and waits for a page of this server.
func (b *tab) logInAtProvider() {
	b.t.Helper()
	b.do(chromedp.WaitReady("#username"))
	b.do(chromedp.SetValue("#username", oidctest.Username), chromedp.SetValue("#password", oidctest.Password), chromedp.Click("#login"))
	b.do(chromedp.WaitReady("footer"))
}

func (b *tab) shows(text string) bool {
	b.t.Helper()
	return strings.Contains(eval[string](b, "document.body.innerText"), text)
}

func TestLoginByTheProviderReturnsToThePage(t *testing.T) {
	t.Parallel()
	for _, scripts := range []bool{true, false} {
		s, _ := withProvider(t, false)
		b := s.open()
		if !scripts {
			b.withoutScripts()
		}
		b.visit("/records?status=DEPLOYED")
		b.do(chromedp.Click("a.button"))
		b.logInAtProvider()
		if got := b.path(); got != "/records?status=DEPLOYED" {
			t.Errorf("after the login: %s", got)
		}
		b.do(chromedp.Click(".account button"), chromedp.WaitReady("#token"))
		if !b.shows("You are logged out") || !b.shows("You may still be logged in at Example SSO") {
			t.Error("the page does not show the logout")
		}
		b.visit("/")
		if got := b.path(); got != "/login" {
			t.Errorf("after the logout: %s", got)
		}
		// A token logs in beside the provider.
		b.submit("#token", token(t, "acme", ""))
		if got := b.path(); got != "/" {
			t.Errorf("after the login by token: %s", got)
		}
	}
}

// The search is a form. If it were redirected to the provider, form-action of the policy would stop the browser there.
func TestAFormOfAnEndedSessionLeadsToTheProviderAndBack(t *testing.T) {
	t.Parallel()
	for _, scripts := range []bool{true, false} {
		s, _ := withProvider(t, true)
		b := s.open()
		if !scripts {
			b.withoutScripts()
		}
		b.visit("/")
		b.logInAtProvider()
		b.endSession()
		b.do(chromedp.SetValue("#q", "web"), chromedp.Submit("#q"))
		b.logInAtProvider()
		if got := b.path(); got != "/search?q=web" {
			t.Errorf("after the login: %s", got)
		}
		b.do(chromedp.Click(".account button"), chromedp.WaitReady("a.button"))
		if got := b.path(); got != "/login?reason=logged-out" {
			t.Errorf("after the logout: %s", got)
		}
	}
}

func TestDeclinedLoginsShowAWayOn(t *testing.T) {
	t.Parallel()
	s, _ := withProvider(t, true)
	b := s.open()
	b.visit("/records")
	b.do(chromedp.WaitReady("#deny"), chromedp.Click("#deny"), chromedp.WaitReady("footer"))
	if !b.shows("did not let you in") {
		t.Error("the page does not show the error")
	}
	b.do(chromedp.Click("a.button"))
	b.logInAtProvider()
	if got := b.path(); got != "/records" {
		t.Errorf("after the second try: %s", got)
	}
}

func TestLoginsOfOtherBrowsersAndSitesDoNotLogIn(t *testing.T) {
	t.Parallel()
	s, p := withProvider(t, false)
	attacker := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	begun, err := attacker.Get(s.url + "/login/provider")
	if err != nil {
		t.Fatal(err)
	}
	defer begun.Body.Close()
	victim := s.open()
	victim.do(chromedp.Navigate(p.LogIn(begun.Header.Get("Location"))))
	if !victim.shows("began in another browser") {
		t.Error("the victim has the login of the attacker")
	}
	victim.visit("/")
	if got := victim.path(); got != "/login" {
		t.Errorf("the victim is at %s", got)
	}
	// A page of another site posts a token of the attacker: the browser names its origin.
	victim.do(chromedp.Navigate(p.Issuer + "/login/username"))
	eval[bool](victim, `(() => { const form = document.createElement("form"); form.method = "post"; form.action = "`+s.url+`/login";
		const field = document.createElement("input"); field.name = "token"; field.value = "`+token(t, "acme", "")+`";
		form.append(field); document.body.append(form); form.submit(); return true })()`)
	victim.do(chromedp.WaitReady("footer"))
	if !victim.shows("This form came from another site") {
		t.Error("the form of another site is accepted")
	}
}

// endSession makes the browser forget its session, as it does at the session's end.
func (b *tab) endSession() {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, network.DeleteCookies, network.DeleteCookiesParams{Name: "session", URL: b.url})
		return err
	}))
}

func TestLoginsWithAProviderAreAccessible(t *testing.T) {
	t.Parallel()
	axe := axeCore(t)
	for _, only := range []bool{false, true} {
		s, _ := withProvider(t, only)
		b := s.open()
		b.requireAccessible(axe, "logout", "/login?reason=logged-out")
		b.requireAccessible(axe, "failed login", "/login/callback?state=x")
	}
}
