package control

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/deployrecords/deployrecords/generated/control/server"
	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/journal"
)

const (
	// defaultLimit and defaultWithin are the defaults of the document, and maxWithin its maximum.
	defaultLimit  = 100
	defaultWithin = 5 * time.Second
	maxWithin     = time.Minute
)

// ReadJournal implements server.StrictServerInterface.
func (o *operations) ReadJournal(ctx context.Context, r server.ReadJournalRequestObject) (server.ReadJournalResponseObject, error) {
	s, err := o.sandbox(r.Organization)
	if err != nil {
		return nil, err
	}
	p := r.Params
	filter := journal.Filter{Method: value(p.Method), Path: value(p.Path), Status: int(value(p.Status)), After: value(p.After)}
	within, violations := defaultWithin, []string(nil)
	if p.Query != nil {
		if filter.Query, err = parseQuery(*p.Query); err != nil {
			violations = append(violations, "query: "+err.Error())
		}
	}
	if p.Within != nil {
		switch within, err = parseDuration(*p.Within); {
		case err != nil:
			violations = append(violations, "within: "+err.Error())
		case within > maxWithin:
			violations = append(violations, fmt.Sprintf("within: %s is more than %s", within, maxWithin))
		case p.AtLeast == nil:
			violations = append(violations, "within: goes with at_least only")
		}
	}
	if len(violations) > 0 {
		return nil, api.BadRequest(violations)
	}
	limit := defaultLimit
	if p.Limit != nil {
		limit = int(*p.Limit)
	}
	if p.AtLeast == nil {
		return server.ReadJournal200JSONResponse(describeFound(s.Journal.Find(filter, limit))), nil
	}
	waiting, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	found, err := s.Journal.Wait(waiting, filter, limit, int(*p.AtLeast))
	if err != nil {
		return nil, &api.Problem{
			Status:  http.StatusGatewayTimeout,
			Message: fmt.Sprintf("%d of %d requests matched within %s", found.Count, *p.AtLeast, within),
		}
	}
	return server.ReadJournal200JSONResponse(describeFound(found)), nil
}

// ClearJournal implements server.StrictServerInterface.
func (o *operations) ClearJournal(_ context.Context, r server.ClearJournalRequestObject) (server.ClearJournalResponseObject, error) {
	s, err := o.sandbox(r.Organization)
	if err != nil {
		return nil, err
	}
	s.Journal.Clear()
	return server.ClearJournal204Response{}, nil
}

// describeFound returns what a journal has in the form of the document.
func describeFound(found journal.Found) server.Journal {
	body := server.Journal{Count: found.Count, Dropped: found.Dropped, Requests: []server.Exchange{}}
	for _, e := range found.Exchanges {
		body.Requests = append(body.Requests, server.Exchange{
			Number: e.Number, ReceivedAt: e.ReceivedAt, DurationMs: float64(e.Duration.Microseconds()) / 1000,
			Method: e.Method, Path: e.Path, Query: e.Query, Headers: headers(e.Header), Body: e.Body, BodyBytes: e.BodyBytes,
			Status: optional(int32(e.Status)), ResponseHeaders: headers(e.ResponseHeader), ResponseBody: e.ResponseBody, ResponseBytes: e.ResponseBytes,
			Fault: optional(e.Fault),
		})
	}
	return body
}

// headers returns a header that is an object even without values.
func headers(header http.Header) server.Headers {
	if header == nil {
		return server.Headers{}
	}
	return server.Headers(header)
}
