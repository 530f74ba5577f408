package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"

	"github.com/deployrecords/deployrecords/internal/faults"
	"github.com/deployrecords/deployrecords/internal/httpserver"
	"github.com/deployrecords/deployrecords/internal/httpserver/openapi"
	"github.com/deployrecords/deployrecords/internal/journal"
)

// Set has the sandboxes of a program. It is safe for concurrent use.
type Set struct {
	settings   httpserver.Options
	newHandler NewHandler
	host       string
	operations faults.Operations
	main       *Sandbox
	journals   journal.Budget
	records    Budget

	mu       sync.Mutex
	created  int
	servers  []*Server // in the order of their creation; nil while one starts
	isClosed bool
}

// NewSet returns a set with the server of the program, which has had no request. Other sandboxes listen on the host, with the settings and handlers by newHandler. It fails if a
// document of the settings is invalid.
func NewSet(main *Sandbox, settings httpserver.Options, newHandler NewHandler, host string, operations faults.Operations) (*Set, error) {
	var err error
	if settings.Documents, err = openapi.ReadDocuments(settings.Document, settings.RecordingDocument); err != nil {
		return nil, err
	}
	s := &Set{settings: settings, newHandler: newHandler, host: host, operations: operations, main: main}
	main.Journal.Budget = &s.journals
	// The user has chosen what the program was started with.
	ctx := context.Background()
	size, err := main.Store.current.MemoryBytes(ctx)
	if err != nil {
		return nil, err
	}
	s.records.limit = maxRecordsBytes
	main.Store.share(ctx, &s.records, -size)
	return s, nil
}

// maxSandboxes is the maximum number of sandboxes: each has a port.
const maxSandboxes = 1000

var (
	// ErrTooMany reports a sandbox too many.
	ErrTooMany = errors.New("there are 1000 sandboxes; end some")
	// ErrMain reports that the server of the program cannot end by itself.
	ErrMain = errors.New("the server of DEPLOYRECORDS_URL ends with the program")
	// ErrUnknown reports that there is no sandbox of an organization.
	ErrUnknown = errors.New("there is no such sandbox")
	errClosed  = errors.New("the program stops")
)

// Create starts a sandbox with an organization that no other one has had. It returns ErrTooMany beyond 1,000 sandboxes.
func (s *Set) Create(ctx context.Context, o Options) (*Sandbox, error) {
	reserved, err := s.reserve(&o)
	if err != nil {
		return nil, err
	}
	server, err := Start(ctx, o, s.settings, s.host)
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.servers, reserved)
	switch {
	case err != nil && i >= 0:
		s.servers = slices.Delete(s.servers, i, i+1)
		fallthrough
	case err != nil:
		return nil, err
	case i < 0: // Close came first
		return nil, errors.Join(errClosed, server.Close())
	}
	s.servers[i] = server
	return server.Sandbox, nil
}

// reserve names a sandbox and adds an entry for its server.
func (s *Set) reserve(o *Options) (reserved *Server, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.isClosed:
		return nil, errClosed
	case len(s.servers) >= maxSandboxes:
		return nil, ErrTooMany
	}
	for o.Organization = s.main.Organization; o.Organization == s.main.Organization; {
		s.created++
		o.Organization = fmt.Sprintf("sandbox-%d", s.created)
	}
	o.Operations, o.NewHandler, o.Journals, o.Records = s.operations, s.newHandler, &s.journals, &s.records
	reserved = &Server{Sandbox: &Sandbox{}} // has no organization, so nobody finds it
	s.servers = append(s.servers, reserved)
	return reserved, nil
}

// Get returns the sandbox of an organization, or ErrUnknown.
func (s *Set) Get(organization string) (*Sandbox, error) {
	if organization == s.main.Organization {
		return s.main, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.index(organization); i >= 0 {
		return s.servers[i].Sandbox, nil
	}
	return nil, ErrUnknown
}

func (s *Set) index(organization string) int {
	return slices.IndexFunc(s.servers, func(server *Server) bool { return organization != "" && server.Organization == organization })
}

// List returns the sandboxes in the order of their creation.
func (s *Set) List() []*Sandbox {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []*Sandbox{s.main}
	for _, server := range s.servers {
		if server.Organization != "" {
			all = append(all, server.Sandbox)
		}
	}
	return all
}

// Delete ends a sandbox. It returns ErrUnknown or ErrMain.
func (s *Set) Delete(organization string) error {
	if organization == s.main.Organization {
		return ErrMain
	}
	s.mu.Lock()
	i := s.index(organization)
	if i < 0 {
		s.mu.Unlock()
		return ErrUnknown
	}
	server := s.servers[i]
	s.servers = slices.Delete(s.servers, i, i+1)
	s.mu.Unlock()
	_ = server.Close()     // an error reports that requests were interrupted
	server.Journal.Clear() // returns its bytes to the budget
	return nil
}

// Close ends all sandboxes except the server of the program.
func (s *Set) Close() {
	s.mu.Lock()
	servers := s.servers
	s.servers, s.isClosed = nil, true
	s.mu.Unlock()
	var closing sync.WaitGroup
	for _, server := range servers {
		if server.close != nil {
			closing.Go(func() { _ = server.Close() })
		}
	}
	closing.Wait()
}

// BaseURL returns the URL of a listener for clients on this machine. It is the loopback address for a listener on every
// address.
func BaseURL(listening net.Addr) string {
	address, ok := listening.(*net.TCPAddr)
	if !ok {
		return "http://" + listening.String()
	}
	host := address.IP.String()
	switch {
	case address.IP.Equal(net.IPv4zero):
		host = "127.0.0.1"
	case address.IP.IsUnspecified():
		host = "::1"
	case address.Zone != "":
		host += "%25" + address.Zone
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(address.Port))
}
