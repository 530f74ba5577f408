package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"
)

// connection speaks HTTP/1.1 to one server, one request after the other. It does no more than that, for the load to
// take as little as possible of the cores that it shares with the server: what net/http's client does for a request
// is a good part of what the server does.
type connection struct {
	conn net.Conn
	r    *bufio.Reader
}

func dial(ctx context.Context, address string) (*connection, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &connection{conn: conn, r: bufio.NewReaderSize(conn, 64<<10)}, nil
}

func (c *connection) close() { _ = c.conn.Close() }

// do sends a request as it stands and reads the answer, writing its body to body unless that is nil. An answer with
// another status than 200 is an error, with what the body says.
func (c *connection) do(request []byte, body *bytes.Buffer) error {
	if err := c.conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return err
	}
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	line, err := c.line()
	if err != nil {
		return err
	}
	if len(line) < 12 {
		return fmt.Errorf("the answer begins %q", line)
	}
	status := string(line[9:12])
	length, chunked, err := c.header()
	if err != nil {
		return err
	}
	to := io.Discard
	var complaint bytes.Buffer
	switch {
	case status != "200":
		to = &complaint
	case body != nil:
		body.Reset()
		to = body
	}
	if chunked {
		err = c.chunks(to)
	} else {
		_, err = io.CopyN(to, c.r, length)
	}
	if err == nil && status != "200" {
		err = fmt.Errorf("status %s: %s", status, complaint.Bytes())
	}
	return err
}

// line is the next line without its end; it is valid until the next read.
func (c *connection) line() ([]byte, error) {
	line, err := c.r.ReadSlice('\n')
	return bytes.TrimRight(line, "\r\n"), err
}

// header reads up to the body and tells how that is delimited.
func (c *connection) header() (length int64, chunked bool, err error) {
	for length = -1; ; {
		line, err := c.line()
		if err != nil {
			return 0, false, err
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.ParseInt(string(value), 10, 64); err != nil {
				return 0, false, err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = true
		}
	}
	if length < 0 && !chunked {
		err = errors.New("the answer does not say how long it is")
	}
	return length, chunked, err
}

func (c *connection) chunks(to io.Writer) error {
	for {
		line, err := c.line()
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(string(line), 16, 64)
		if err != nil {
			return err
		}
		if _, err := io.CopyN(to, c.r, size); err != nil {
			return err
		}
		if _, err := c.r.Discard(2); err != nil { // the line break after a chunk, and after the last
			return err
		}
		if size == 0 {
			return nil
		}
	}
}

// request is one for the server, to be sent as it stands.
func (s *server) request(method, pathAndQuery string, body string) []byte {
	text := method + " " + pathAndQuery + " HTTP/1.1\r\nHost: " + s.address + "\r\nAuthorization: Bearer " + s.token + "\r\n"
	if method == "POST" {
		text += "Content-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n"
	}
	return []byte(text + "\r\n" + body)
}

// get asks once and gives the body.
func (s *server) get(ctx context.Context, pathAndQuery string) ([]byte, error) {
	c, err := dial(ctx, s.address)
	if err != nil {
		return nil, err
	}
	defer c.close()
	var body bytes.Buffer
	err = c.do(s.request("GET", pathAndQuery, ""), &body)
	return body.Bytes(), err
}
