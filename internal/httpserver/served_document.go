package httpserver

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// servedDocument is a document as clients get it.
type servedDocument struct {
	text []byte
	// digest is that of the text. The strong ETags are made of it: the compressed text has one of its own.
	digest string
	// compressed returns the text compressed by gzip; nil if the server does not compress.
	compressed func() []byte
}

func newServedDocument(text []byte, isCompressed bool) *servedDocument {
	sum := sha256.Sum256(text)
	d := &servedDocument{text: text, digest: hex.EncodeToString(sum[:])}
	if isCompressed {
		d.compressed = sync.OnceValue(func() []byte {
			z := compressors.Get().(*compressor)
			defer compressors.Put(z)
			return bytes.Clone(z.compress(text))
		})
	}
	return d
}

// serveDocument serves a document byte for byte, or compressed.
func (h *handler) serveDocument(text []byte) echo.HandlerFunc {
	return newServedDocument(text, h.Gzip).serve
}

// serveLocalDocument serves what localDocument derives from a document. It derives it once, for the first request that
// asks for it: a large document takes seconds, and most servers are never asked.
func (h *handler) serveLocalDocument(document []byte) echo.HandlerFunc {
	derive := sync.OnceValues(func() (*servedDocument, error) {
		text, err := localDocument(document)
		return newServedDocument(text, h.Gzip), err
	})
	return func(c echo.Context) error {
		served, err := derive()
		if err != nil {
			return err
		}
		return served.serve(c)
	}
}

// NewDocumentHandler returns a handler that serves a document byte for byte, as those of the API are served (R2).
func NewDocumentHandler(text []byte) http.Handler { return newServedDocument(text, false) }

func (d *servedDocument) serve(c echo.Context) error {
	d.ServeHTTP(c.Response(), c.Request())
	return nil
}

// ServeHTTP answers GET and HEAD. Clients may keep the document, and ask by If-None-Match whether it is current (R2).
func (d *servedDocument) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "application/yaml")
	header.Set("Cache-Control", "no-cache")
	text, tag := d.text, d.digest
	if d.compressed != nil && acceptsGzip(r.Header) {
		text, tag = d.compressed(), d.digest+"-gzip"
		header.Set("Content-Encoding", "gzip")
		header.Set("Content-Length", strconv.Itoa(len(text)))
	}
	header.Set("ETag", `"`+tag+`"`)
	request := &http.Request{Method: r.Method, Header: http.Header{}}
	// ServeContent reads the first line of this header. It gets no other: it answers a bad Range or an If-Match in plain
	// text (R3), and a server may ignore both.
	if tags := r.Header.Values("If-None-Match"); len(tags) > 0 {
		request.Header.Set("If-None-Match", strings.Join(tags, ", "))
	}
	http.ServeContent(w, request, "", time.Time{}, bytes.NewReader(text))
}
