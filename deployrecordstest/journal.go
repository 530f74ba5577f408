package deployrecordstest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/deployrecords/deployrecords/internal/journal"
)

// Journal has the requests that a sandbox received, and its responses. A request is there once its response has ended. It keeps
// at most 10,000 requests and 64 MiB, and drops the oldest.
type Journal struct{ server *SandboxServer }

// Journal returns the journal of the server.
func (s *SandboxServer) Journal() Journal { return Journal{s} }

// Request is a request with its response. Tokens are replaced by "(not shown)".
type Request struct {
	// Number counts the requests of the server from 1.
	Number     int64
	ReceivedAt time.Time
	Duration   time.Duration
	// Path and Query are as sent.
	Method, Path, Query string
	Header              http.Header
	// Body and ResponseBody have at most 64 KiB.
	Body string
	// Status is 0 if the connection was closed without a response.
	Status         int
	ResponseHeader http.Header
	ResponseBody   string
}

// RequestFilter selects requests. Its zero fields select all of them.
type RequestFilter struct {
	Method, Path string
	// Query has parameters that the request must have, with these values.
	Query  url.Values
	Status int
	// After selects requests with a greater number.
	After int64
}

func (f RequestFilter) internal() journal.Filter { return journal.Filter(f) }

// all is a limit above that of a journal.
const all = 1 << 30

// Count returns how many requests match.
func (j Journal) Count(f RequestFilter) int {
	return j.server.sandbox.Journal.Find(f.internal(), 0).Count
}

// Find returns the requests that match, oldest first.
func (j Journal) Find(f RequestFilter) []Request {
	return requests(j.server.sandbox.Journal.Find(f.internal(), all))
}

// Wait waits until a number of requests match, and returns them. If they do not arrive within the time, it ends the test.
func (j Journal) Wait(f RequestFilter, atLeast int, within time.Duration) []Request {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	found, err := j.server.sandbox.Journal.Wait(ctx, f.internal(), all, atLeast)
	if err != nil {
		j.server.fatal(fmt.Errorf("deployrecordstest: Wait: %d of %d requests matched within %s", found.Count, atLeast, within))
	}
	return requests(found)
}

// Dropped returns how many requests, the oldest, the full journal has dropped.
func (j Journal) Dropped() int64 { return j.server.sandbox.Journal.Find(journal.Filter{}, 0).Dropped }

// Clear drops all requests.
func (j Journal) Clear() { j.server.sandbox.Journal.Clear() }

func requests(found journal.Found) []Request {
	list := make([]Request, len(found.Exchanges))
	for i, e := range found.Exchanges {
		list[i] = Request{
			Number: e.Number, ReceivedAt: e.ReceivedAt, Duration: e.Duration, Method: e.Method, Path: e.Path, Query: e.Query,
			Header: e.Header.Clone(), Body: e.Body, Status: e.Status, ResponseHeader: e.ResponseHeader.Clone(), ResponseBody: e.ResponseBody,
		}
	}
	return list
}
