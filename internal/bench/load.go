// The load generator is our own because vegeta (github.com/tsenart/vegeta/v12, v12.13) does not reproduce the figures. The
// load shares the processors with the server, so that vegeta measures its own cost too: net/http's client, and one goroutine
// that starts all requests. On two cores its saturated rate was 46 % lower (20 records a page) and 25 % lower (100). Its
// median latency at the same rate was 3.2 and 1.5 times as long. Vegeta sends HTTP only, but the scenario latency puts the
// same load on PostgreSQL. Poisson arrivals need a pacer of our own in either case.

package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// connection is an HTTP/1.1 connection that sends prepared requests one at a time.
type connection struct {
	net.Conn
	reader *bufio.Reader
}

func dial(ctx context.Context, address string) (*connection, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &connection{conn, bufio.NewReaderSize(conn, 64<<10)}, nil
}

// statusError is a response with a status other than 200.
type statusError struct {
	status int
	body   string
}

func (e *statusError) Error() string { return fmt.Sprintf("status %d: %s", e.status, e.body) }

// do sends a request and copies the response body to body. A status other than 200 is a *statusError.
func (c *connection) do(request []byte, body io.Writer) error {
	var text bytes.Buffer
	status, err := c.exchange(request, func(status int) io.Writer {
		if status == http.StatusOK {
			return body
		}
		return &text
	})
	if err == nil && status != http.StatusOK {
		err = &statusError{status, text.String()}
	}
	return err
}

// exchange sends a request, copies the response body to the writer for its status, and returns the status.
func (c *connection) exchange(request []byte, body func(status int) io.Writer) (status int, err error) {
	if err := c.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		return 0, err
	}
	if _, err := c.Write(request); err != nil {
		return 0, err
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(body(response.StatusCode), response.Body)
	return response.StatusCode, err
}

// request returns a request in its wire form.
func (s *server) request(method, pathAndQuery, body string) []byte {
	text := method + " " + pathAndQuery + " HTTP/1.1\r\nHost: " + s.address + "\r\nAuthorization: Bearer " + s.token + "\r\n"
	if method == http.MethodPost {
		text += "Content-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n"
	}
	return []byte(text + "\r\n" + body)
}

// get sends one request on a connection of its own and returns the response body.
func (s *server) get(ctx context.Context, pathAndQuery string) ([]byte, error) {
	c, err := dial(ctx, s.address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	var body bytes.Buffer
	err = c.do(s.request(http.MethodGet, pathAndQuery, ""), &body)
	return body.Bytes(), err
}

// clients are independent sources of requests, each with a connection of its own.
type clients struct {
	send    []func() error // each sends one request and waits for the response
	closers []func() error
}

func (c *clients) close() {
	for _, closeConn := range c.closers {
		_ = closeConn()
	}
}

// connect opens clients of the server. next returns the function that makes a client's requests. The caller closes them.
func (s *server) connect(ctx context.Context, count int, next func(client int) func() []byte) (*clients, error) {
	all := new(clients)
	for i := range count {
		c, err := dial(ctx, s.address)
		if err != nil {
			all.close()
			return nil, err
		}
		request := next(i)
		all.closers = append(all.closers, c.Close)
		all.send = append(all.send, func() error { return c.do(request(), io.Discard) })
	}
	return all, nil
}

// always sends the same request every time.
func always(request []byte) func(int) func() []byte {
	return func(int) func() []byte { return func() []byte { return request } }
}

// each runs a function for every client at the same time and returns the first errors.
func (c *clients) each(ctx context.Context, run func(send func() error) error) error {
	var group sync.WaitGroup
	errs := make([]error, len(c.send))
	for i, send := range c.send {
		group.Go(func() { errs[i] = run(send) })
	}
	group.Wait()
	if err := errors.Join(errors.Join(errs...), ctx.Err()); err != nil {
		return fmt.Errorf("under load: %w", err)
	}
	return nil
}

// saturate keeps one request of every client in flight and returns the rate of responses per second.
func (c *clients) saturate(ctx context.Context, duration time.Duration) (float64, error) {
	var responses atomic.Int64
	start := time.Now()
	err := c.each(ctx, func(send func() error) error {
		for time.Since(start) < duration && ctx.Err() == nil {
			if err := send(); err != nil {
				return err
			}
			responses.Add(1)
		}
		return nil
	})
	return float64(responses.Load()) / time.Since(start).Seconds(), err
}

// arrive sends requests as a Poisson process with the given rate per second, whether or not earlier ones are answered,
// and returns the latency of each in seconds. A duration so short that no request arrives is an error.
//
// The latency of a request that finds every client busy counts from its arrival. The latency of any other counts from
// when it is sent: a late wake-up of this process is no delay of the server.
func (c *clients) arrive(ctx context.Context, rate float64, duration time.Duration) ([]float64, error) {
	random := rand.New(rand.NewPCG(1, 1))
	var arrivals []time.Duration
	for at := random.ExpFloat64() / rate; at < duration.Seconds(); at += random.ExpFloat64() / rate {
		arrivals = append(arrivals, time.Duration(at*float64(time.Second)))
	}
	if len(arrivals) == 0 {
		return nil, fmt.Errorf("no request arrived in %s at %.3g requests a second", duration, rate)
	}
	// The load shares the processors with the server: a garbage collection here would count as the server's latency.
	runtime.GC()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	latencies := make([]float64, len(arrivals))
	var next atomic.Int64
	start := time.Now()
	err := c.each(ctx, func(send func() error) error {
		for ctx.Err() == nil {
			n := int(next.Add(1)) - 1
			if n >= len(arrivals) {
				break
			}
			from := start.Add(arrivals[n])
			if early := time.Until(from); early > 0 {
				time.Sleep(early)
				from = time.Now()
			}
			if err := send(); err != nil {
				return err
			}
			latencies[n] = time.Since(from).Seconds()
		}
		return nil
	})
	return latencies, err
}
