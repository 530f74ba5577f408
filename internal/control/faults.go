package control

import (
	"context"
	"net/url"
	"time"

	"github.com/deployrecords/deployrecords/generated/control/server"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/faults"
	"github.com/deployrecords/deployrecords/internal/sandbox"
)

// ListFaults implements server.StrictServerInterface.
func (o *operations) ListFaults(_ context.Context, r server.ListFaultsRequestObject) (server.ListFaultsResponseObject, error) {
	s, err := o.sandbox(r.Organization)
	if err != nil {
		return nil, err
	}
	list := server.FaultList{Faults: []server.AddedFault{}}
	for _, added := range s.Faults.List() {
		list.Faults = append(list.Faults, describeFault(added))
	}
	return server.ListFaults200JSONResponse(list), nil
}

// AddFault implements server.StrictServerInterface.
func (o *operations) AddFault(_ context.Context, r server.AddFaultRequestObject) (server.AddFaultResponseObject, error) {
	s, err := o.sandbox(r.Organization)
	if err != nil {
		return nil, err
	}
	fault, violations := toFault(r.Body)
	if violations = append(violations, s.Faults.Check(&fault)...); len(violations) > 0 {
		return nil, sandbox.ViolationsError(violations)
	}
	added, err := s.Faults.Add(fault)
	if err != nil {
		return nil, err
	}
	return server.AddFault200JSONResponse(describeFault(added)), nil
}

// RemoveFaults implements server.StrictServerInterface.
func (o *operations) RemoveFaults(_ context.Context, r server.RemoveFaultsRequestObject) (server.RemoveFaultsResponseObject, error) {
	s, err := o.sandbox(r.Organization)
	if err != nil {
		return nil, err
	}
	s.Faults.Clear()
	return server.RemoveFaults204Response{}, nil
}

// RemoveFault implements server.StrictServerInterface.
func (o *operations) RemoveFault(_ context.Context, r server.RemoveFaultRequestObject) (server.RemoveFaultResponseObject, error) {
	s, err := o.sandbox(r.Organization)
	if err != nil {
		return nil, err
	}
	if !s.Faults.Remove(r.Fault) {
		return nil, unknown("fault", r.Fault)
	}
	return server.RemoveFault204Response{}, nil
}

// The defaults of the document.
const (
	defaultTimes      = 1
	defaultRetryAfter = 1 // seconds
)

// toFault returns a fault, and the violations of the texts that it has as other types.
func toFault(body *server.Fault) (f faults.Fault, violations []deployments.Violation) {
	duration := func(field string, text *string) (d time.Duration) {
		if text == nil {
			return 0
		}
		d, err := parseDuration(*text)
		if err != nil {
			violations = append(violations, deployments.Violation{Field: field, Message: err.Error()})
		}
		return d
	}
	f = faults.Fault{
		Kind: faults.Kind(body.Kind), Times: defaultTimes,
		Status: int(value(body.Status)), RetryAfter: time.Duration(value(body.RetryAfter)) * time.Second, Message: value(body.Message),
		Pause: duration("pause", body.Pause), ContentType: value(body.ContentType),
	}
	if body.Times != nil {
		f.Times = int(*body.Times)
	}
	if body.RetryAfter == nil && f.Kind == faults.Status {
		f.RetryAfter = defaultRetryAfter * time.Second
	}
	if body.Bytes != nil {
		f.Bytes = new(int(*body.Bytes))
	}
	if d := body.Delay; d != nil {
		f.Delay = faults.Delay{
			Fixed: duration("delay.fixed", d.Fixed), Min: duration("delay.min", d.Min), Max: duration("delay.max", d.Max),
			Median: duration("delay.median", d.Median), Sigma: value(d.Sigma),
		}
	}
	if m := body.Match; m != nil {
		f.Match = faults.Match{Method: value(m.Method), Path: value(m.Path), Nth: int(value(m.Nth))}
		if m.Query != nil {
			query, err := parseQuery(*m.Query)
			if err != nil {
				violations = append(violations, deployments.Violation{Field: "match.query", Message: err.Error()})
			}
			f.Match.Query = query
		}
	}
	return f, violations
}

// parseQuery parses a part of a query. An error completes the sentence "the value ...".
func parseQuery(text string) (url.Values, error) {
	query, err := url.ParseQuery(text)
	if err != nil {
		return nil, &invalidQuery{text}
	}
	return query, nil
}

type invalidQuery struct{ text string }

func (e *invalidQuery) Error() string {
	return deployments.Quote(e.text) + " is not a query such as environment_name=prod-eu"
}

// describeFault returns a fault in the form of the document, with the defaults that apply.
func describeFault(added faults.Added) server.AddedFault {
	f := added.Fault
	body := server.Fault{Kind: string(f.Kind), Times: new(int32(f.Times)), Pause: text(f.Pause), Match: &server.Match{
		Method: optional(f.Match.Method), Path: optional(f.Match.Path), Query: optional(f.Match.Query.Encode()), Nth: optional(int32(f.Match.Nth)),
	}}
	if *body.Match == (server.Match{}) {
		body.Match = nil
	}
	if f.Kind == faults.Status {
		body.Status, body.Message, body.RetryAfter = new(int32(f.Status)), optional(f.Message), new(int32(f.RetryAfter/time.Second))
	}
	if f.Bytes != nil {
		body.Bytes = new(int32(*f.Bytes))
	}
	body.ContentType = optional(f.ContentType)
	if d := f.Delay; d != (faults.Delay{}) {
		body.Delay = &server.Delay{Fixed: text(d.Fixed), Min: text(d.Min), Max: text(d.Max), Median: text(d.Median), Sigma: optional(d.Sigma)}
	}
	return server.AddedFault{Id: added.ID, Used: int32(added.Used), Fault: body}
}

// optional returns a pointer to a value, or nil for the zero value.
func optional[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}

// text returns a duration in the form of the document, or nil for none.
func text(d time.Duration) *string {
	if d == 0 {
		return nil
	}
	return new(d.String())
}
