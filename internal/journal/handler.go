package journal

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/deployrecords/deployrecords/internal/faults"
)

// Handler returns a server whose exchanges the journal keeps. The server may have faults.
func (j *Journal) Handler(server http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, generation := time.Now(), j.generation()
		e := &Exchange{
			ReceivedAt: began.UTC(), Method: r.Method, Path: redact(r.URL.EscapedPath()), Query: redactMembers(r.URL.RawQuery), Header: redactHeader(r.Header),
		}
		r = r.WithContext(faults.WithApplied(r.Context(), &e.Fault)) // net/http looks at the body of its own request
		body := readAhead(r)
		response := &recordedResponse{ResponseWriter: w}
		defer func() { // also if the server aborts the response
			e.Duration = time.Since(began)
			e.Body, e.BodyBytes = redactBody(r.Header, string(body.head)), body.bytes
			e.Status = response.status
			if response.status != 0 {
				e.ResponseHeader = redactHeader(response.Header())
			}
			e.ResponseBody, e.ResponseBytes = redactBody(response.Header(), response.head.String()), response.bytes
			j.add(e, generation)
		}()
		server.ServeHTTP(response, r)
		if response.status == 0 && !response.isHijacked {
			response.WriteHeader(http.StatusOK)
		}
	})
}

// recordedBody keeps the beginning of a request's body.
type recordedBody struct {
	io.ReadCloser
	head  []byte
	bytes int64
	// rest is what readAhead has read and the server has not, and err what came after it.
	rest io.Reader
	err  error
}

// serverReads is the size of the body that net/http reads before it sends a response, if the server has not read it.
const serverReads = 256 << 10

// readAhead reads the beginning of the body, because the server may answer without reading it, and gives the request a body
// that begins there. It leaves a body alone that the server may reject before it arrives (R4): a larger one than net/http itself
// waits for, and one whose client waits for the server's consent.
func readAhead(r *http.Request) *recordedBody {
	b := &recordedBody{ReadCloser: r.Body}
	if r.Body == nil || r.Body == http.NoBody || r.ContentLength >= serverReads || r.Header.Get("Expect") != "" {
		b.rest = bytes.NewReader(nil)
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = b
		}
		return b
	}
	b.head, b.err = io.ReadAll(io.LimitReader(r.Body, maxBody))
	b.bytes = int64(len(b.head))
	b.rest = bytes.NewReader(b.head)
	r.Body = b
	return b
}

// Read implements io.Reader.
func (b *recordedBody) Read(p []byte) (int, error) {
	if n, err := b.rest.Read(p); err == nil || n > 0 {
		return n, nil
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.ReadCloser.Read(p)
	b.bytes += int64(n)
	if room := maxBody - len(b.head); room > 0 {
		b.head = append(b.head, p[:min(n, room)]...)
	}
	return n, err
}

// recordedResponse keeps the status and the beginning of the body of a response.
type recordedResponse struct {
	http.ResponseWriter
	status     int
	head       bytes.Buffer
	bytes      int64
	isHijacked bool
}

// Unwrap implements what http.ResponseController expects.
func (w *recordedResponse) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *recordedResponse) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *recordedResponse) Write(data []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(data)
	w.bytes += int64(n)
	w.head.Write(data[:min(n, maxBody-w.head.Len())])
	return n, err
}

// Hijack implements http.Hijacker.
func (w *recordedResponse) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w.ResponseWriter).Hijack()
	w.isHijacked = err == nil
	return conn, buffered, err
}
