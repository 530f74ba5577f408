// Package contracttest checks the server's responses in tests. Two independent validators check the responses of
// documented operations, and every response is checked against the rules that no document expresses. The package also
// edits documents for tests.
package contracttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/contract"
)

// Client returns an HTTP client that checks every response against this module's documents and reports violations to t.
func Client(t testing.TB) *http.Client { return client(t, documents()) }

// ClientOf is Client for a server of other documents.
func ClientOf(t testing.TB, texts ...[]byte) *http.Client {
	var documents []*document
	for _, text := range texts {
		documents = append(documents, parse(text))
	}
	return client(t, documents)
}

func client(t testing.TB, documents []*document) *http.Client {
	return &http.Client{
		Transport:     &checkingTransport{t: t, documents: documents, next: &http.Transport{DisableKeepAlives: true}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type checkingTransport struct {
	t         testing.TB
	documents []*document
	next      http.RoundTripper
}

func (c *checkingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := c.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return nil, err
	}
	if err := check(c.documents, request, response.StatusCode, response.Header, body); err != nil {
		c.t.Errorf("%s %s answered %d %s\n%v", request.Method, request.URL, response.StatusCode, body, err)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// Check returns the violations of a response to this module's documents and rules, or nil.
func Check(request *http.Request, status int, header http.Header, body []byte) error {
	return check(documents(), request, status, header, body)
}

func check(documents []*document, request *http.Request, status int, header http.Header, body []byte) error {
	violations := ruleViolations(request, status, header, body)
	for _, d := range documents {
		if operation := d.operation(request); operation != nil && request.Method != http.MethodHead {
			violations = append(violations,
				checkWithKin(operation, request, status, header, body), d.checkWithLibopenapi(request, status, header, body))
		}
	}
	return errors.Join(violations...)
}

// document is a document as each validator represents it.
type document struct {
	router     routers.Router
	libopenapi validator.Validator
	// server is the first server of the document; libopenapi finds operations below it.
	server *url.URL
}

// documents are upstream's and our own.
var documents = sync.OnceValue(func() []*document {
	return []*document{parse(deployrecords.OpenAPI()), parse(contract.RecordingOpenAPI())}
})

// parse parses a document of a test and panics if it is not valid.
func parse(text []byte) *document {
	kin, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		panic(err)
	}
	base := &url.URL{}
	if len(kin.Servers) > 0 {
		if base, err = url.Parse(kin.Servers[0].URL); err != nil {
			panic(err)
		}
	}
	kin.Servers = nil // the server under test has another host
	router, err := legacy.NewRouter(kin, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaPatternValidation())
	if err != nil {
		panic(err)
	}
	doc, err := libopenapi.NewDocument(text)
	if err != nil {
		panic(err)
	}
	lib, errs := validator.NewValidator(doc, config.WithStrictMode(), config.WithFormatAssertions(), config.WithStrictIgnoredHeadersExtra(
		// Documents do not declare HTTP's own headers.
		"Cache-Control", "X-Request-Id", "X-Content-Type-Options", "WWW-Authenticate", "Allow", "Retry-After", "Connection"),
		// The control document declares these as maps.
		config.WithStrictIgnorePaths("$.body.**.headers.*", "$.body.**.response_headers.*"))
	if len(errs) > 0 {
		panic(errors.Join(errs...))
	}
	return &document{router: router, libopenapi: lib, server: base}
}

// operation returns the documented operation of a request, or nil.
func (d *document) operation(request *http.Request) *routers.Route {
	route, _, err := d.router.FindRoute(request)
	if err != nil || request.URL.EscapedPath() != request.URL.Path {
		return nil
	}
	if route.Path != request.URL.Path && route.Spec.Paths.Value(request.URL.Path) != nil {
		return nil // the router matched a template, but OpenAPI prefers the concrete path, which lacks this method
	}
	return route
}

func checkWithKin(operation *routers.Route, request *http.Request, status int, header http.Header, body []byte) error {
	err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, Route: operation},
		Status:                 status,
		Header:                 header,
		Body:                   io.NopCloser(bytes.NewReader(body)),
		Options:                &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		return fmt.Errorf("kin-openapi: %w", err)
	}
	return nil
}

func (d *document) checkWithLibopenapi(request *http.Request, status int, header http.Header, body []byte) error {
	moved := request.Clone(context.Background())
	if d.server.Host != "" {
		moved.URL.Scheme, moved.URL.Host, moved.Host = d.server.Scheme, d.server.Host, d.server.Host
	}
	ok, violations := d.libopenapi.ValidateHttpResponse(moved, &http.Response{
		StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Request: moved,
	})
	if ok {
		return nil
	}
	var lines []string
	for _, v := range violations {
		lines = append(lines, "libopenapi: "+v.Message+": "+v.Reason)
		for _, detail := range v.SchemaValidationErrors {
			lines = append(lines, "  "+detail.Reason)
		}
	}
	return errors.New(strings.Join(lines, "\n"))
}
