package httpserver

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// servedDocument is a document as clients get it.
type servedDocument struct {
	text []byte
	// tag is the strong ETag: a digest of the text.
	tag string
}

func newServedDocument(text []byte) *servedDocument {
	sum := sha256.Sum256(text)
	return &servedDocument{text, `"` + hex.EncodeToString(sum[:]) + `"`}
}

// serveDocument serves a document byte for byte.
func serveDocument(text []byte) echo.HandlerFunc {
	return newServedDocument(text).serve
}

// serveLocalDocument serves what localDocument derives from a document. It derives it once, for the first request that
// asks for it: a large document takes seconds, and most servers are never asked.
func serveLocalDocument(document []byte) echo.HandlerFunc {
	derive := sync.OnceValues(func() (*servedDocument, error) {
		text, err := localDocument(document)
		return newServedDocument(text), err
	})
	return func(c echo.Context) error {
		served, err := derive()
		if err != nil {
			return err
		}
		return served.serve(c)
	}
}

// serve answers GET and HEAD. Clients may keep the document, and ask by If-None-Match whether it is current (R2).
func (d *servedDocument) serve(c echo.Context) error {
	header := c.Response().Header()
	header.Set("Content-Type", "application/yaml")
	header.Set("Cache-Control", "no-cache")
	header.Set("ETag", d.tag)
	request := &http.Request{Method: c.Request().Method, Header: http.Header{}}
	// ServeContent reads the first line of this header. It gets no other: it answers a bad Range or an If-Match in plain
	// text (R3), and a server may ignore both.
	if tags := c.Request().Header.Values("If-None-Match"); len(tags) > 0 {
		request.Header.Set("If-None-Match", strings.Join(tags, ", "))
	}
	http.ServeContent(c.Response(), request, "", time.Time{}, bytes.NewReader(d.text))
	return nil
}
