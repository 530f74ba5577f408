package pgtest

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Proxy is a network between clients and a PostgreSQL server that fails on demand. It listens on a TCP address of loopback.
type Proxy struct {
	// URL is the URL of the database through the proxy.
	URL string

	listener net.Listener
	// network and address are those of the server.
	network, address string

	mu sync.Mutex
	// links are the open connections.
	links map[*link]struct{}
	// resumed is closed unless the proxy is stalled.
	resumed chan struct{}
}

// link is a connection of a client and its counterpart at the server.
type link struct {
	client, server net.Conn
	// cut is closed when the link has lost its network.
	cut chan struct{}
}

// NewProxy starts a proxy to the server of a database that ends with the test.
func NewProxy(t testing.TB, databaseURL string) *Proxy {
	t.Helper()
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		t.Fatalf("database URL: %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: listener, links: make(map[*link]struct{}), resumed: make(chan struct{})}
	p.network, p.address = pgconn.NetworkAddress(config.Host, config.Port)
	p.URL = edit(t, databaseURL, func(u *url.URL) {
		u.Host = listener.Addr().String()
		query := u.Query()
		query.Del("host")
		query.Set("sslmode", "disable")
		u.RawQuery = query.Encode()
	})
	close(p.resumed)
	go p.accept()
	t.Cleanup(func() {
		_ = listener.Close()
		p.Reset()
	})
	return p
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		go p.forward(client)
	}
}

func (p *Proxy) forward(client net.Conn) {
	server, err := net.Dial(p.network, p.address)
	if err != nil {
		_ = client.Close()
		return
	}
	l := &link{client, server, make(chan struct{})}
	p.mu.Lock()
	p.links[l] = struct{}{}
	p.mu.Unlock()
	ended := make(chan struct{}, 2)
	for _, direction := range [][2]net.Conn{{client, server}, {server, client}} {
		go func() {
			p.copy(l, direction[0], direction[1])
			ended <- struct{}{}
		}()
	}
	<-ended
	select {
	case <-l.cut: // neither side learns that the other one has closed
		return
	default:
	}
	p.mu.Lock()
	delete(p.links, l)
	p.mu.Unlock()
	_, _ = client.Close(), server.Close()
	<-ended
}

// copy forwards one direction until it ends or the link is cut.
func (p *Proxy) copy(l *link, from, to net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		p.mu.Lock()
		resumed := p.resumed
		p.mu.Unlock()
		<-resumed
		select {
		case <-l.cut:
			return
		default:
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// Stall holds back all data for a time.
func (p *Proxy) Stall(d time.Duration) {
	resumed := make(chan struct{})
	p.mu.Lock()
	p.resumed = resumed
	p.mu.Unlock()
	time.Sleep(d)
	close(resumed)
}

// Reset closes all connections, as a router that restarts.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		if tcp, ok := l.client.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset instead of an end
		}
		_, _ = l.client.Close(), l.server.Close()
	}
}

// Cut loses the network of all connections: neither side receives anything more, nor learns that the other one has ended. New
// connections have a network. The returned function closes both sides.
func (p *Proxy) Cut() (closeAll func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var lost []io.Closer
	for l := range p.links {
		close(l.cut)
		delete(p.links, l)
		lost = append(lost, l.client, l.server)
	}
	return func() {
		for _, conn := range lost {
			_ = conn.Close()
		}
	}
}
