// Package swagger serves Swagger UI over the documents of this server.
package swagger

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/swaggest/swgui"
	"github.com/swaggest/swgui/v5emb"
)

// Handler serves Swagger UI over the documents whose only server is this one, so that "Try it out" sends tokens nowhere else.
type Handler struct {
	index  []byte
	policy string
	files  http.Handler
}

// inlineScript matches the scripts in Swagger UI's page.
var inlineScript = regexp.MustCompile(`(?s)<script>(.*?)</script>`)

// New renders Swagger UI's page once. Its content security policy allows the inline script of the page by its digest, and inline
// styles, which Swagger UI sets.
func New() (*Handler, error) {
	files := v5emb.NewHandlerWithConfig(swgui.Config{
		Title: "deployrecords API", SwaggerJSON: "/openapi.local.yaml", BasePath: "/docs/", ShowTopBar: true,
		PrependHTML: `<p style="margin:0;padding:8px 20px;font:14px system-ui,sans-serif"><a href="/">← deployrecords</a></p>`,
		SettingsUI: map[string]string{
			"urls":                 `[{url: "/openapi.local.yaml", name: "Listing (upstream's document)"}, {url: "/openapi.recording.yaml", name: "Recording"}]`,
			"url":                  "undefined",
			"validatorUrl":         "null",
			"persistAuthorization": "false",
			"tryItOutEnabled":      "true",
			"queryConfigEnabled":   "false",
		},
	})
	var rendered buffer
	files.ServeHTTP(&rendered, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: "/docs/"}})
	index := rendered.Bytes()
	scripts := []string{"'self'"}
	for _, match := range inlineScript.FindAllSubmatch(index, -1) {
		sum := sha256.Sum256(match[1])
		scripts = append(scripts, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	if len(scripts) == 1 {
		return nil, fmt.Errorf("the page of Swagger UI has no inline script")
	}
	return &Handler{index: index, files: files, policy: "default-src 'none'; script-src " + strings.Join(scripts, " ") +
		"; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"}, nil
}

// ServeHTTP serves the page at /docs/, and Swagger UI's files below it.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", h.policy)
	w.Header().Del("Vary")
	switch r.URL.Path {
	case "/docs":
		http.Redirect(w, r, "/docs/", http.StatusMovedPermanently)
	case "/docs/":
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.Method != http.MethodHead {
			_, _ = w.Write(h.index)
		}
	default:
		w.Header().Set("Cache-Control", "public, max-age=3600")
		h.files.ServeHTTP(w, r)
	}
}

// buffer is a response in memory.
type buffer struct{ bytes.Buffer }

func (*buffer) Header() http.Header { return http.Header{} }
func (*buffer) WriteHeader(int)     {}
