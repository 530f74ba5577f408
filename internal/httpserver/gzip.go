package httpserver

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/labstack/echo/v4"
)

// minGzipBytes is the size of the smallest body that is compressed: what fits in one packet arrives no earlier.
const minGzipBytes = 1400

// compress compresses the API's complete bodies and the documents for clients that accept gzip.
//
// Pages are never compressed. An attacker who can make a browser request a page with its cookie, with a guess in the query, would
// learn from the length whether the page has the guess (BREACH). Requests for the API carry a token that no other page can add.
func (h *handler) compress(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !isShared(c.Request().URL.Path) {
			return next(c)
		}
		c.Response().Header().Add("Vary", "Accept-Encoding")
		if c.Request().Method != http.MethodHead && acceptsGzip(c.Request().Header) {
			c.Response().Writer = &gzipWriter{ResponseWriter: c.Response().Writer}
		}
		return next(c)
	}
}

// acceptsGzip reports whether the client accepts gzip, and does not prefer a body without an encoding.
func acceptsGzip(header http.Header) bool {
	qualities := map[string]float64{}
	for _, line := range header.Values("Accept-Encoding") {
		for item := range strings.SplitSeq(line, ",") {
			coding, parameters, _ := strings.Cut(item, ";")
			qualities[strings.ToLower(strings.TrimSpace(coding))] = quality(parameters)
		}
	}
	wanted, named := qualities["gzip"]
	if !named {
		wanted = qualities["*"]
	}
	return wanted > 0 && wanted >= qualities["identity"]
}

// quality returns the weight of a coding: 1 without one, and 0 if it is not valid.
func quality(parameters string) float64 {
	name, value, weighted := strings.Cut(parameters, "=")
	if !weighted {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil || !strings.EqualFold(strings.TrimSpace(name), "q") || q < 0 || q > 1 {
		return 0
	}
	return q
}

// gzipWriter compresses a body that is written at once and has its length in the header. It writes others as they are.
type gzipWriter struct {
	http.ResponseWriter
	// length is that of a body whose header is held back until the body comes; 0 is none.
	length int
}

// WriteHeader implements http.ResponseWriter.
func (g *gzipWriter) WriteHeader(status int) {
	length, _ := strconv.Atoi(g.Header().Get("Content-Length"))
	if status == http.StatusOK && length >= minGzipBytes && g.Header().Get("Content-Encoding") == "" {
		g.length = length
		return
	}
	g.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (g *gzipWriter) Write(body []byte) (int, error) {
	if g.length == 0 {
		return g.ResponseWriter.Write(body)
	}
	isComplete := len(body) == g.length
	g.length = 0
	if !isComplete {
		g.ResponseWriter.WriteHeader(http.StatusOK)
		return g.ResponseWriter.Write(body)
	}
	z := compressors.Get().(*compressor)
	defer compressors.Put(z)
	compressed := z.compress(body)
	g.Header().Set("Content-Encoding", "gzip")
	g.Header().Set("Content-Length", strconv.Itoa(len(compressed)))
	g.ResponseWriter.WriteHeader(http.StatusOK)
	if _, err := g.ResponseWriter.Write(compressed); err != nil {
		return 0, err
	}
	return len(body), nil
}

// Unwrap implements what http.ResponseController expects.
func (g *gzipWriter) Unwrap() http.ResponseWriter { return g.ResponseWriter }

// compressor has memory that is reused.
type compressor struct {
	buffer bytes.Buffer
	writer *gzip.Writer
}

var compressors = sync.Pool{New: func() any {
	z := new(compressor)
	z.writer, _ = gzip.NewWriterLevel(&z.buffer, gzip.BestSpeed) // fails for unknown levels only
	return z
}}

// compress returns the compressed body, which is valid until the next call.
func (z *compressor) compress(body []byte) []byte {
	z.buffer.Reset()
	z.writer.Reset(&z.buffer)
	_, _ = z.writer.Write(body) // a bytes.Buffer does not fail
	_ = z.writer.Close()
	return z.buffer.Bytes()
}
