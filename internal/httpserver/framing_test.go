package httpserver_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// raw sends text on a new connection and returns the connection, whose reads end within a minute.
func (s *testServer) raw(text string) net.Conn {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		s.t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		s.t.Fatal(err)
	}
	return conn
}

// responses returns the statuses of all responses until the server closes the connection.
func responses(t *testing.T, conn net.Conn) (statuses []int) {
	t.Helper()
	reader := bufio.NewReader(conn)
	for {
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
				t.Error("the server keeps the connection")
			}
			return statuses
		}
		_, _ = io.Copy(io.Discard, response.Body)
		statuses = append(statuses, response.StatusCode)
	}
}

func TestSlowRequestsEnd(t *testing.T) {
	t.Parallel()
	server, _ := onSQLite(t, func(o *options) {
		o.Limits.ReadHeader, o.Limits.Read, o.Limits.Idle = 200*time.Millisecond, 400*time.Millisecond, 200*time.Millisecond
	})
	authorized := "POST " + recordPath + " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer " + server.writerOf("acme") + "\r\n"
	for name, test := range map[string]struct {
		text string
		want []int
	}{
		"nothing":                   {"", nil},
		"a part of a header":        {"GET /healthz HTTP/1.1\r\nHost:", nil},
		"a part of a body":          {authorized + "Content-Length: 100\r\n\r\n{", []int{400}},
		"a part of a chunk":         {authorized + "Transfer-Encoding: chunked\r\n\r\n10\r\n{", []int{400}},
		"a body that nobody reads":  {"POST " + recordPath + " HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", []int{401}},
		"no request after the last": {"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", []int{200}},
	} {
		if got := responses(t, server.raw(test.text)); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", name, got, test.want)
		}
	}
}

// docs/operations.md names what a proxy must not forward.
func TestFramingThatAProxyMayReadOtherwise(t *testing.T) {
	t.Parallel()
	server, _ := onSQLite(t)
	const next = "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
	for header, want := range map[string][]int{
		"Content-Length: 0\r\nContent-Length: 4":                   {400},
		"Content-Length: 0, 4":                                     {400},
		"Content-Length: +0":                                       {400},
		"Content-Length : 4":                                       {400},
		"X: y\rContent-Length: 4":                                  {400},
		"Transfer-Encoding: identity":                              {501},
		"Transfer-Encoding: chunked, identity":                     {501},
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked": {501},
		"Transfer-Encoding: \x0bchunked":                           {400},
		"Transfer-Encoding: chunked\r\nContent-Length: 4":          {200, 200}, // the length does not count
		"Transfer-Encoding:\r\n chunked":                           {200, 200}, // as if on one line
	} {
		if got := responses(t, server.raw("GET /healthz HTTP/1.1\r\nHost: x\r\n"+header+"\r\n\r\n0\r\n\r\n"+next)); !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", header, got, want)
		}
	}
	for request, want := range map[string][]int{
		"GET /healthz HTTP/1.1\r\n\r\n":                                                                  {400}, // no Host
		"GET /healthz HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n":                           {200}, // the connection ends
		"GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n":    {200},
		"GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;a\nb\r\na\r\n0\r\n\r\n": {200},
		"GET /healthz HTTP/1.1\nHost: x\n\n":                                                             {200, 200}, // lines end with LF too
	} {
		if got := responses(t, server.raw(request+next)); !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", request, got, want)
		}
	}
}
