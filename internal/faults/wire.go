package faults

import (
	"bytes"
	"cmp"
	"maps"
	"net"
	"net/http"
	"strconv"
	"time"
)

// buffer holds a response.
type buffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newBuffer() *buffer { return &buffer{header: http.Header{}} }

// Header implements http.ResponseWriter.
func (b *buffer) Header() http.Header { return b.header }

// WriteHeader implements http.ResponseWriter.
func (b *buffer) WriteHeader(status int) {
	if b.status == 0 && status >= http.StatusOK {
		b.status = status
	}
}

// Write implements http.ResponseWriter.
func (b *buffer) Write(data []byte) (int, error) {
	b.WriteHeader(http.StatusOK)
	return b.body.Write(data)
}

// begin sends the header of a response to a client, with the length of the body.
func (b *buffer) begin(w http.ResponseWriter, length int) {
	b.WriteHeader(http.StatusOK)
	maps.Copy(w.Header(), b.header)
	if b.status != http.StatusNoContent && b.status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(length))
	}
	w.WriteHeader(b.status)
}

const (
	// pieceBytes and piecePause are the defaults of the kind Trickle.
	pieceBytes = 16
	piecePause = 100 * time.Millisecond
	// wrongContentType is the default of the kind ContentType.
	wrongContentType = "text/html"
)

// send sends a response with a fault of the kinds Trickle, Truncate, MalformedJSON and ContentType.
func (f *chosen) send(w http.ResponseWriter, controller *http.ResponseController, r *http.Request, response *buffer) {
	body := response.body.Bytes()
	half := len(body) / 2
	switch f.Kind {
	case Truncate:
		sent := half
		if f.Bytes != nil {
			sent = min(*f.Bytes, len(body))
		}
		// Without a body, the promised length is what the client misses.
		response.begin(w, max(len(body), sent+1))
		_, _ = w.Write(body[:sent])
		_ = controller.Flush()
		panic(http.ErrAbortHandler) // closes the connection
	case Trickle:
		response.begin(w, len(body))
		f.trickle(w, controller, r, body)
	case MalformedJSON:
		response.begin(w, half)
		_, _ = w.Write(body[:half])
	case ContentType:
		response.header.Set("Content-Type", cmp.Or(f.ContentType, wrongContentType))
		response.begin(w, len(body))
		_, _ = w.Write(body)
	}
}

// trickle sends a body in pieces. It sends the rest at once when the faults are removed.
func (f *chosen) trickle(w http.ResponseWriter, controller *http.ResponseController, r *http.Request, body []byte) {
	size := pieceBytes
	if f.Bytes != nil {
		size = *f.Bytes
	}
	for len(body) > size {
		if _, err := w.Write(body[:size]); err != nil {
			return
		}
		_ = controller.Flush()
		if body = body[size:]; !wait(r.Context(), f.ended, cmp.Or(f.Pause, piecePause)) {
			break
		}
	}
	_, _ = w.Write(body)
}

// reset closes the connection of a request with a TCP reset.
func reset(controller *http.ResponseController) {
	conn, _, err := controller.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // closes the connection
	}
	if tcp, ok := conn.(interface{ SetLinger(seconds int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

var _ interface{ SetLinger(seconds int) error } = (*net.TCPConn)(nil)
