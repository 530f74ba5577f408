package control

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/deployrecords/deployrecords/generated/control/server"
	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/fixture"
	"github.com/deployrecords/deployrecords/internal/sandbox"
)

// operations implements the operations of the document.
type operations struct{ sandboxes *sandbox.Set }

var _ server.StrictServerInterface = (*operations)(nil)

// recordsType is the media type of records.
const recordsType = "application/x-ndjson"

// sandbox returns the sandbox of an organization, or a 404.
func (o *operations) sandbox(organization string) (*sandbox.Sandbox, error) {
	s, err := o.sandboxes.Get(organization)
	if err != nil {
		return nil, unknown("sandbox", organization)
	}
	return s, nil
}

// describe returns a sandbox in the form of the document. ctx is that of the request.
func describe(ctx context.Context, s *sandbox.Sandbox) server.Sandbox {
	now, isStopped := s.Clock.Read()
	return server.Sandbox{Organization: s.Organization, Url: reachableURL(ctx, s.URL), Token: s.Token, Now: now, IsStopped: isStopped, Seed: s.Seed}
}

// reachableURL returns a URL with the address by which the client of a request has reached the control API: a client on another
// machine does not reach the loopback address that stands for every address.
func reachableURL(ctx context.Context, text string) string {
	local, ok := ctx.Value(http.LocalAddrContextKey).(*net.TCPAddr)
	u, err := url.Parse(text)
	if !ok || local.IP.IsLoopback() || err != nil {
		return text
	}
	u.Host = net.JoinHostPort(local.IP.String(), u.Port())
	return u.String()
}

// ListSandboxes implements server.StrictServerInterface.
func (o *operations) ListSandboxes(ctx context.Context, _ server.ListSandboxesRequestObject) (server.ListSandboxesResponseObject, error) {
	list := server.SandboxList{Sandboxes: []server.Sandbox{}}
	for _, s := range o.sandboxes.List() {
		list.Sandboxes = append(list.Sandboxes, describe(ctx, s))
	}
	return server.ListSandboxes200JSONResponse(list), nil
}

// CreateSandbox implements server.StrictServerInterface.
func (o *operations) CreateSandbox(ctx context.Context, r server.CreateSandboxRequestObject) (server.CreateSandboxResponseObject, error) {
	options := sandbox.Options{}
	file, err := readRecords(r.Body)
	if err != nil {
		return nil, err
	}
	if len(file.Data) > 0 {
		options.Files = []fixture.File{file}
	}
	if r.Params.Now != nil {
		options.Now = *r.Params.Now
		if err := sandbox.CheckYear(options.Now); err != nil { // the zero time would be the real clock
			return nil, api.BadRequest([]string{"now: " + err.Error()})
		}
	}
	if r.Params.Seed != nil {
		options.Seed = *r.Params.Seed
	}
	s, err := o.sandboxes.Create(ctx, options)
	if err != nil {
		return nil, err
	}
	return server.CreateSandbox200JSONResponse(describe(ctx, s)), nil
}

// readRecords reads a body with records.
func readRecords(body io.Reader) (fixture.File, error) {
	if body == nil {
		return fixture.File{}, nil
	}
	data, err := io.ReadAll(body)
	return fixture.File{Name: "body", Data: data}, err
}

// GetSandbox implements server.StrictServerInterface.
func (o *operations) GetSandbox(ctx context.Context, r server.GetSandboxRequestObject) (server.GetSandboxResponseObject, error) {
	s, err := o.sandbox(r.Organization)
	if err != nil {
		return nil, err
	}
	return server.GetSandbox200JSONResponse(describe(ctx, s)), nil
}

// DeleteSandbox implements server.StrictServerInterface.
func (o *operations) DeleteSandbox(_ context.Context, r server.DeleteSandboxRequestObject) (server.DeleteSandboxResponseObject, error) {
	if _, err := o.sandbox(r.Organization); err != nil {
		return nil, err
	}
	if err := o.sandboxes.Delete(r.Organization); err != nil {
		return nil, err
	}
	return server.DeleteSandbox204Response{}, nil
}

// ResetSandbox implements server.StrictServerInterface.
func (o *operations) ResetSandbox(ctx context.Context, r server.ResetSandboxRequestObject) (server.ResetSandboxResponseObject, error) {
	s, err := o.sandbox(r.Organization)
	if err != nil {
		return nil, err
	}
	if err := s.Reset(ctx); err != nil {
		return nil, err
	}
	return server.ResetSandbox200JSONResponse(describe(ctx, s)), nil
}

// LoadRecords implements server.StrictServerInterface.
func (o *operations) LoadRecords(ctx context.Context, r server.LoadRecordsRequestObject) (server.LoadRecordsResponseObject, error) {
	s, err := o.sandbox(r.Organization)
	if err != nil {
		return nil, err
	}
	file, err := readRecords(r.Body)
	if err != nil {
		return nil, err
	}
	summary, err := s.Load(ctx, file)
	if err != nil {
		return nil, err
	}
	return server.LoadRecords200JSONResponse{Added: summary.Added, Changed: summary.Changed, Unchanged: summary.Unchanged}, nil
}

// SetClock implements server.StrictServerInterface.
func (o *operations) SetClock(ctx context.Context, r server.SetClockRequestObject) (server.SetClockResponseObject, error) {
	s, err := o.sandbox(r.Organization)
	if err != nil {
		return nil, err
	}
	field := "now"
	switch {
	case (r.Body.Now == nil) == (r.Body.Advance == nil):
		return nil, api.BadRequest([]string{"body: has not exactly one of now and advance"})
	case r.Body.Now != nil:
		err = s.Clock.Set(*r.Body.Now)
	default:
		field = "advance"
		var by time.Duration
		if by, err = parseDuration(*r.Body.Advance); err == nil {
			err = s.Clock.Advance(by)
		}
	}
	if err != nil {
		return nil, api.BadRequest([]string{field + ": " + err.Error()})
	}
	return server.SetClock200JSONResponse(describe(ctx, s)), nil
}

// MintToken implements server.StrictServerInterface.
func (o *operations) MintToken(_ context.Context, r server.MintTokenRequestObject) (server.MintTokenResponseObject, error) {
	s, err := o.sandbox(r.Organization)
	if err != nil {
		return nil, err
	}
	request := sandbox.TokenRequest{Project: value(r.Body.Project), Subject: value(r.Body.Subject), Broken: sandbox.Breakage(value(r.Body.Broken))}
	for _, scope := range value(r.Body.Scopes) {
		request.Scopes = append(request.Scopes, auth.Scope(scope))
	}
	if r.Body.Ttl != nil {
		if request.TTL, err = parseDuration(*r.Body.Ttl); err != nil {
			return nil, api.BadRequest([]string{"ttl: " + err.Error()})
		}
	}
	token, err := s.Issuer.Mint(request)
	if err != nil {
		return nil, err
	}
	return server.MintToken200JSONResponse{Token: token}, nil
}

// parseDuration parses a duration of more than zero. An error completes the sentence "the value ...".
func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%s is not a duration such as 300ms or 24h", deployments.Quote(text))
	}
	if d <= 0 {
		return 0, fmt.Errorf("%s is not more than 0s", deployments.Quote(text))
	}
	return d, nil
}

// value returns what a pointer points to, or the zero value.
func value[T any](pointer *T) (v T) {
	if pointer != nil {
		v = *pointer
	}
	return v
}
