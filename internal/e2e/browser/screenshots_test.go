package browser

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/deployrecords/deployrecords/internal/importer"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

var screenshots = flag.String("screenshots", "", "directory for pictures of each page; without it, none are taken")

// pages are the pages of the demo data.
var pages = map[string]string{
	"matrix":       "/",
	"environments": "/?by=environment",
	"latest":       "/?full_history=false",
	"records":      "/records",
	"slot":         "/slot?environment_name=prod-eu-1&deployment_name=web",
	"environment":  "/environment?environment_name=prod-eu-1",
	"artifact":     "/artifact?artifact_digest=sha256:d29272901c0b07383549d2770f69ab0b467ec190b88e16c6852aaf33aec5d397&full_history=true",
	"search":       "/search?q=p",
	"violations":   "/records?status=RUNNING&pagination.page=x&environment_name=prod-eu-1",
	"nothing":      "/?deployment_name=none",
	"missing":      "/no/such/page",
	"login":        "/login?next=%2Frecords&reason=ended",
	"docs":         "/docs/",
}

// demo returns a site with the demo data.
func demo(t *testing.T) *site {
	s := newSite(t)
	file, err := os.Open("../../../testdata/demo.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := s.store.Import(t.Context(), "acme", importer.Entries(file, time.Now)); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestScreenshots takes pictures in both color schemes and at both widths, for make screenshots.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("-screenshots is not set")
	}
	now = storetest.Start.AddDate(0, 8, 20) // a day after the demo data
	b := demo(t).open()
	b.do(chromedp.EmulateViewport(1440, 900))
	b.visit("/login")
	for _, name := range []string{"login"} {
		b.picture(name, pages[name])
	}
	b.login(token(t, "acme", ""))
	for name, path := range pages {
		if name != "login" {
			b.picture(name, path)
		}
	}
}

func (b *tab) picture(name, path string) {
	b.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		b.scheme(scheme)
		for width, suffix := range map[int64]string{1440: "", 360: "-360"} {
			b.do(chromedp.EmulateViewport(width, 900))
			b.visit(path)
			if name == "docs" {
				b.do(chromedp.WaitVisible(".opblock"))
			}
			image, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
			if err != nil {
				b.t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(*screenshots, name+"-"+scheme+suffix+".png"), image, 0o644); err != nil {
				b.t.Fatal(err)
			}
		}
	}
}
