// Package contracttest judges the server's answers in tests: those of documented operations by two validators that
// have nothing in common, and every answer by what the rules say beyond the document.
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

// Client gives an HTTP client that hands every answer to the judge before the test sees it.
func Client(t testing.TB) *http.Client { return client(t, documents()) }

// ClientOf is Client for a server of other documents than this module's.
func ClientOf(t testing.TB, texts ...[]byte) *http.Client {
	var documents []*document
	for _, text := range texts {
		documents = append(documents, readContract(text))
	}
	return client(t, documents)
}

func client(t testing.TB, documents []*document) *http.Client {
	return &http.Client{
		Transport:     &judging{t: t, documents: documents, next: &http.Transport{DisableKeepAlives: true}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type judging struct {
	t         testing.TB
	documents []*document
	next      http.RoundTripper
}

func (j *judging) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := j.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		return nil, err
	}
	if err := judge(j.documents, request, response.StatusCode, response.Header, body); err != nil {
		j.t.Errorf("%s %s answered %d %s\n%v", request.Method, request.URL, response.StatusCode, body, err)
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// Judge says what is wrong with an answer, or nil.
func Judge(request *http.Request, status int, header http.Header, body []byte) error {
	return judge(documents(), request, status, header, body)
}

func judge(documents []*document, request *http.Request, status int, header http.Header, body []byte) error {
	faults := generalFaults(request, status, header, body)
	for _, c := range documents {
		if op := c.operation(request); op != nil && request.Method != http.MethodHead {
			faults = append(faults, kinFault(op, request, status, header, body), c.libopenapiFault(request, status, header, body))
		}
	}
	return errors.Join(faults...)
}

// document is a document in the forms of both validators.
type document struct {
	router     routers.Router
	libopenapi validator.Validator
	// server is where the document says that it is served, by which libopenapi finds operations.
	server *url.URL
}

// documents are upstream's and our own.
var documents = sync.OnceValue(func() []*document {
	return []*document{readContract(deployrecords.OpenAPI()), readContract(contract.RecordingOpenAPI())}
})

func readContract(text []byte) *document {
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
	kin.Servers = nil // the server under test has another name
	router, err := legacy.NewRouter(kin, openapi3.DisableExamplesValidation())
	if err != nil {
		panic(err)
	}
	doc, err := libopenapi.NewDocument(text)
	if err != nil {
		panic(err)
	}
	lib, errs := validator.NewValidator(doc, config.WithStrictMode(), config.WithFormatAssertions(), config.WithStrictIgnoredHeadersExtra(
		// These are HTTP's own and no business of a document.
		"Cache-Control", "X-Request-Id", "X-Content-Type-Options", "WWW-Authenticate", "Allow", "Retry-After", "Connection"))
	if len(errs) > 0 {
		panic(errors.Join(errs...))
	}
	return &document{router: router, libopenapi: lib, server: base}
}

// operation finds the documented operation of a request, or nil.
func (c *document) operation(request *http.Request) *routers.Route {
	route, _, err := c.router.FindRoute(request)
	if err != nil || request.URL.EscapedPath() != request.URL.Path {
		return nil
	}
	if route.Path != request.URL.Path && route.Spec.Paths.Value(request.URL.Path) != nil {
		return nil // the router fell back to a template for the method, where OpenAPI has the concrete path decide
	}
	return route
}

func kinFault(op *routers.Route, request *http.Request, status int, header http.Header, body []byte) error {
	err := openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, Route: op},
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

func (c *document) libopenapiFault(request *http.Request, status int, header http.Header, body []byte) error {
	asked := request.Clone(context.Background())
	if c.server.Host != "" {
		asked.URL.Scheme, asked.URL.Host, asked.Host = c.server.Scheme, c.server.Host, c.server.Host
	}
	ok, faults := c.libopenapi.ValidateHttpResponse(asked, &http.Response{
		StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Request: asked,
	})
	if ok {
		return nil
	}
	var text []string
	for _, fault := range faults {
		text = append(text, "libopenapi: "+fault.Message+": "+fault.Reason)
		for _, detail := range fault.SchemaValidationErrors {
			text = append(text, "  "+detail.Reason)
		}
	}
	return errors.New(strings.Join(text, "\n"))
}
