package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

const testToken = "eyJhbGciOi.a-token-of-the-tests.c2lnbmF0dXJl"

var documents = sync.OnceValue(func() map[string]*openapi3.T {
	loaded := make(map[string]*openapi3.T)
	for method, file := range map[string]string{http.MethodGet: "../../openapi.yaml", http.MethodPost: "../../internal/contract/openapi.recording.yaml"} {
		document, err := openapi3.NewLoader().LoadFromFile(file)
		if err != nil {
			panic(err)
		}
		loaded[method] = document
	}
	return loaded
})

// apiServer implements both OpenAPI documents: it validates every request against them, records it, and responds.
type apiServer struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	requests []request
	// trouble has the handlers of the next requests. Later requests succeed.
	trouble []http.HandlerFunc
	// answer is the record in the response to a recording; nil derives it from the request.
	answer map[string]any
	// records are the records of listings; firstPage is the number of the first page.
	records   []map[string]any
	firstPage int
	pageSize  int
	// listed is called before each page.
	listed func(s *apiServer, page int)
}

type request struct {
	method string
	query  url.Values
	header http.Header
	body   string
}

func newAPI(t *testing.T, trouble ...http.HandlerFunc) *apiServer {
	t.Helper()
	s := &apiServer{t: t, trouble: trouble, pageSize: 100}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

// undocumented returns the query parameters of a request that the document of its method does not name.
func undocumented(r *http.Request) (names []string) {
	path := documents()[r.Method].Paths.Value(r.URL.Path)
	parameters := slices.Concat(path.Parameters, path.GetOperation(r.Method).Parameters)
	for name := range r.URL.Query() {
		if parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			names = append(names, name)
		}
	}
	return names
}

func (s *apiServer) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if err := inContract(r, body); err != nil {
		s.t.Errorf("%s %s %s\n%v", r.Method, r.URL, body, err)
	}
	if names := undocumented(r); len(names) > 0 {
		s.t.Errorf("%s %s has undocumented parameters, which --unknown-parameters=reject rejects: %q", r.Method, r.URL, names)
	}
	s.mu.Lock()
	s.requests = append(s.requests, request{r.Method, r.URL.Query(), r.Header.Clone(), string(body)})
	var trouble http.HandlerFunc
	if len(s.trouble) > 0 {
		trouble, s.trouble = s.trouble[0], s.trouble[1:]
	}
	s.mu.Unlock()
	switch {
	case trouble != nil:
		trouble(w, r)
	case r.Method == http.MethodPost:
		s.record(w, body)
	default:
		s.list(w, r.URL.Query())
	}
}

func inContract(r *http.Request, body []byte) error {
	document := documents()[r.Method]
	item := document.Paths.Value(r.URL.Path)
	if item == nil || item.GetOperation(r.Method) == nil {
		return fmt.Errorf("there is no %s %s in the contract", r.Method, r.URL.Path)
	}
	if got := r.Header.Get("Authorization"); got != "Bearer "+testToken {
		return fmt.Errorf("Authorization is %q", got)
	}
	checked := r.Clone(context.Background())
	checked.Body = io.NopCloser(bytes.NewReader(body))
	return openapi3filter.ValidateRequest(context.Background(), &openapi3filter.RequestValidationInput{
		Request:    checked,
		PathParams: map[string]string{},
		Route:      &routers.Route{Spec: document, Path: r.URL.Path, PathItem: item, Method: r.Method, Operation: item.GetOperation(r.Method)},
		Options:    &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, MultiError: true},
	})
}

func (s *apiServer) record(w http.ResponseWriter, body []byte) {
	answer := s.answer
	if answer == nil {
		var asked map[string]any
		if err := json.Unmarshal(body, &asked); err != nil {
			s.t.Error(err)
		}
		answer = testRecord(0, time.Date(2026, 11, 22, 10, 0, 0, 123456000, time.UTC))
		answer["environment_name"], answer["deployment_name"] = asked["environment_name"], asked["deployment_name"]
		answer["status"] = asked["status"]
		artifact := answer["artifact"].(map[string]any)
		artifact["kind"] = asked["kind"]
		for from, to := range map[string]string{"artifact_name": "name", "artifact_version": "version", "artifact_digest": "digest"} {
			if asked[from] != nil {
				artifact[to] = asked[from]
			}
		}
	}
	reply(w, 200, map[string]any{"deployment_record": answer})
}

func (s *apiServer) list(w http.ResponseWriter, query url.Values) {
	page, size := s.firstPage, s.pageSize
	if text := query.Get("pagination.page"); text != "" {
		page, _ = strconv.Atoi(text)
	}
	if text := query.Get("pagination.page_size"); text != "" {
		size, _ = strconv.Atoi(text)
	}
	size = max(size, 1)
	if s.listed != nil {
		s.listed(s, page)
	}
	from := min((page-s.firstPage)*size, len(s.records))
	reply(w, 200, map[string]any{
		"deployment_records": append([]map[string]any{}, s.records[max(from, 0):min(from+size, len(s.records))]...),
		"pagination": map[string]any{
			"page": page, "page_size": size, "total_count": len(s.records), "total_pages": (len(s.records) + size - 1) / size,
		},
	})
}

func (s *apiServer) asked() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]request(nil), s.requests...)
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// problem responds with an error in the format of R3.
func problem(status int, message string, details ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		reply(w, status, map[string]any{"code": 3, "message": message, "details": append([]string{}, details...)})
	}
}

func repeat(n int, trouble http.HandlerFunc) []http.HandlerFunc {
	all := make([]http.HandlerFunc, n)
	for i := range all {
		all[i] = trouble
	}
	return all
}

// testRecord returns the nth of distinct records.
func testRecord(n int, created time.Time) map[string]any {
	when := created.Format(time.RFC3339Nano)
	return map[string]any{
		"id":                       fmt.Sprintf("018f0000-0000-4000-8000-%012x", n),
		"environment_id":           "018f0000-0000-4000-8000-00000000e001",
		"environment_name":         "prod-eu",
		"logical_environment_id":   "018f0000-0000-4000-8000-00000000e002",
		"logical_environment_name": "production",
		"deployment_name":          fmt.Sprintf("api-%d", n),
		"artifact_id":              "018f0000-0000-4000-8000-00000000a001",
		"artifact": map[string]any{
			"kind": "CONTAINER_IMAGE", "name": "registry.example.com/shop/api", "version": "1.4", "digest": testDigest,
		},
		"status": "DEPLOYED", "created_at": when, "updated_at": when, "last_seen_at": when,
	}
}

// testRecords returns n records, the newest first.
func testRecords(n int) []map[string]any {
	records := make([]map[string]any, n)
	for i := range records {
		records[i] = testRecord(n-i, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n-i)*time.Minute))
	}
	return records
}

const testDigest = "sha256:9c395e9d449e9c77ebbb427c61ffb184b66c602158005ab5d5577342014b83f9"

// client runs a command against the server, with the token in the environment.
func (s *apiServer) client(args ...string) (stdout, stderr string, code int) {
	s.t.Helper()
	clientEnvironment(s.t, s.URL)
	return run(s.t, args...)
}

func clientEnvironment(t *testing.T, address string) {
	t.Helper()
	for name, value := range map[string]string{"DEPLOYRECORDS_URL": address, "DEPLOYRECORDS_TOKEN": testToken} {
		t.Setenv(name, value)
	}
	t.Setenv("DEPLOYRECORDS_TOKEN_FILE", "")
	_ = os.Unsetenv("DEPLOYRECORDS_TOKEN_FILE") // the line before restores it
}
