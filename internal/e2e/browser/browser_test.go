// Package browser tests the pages in Chromium, against a server with a database. Its tests skip themselves where Chromium is not
// installed.
package browser

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/httpserver"
	"github.com/deployrecords/deployrecords/internal/noracetest"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
	"github.com/deployrecords/deployrecords/internal/ui"
)

// chromium is the context of the browser that all tests share, each in a profile of its own.
var chromium context.Context

func TestMain(m *testing.M) {
	program, err := exec.LookPath("chromium")
	if err != nil {
		noracetest.Main(m)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.Flag("no-sandbox", true))
	allocator, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	browser, stop := chromedp.NewContext(allocator)
	chromium = browser //nolint:fatcontext // set once, for all tests
	if err := chromedp.Do(chromium); err != nil {
		panic(err)
	}
	code := noracetest.Run(m)
	stop()
	cancel()
	os.Exit(code)
}

var secret = []byte("a secret of the browser's tests, longer than 32 bytes")

// site is a server with pages.
type site struct {
	t     *testing.T
	url   string
	store *store.Store
	// provider is the address of the provider that logs people in, which pages may lead to; empty without one.
	provider string
}

// now is the clock of pages.
var now = storetest.At(60 * 24 * 3)

// newSite serves a store in memory with the entries of the organization acme.
func newSite(t *testing.T, entries ...deployments.ImportEntry) *site {
	t.Helper()
	return newSiteWith(t, &ui.Options{}, entries...)
}

func newSiteWith(t *testing.T, pages *ui.Options, entries ...deployments.ImportEntry) *site {
	t.Helper()
	s := storetest.OpenMemory(t, store.MemoryOptions{})
	if len(entries) > 0 {
		storetest.Load(t, s, "acme", entries...)
	}
	logger := slog.New(slog.NewTextHandler(t.Output(), nil))
	verifier, err := auth.New(t.Context(), auth.Options{HMACSecrets: [][]byte{secret}, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := httpserver.New(httpserver.Options{
		Store: s, Verifier: verifier, Paging: deployments.DefaultPaging(), AutoCreate: true, Logger: logger, Limits: httpserver.DefaultLimits(),
		Document: deployrecords.OpenAPI(), RecordingDocument: contract.RecordingOpenAPI(), UI: pages, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- httpserver.Serve(ctx, listener, handler, httpserver.DefaultLimits(), logger) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return &site{t: t, url: "http://" + listener.Addr().String(), store: s}
}

// token returns a token that reads the organization.
func token(t *testing.T, organization, project string) string {
	t.Helper()
	token, err := auth.Mint(secret, auth.MintRequest{Organization: organization, Project: project, Scopes: []auth.Scope{auth.ReadDeployments}, TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// tab is a tab of a profile of its own. It fails the test for a request to another host and for a violation of a page's policy.
type tab struct {
	*site
	ctx context.Context
}

// open opens a tab.
func (s *site) open() *tab {
	s.t.Helper()
	if chromium == nil {
		s.t.Skip("chromium is not installed")
	}
	var mu sync.Mutex
	var complaints []string
	listen := func(event any) {
		var complaint string
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			fromProvider := s.provider != "" && strings.HasPrefix(e.Request.URL, s.provider)
			if !strings.HasPrefix(e.Request.URL, s.url) && !strings.HasPrefix(e.Request.URL, "data:") && !fromProvider {
				complaint = "a request to " + e.Request.URL
			}
		case *cdplog.EventEntryAdded:
			if strings.Contains(e.Entry.Text, "Content Security Policy") {
				complaint = e.Entry.Text
			}
		}
		if complaint != "" {
			mu.Lock()
			complaints = append(complaints, complaint)
			mu.Unlock()
		}
	}
	ctx, cancel := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext(), chromedp.WithListener(listen))
	s.t.Cleanup(func() {
		cancel()
		for _, complaint := range complaints {
			s.t.Error(complaint)
		}
	})
	if err := chromedp.Do(ctx); err != nil { // the first call must not have a timeout
		s.t.Fatal(err)
	}
	t := &tab{s, ctx}
	t.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		if _, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, target, cdplog.Enable, cdp.Empty{})
		return err
	}))
	return t
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// visit opens a path.
func (b *tab) visit(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.url + path))
}

// eval returns the value of an expression.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// path returns the path and query of the page.
func (b *tab) path() string { return eval[string](b, "location.pathname + location.search") }

// login logs in by the form.
func (b *tab) login(token string) {
	b.t.Helper()
	b.visit("/login")
	b.submit("#token", token)
}

// submit types a value, and submits the form of the field. It waits for the next page.
func (b *tab) submit(field, value string) {
	b.t.Helper()
	b.do(chromedp.SetValue(field, value), chromedp.Submit(field))
	b.do(chromedp.WaitReady("footer"))
}

// scheme emulates a color scheme.
func (b *tab) scheme(name string) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
		})
		return err
	}))
}

// withoutScripts makes the tab run no scripts.
func (b *tab) withoutScripts() {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
}
