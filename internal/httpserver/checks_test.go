package httpserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/contracttest"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// methodsOf lists the methods that documents have for a path, as the header Allow does.
func methodsOf(t *testing.T, path string, documents ...[]byte) string {
	t.Helper()
	var methods []string
	for _, document := range documents {
		doc, err := openapi3.NewLoader().LoadFromData(document)
		if err != nil {
			t.Fatal(err)
		}
		if item := doc.Paths.Value(path); item != nil {
			methods = slices.AppendSeq(methods, maps.Keys(item.Operations()))
		}
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}

func TestR4_RouteAndMethodAreCheckedFirst(t *testing.T) {
	server, _ := onSQLite(t, withDocument(t))
	listMethods := methodsOf(t, "/v1/deployments", contracttest.Base(), contract.RecordingOpenAPI())
	for request, want := range map[string]string{
		"GET /":                            "404",
		"GET /v1/deployments/":             "404",
		"GET /v1/deployments/x":            "404",
		"GET //v1/deployments":             "404",
		"GET /V1/deployments":              "404",
		"GET /v1%2Fdeployments":            "404",
		"GET /v1/%64eployments":            "404",
		"GET /v1/../v1/deployments":        "404",
		"POST /nothing?%zz":                "404",
		"OPTIONS /nothing":                 "404",
		"GET /openapi.yaml/":               "404",
		"GET /openapi.json":                "404",
		"HEAD /v1/deployments":             "405 " + listMethods,
		"OPTIONS /v1/deployments":          "405 " + listMethods,
		"GET " + batchPath:                 "405 POST",
		"PUT /v1/deployments?status=wrong": "405 " + listMethods,
		"DELETE /v1/deployments":           "405 " + listMethods,
		"PATCH /v1/deployments":            "405 " + listMethods,
		"TRACE /v1/deployments":            "405 " + listMethods,
		"PROPFIND /v1/deployments":         "405 " + listMethods,
		"get /v1/deployments":              "405 " + listMethods,
		"POST /readyz":                     "405 GET, HEAD",
		"OPTIONS /openapi.yaml":            "405 GET, HEAD",
		"OPTIONS /healthz":                 "405 GET, HEAD",
		"OPTIONS /*":                       "404",
	} {
		method, path, _ := strings.Cut(request, " ")
		for _, headers := range [][]string{nil, {"Authorization: Bearer x"}, {"Authorization: Bearer " + token(t, "acme")}} {
			answer := server.do(method, path, headers...)
			if got := strings.TrimSpace(fmt.Sprint(answer.status, " ", answer.header.Get("Allow"))); got != want {
				t.Errorf("%s with %d headers: got %s, want %s", request, len(headers), got, want)
			}
		}
	}
}

func TestR4_TokenThenScopeThenBodyThenQuery(t *testing.T) {
	server, _ := onSQLite(t, func(o *options) { o.Limits.BodyBytes = 10 })
	noScope := token(t, "acme", func(r *auth.MintRequest) { r.Scopes = nil })
	for _, c := range []struct {
		name, token string
		body        string
		query       string
		want        int
	}{
		{"everything wrong", "", "too long a body", "?status=x", 401},
		{"a bad token", "x", "too long a body", "?status=x", 401},
		{"no scope", noScope, "too long a body", "?status=x", 403},
		{"a long body", token(t, "acme"), "too long a body", "?status=x", 413},
		{"a bad query", token(t, "acme"), "short", "?status=x", 400},
		{"nothing wrong", token(t, "acme"), "short", "", 200},
	} {
		request, err := http.NewRequest(http.MethodGet, server.url+"/v1/deployments"+c.query, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		var headers []string
		if c.token != "" {
			headers = append(headers, "Authorization: Bearer "+c.token)
		}
		if answer := server.send(request, headers...); answer.status != c.want {
			t.Errorf("%s: got %d %s, want %d", c.name, answer.status, answer.body, c.want)
		}
	}
}

// Every documented operation gets a request without a token and with an invalid one. An implemented operation is never
// anonymous: internal/contract checks that.
func TestR4_EveryDocumentedOperationNeedsAToken(t *testing.T) {
	server, _ := onSQLite(t)
	for _, document := range [][]byte{deployrecords.OpenAPI(), contract.RecordingOpenAPI()} {
		doc, err := openapi3.NewLoader().LoadFromData(document)
		if err != nil {
			t.Fatal(err)
		}
		walked := 0
		for path, item := range doc.Paths.Map() {
			for method, op := range item.Operations() {
				if op.Security != nil && len(*op.Security) == 0 {
					continue
				}
				walked++
				for header, want := range map[string]string{
					"":                                "Bearer",
					"Authorization: Basic YTpi":       "Bearer",
					"Authorization: Bearer not.a.jwt": `Bearer error="invalid_token"`,
				} {
					var headers []string
					if header != "" {
						headers = []string{header}
					}
					answer := server.do(method, path, headers...)
					if answer.status != 401 || answer.header.Get("WWW-Authenticate") != want {
						t.Errorf("%s %s with %q: got %d and %q", method, path, header, answer.status, answer.header.Get("WWW-Authenticate"))
					}
				}
			}
		}
		if walked == 0 {
			t.Error("the document has no operation")
		}
	}
}

func TestR3_UnexpectedFailuresRevealNothing(t *testing.T) {
	list := func(ctx context.Context) (deployments.Result, error) { return deployments.Result{}, nil }
	server := newServer(t, stubStore{list: func(ctx context.Context) (deployments.Result, error) { return list(ctx) }},
		func(o *options) { o.Limits.Handle = 50 * time.Millisecond })
	for name, c := range map[string]struct {
		list   func(context.Context) (deployments.Result, error)
		status int
		log    string
	}{
		"an error": {func(context.Context) (deployments.Result, error) {
			return deployments.Result{}, errors.New(`pq: relation "x" does not exist at 127.0.0.1`)
		}, 500, "relation"},
		"a panic": {func(context.Context) (deployments.Result, error) { panic("secret internals at /tmp/x.go:1") }, 500, "secret internals"},
		"no database": {func(context.Context) (deployments.Result, error) {
			return deployments.Result{}, fmt.Errorf("%w: dial tcp 127.0.0.1:5432", deployments.ErrUnavailable)
		}, 503, "dial tcp"},
		"a deadline": {func(ctx context.Context) (deployments.Result, error) {
			<-ctx.Done()
			return deployments.Result{}, ctx.Err()
		}, 504, "deadline exceeded"},
	} {
		list = c.list
		answer := server.get("")
		if answer.status != c.status {
			t.Errorf("%s: got %d %s", name, answer.status, answer.body)
		}
		if !strings.Contains(server.log.String(), c.log) {
			t.Errorf("%s: the log lacks %q", name, c.log)
		}
	}
}

func TestR3_HeadersOverTheLimit(t *testing.T) {
	server, _ := onSQLite(t, func(o *options) { o.Limits.HeaderBytes = 8 << 10 })
	if answer := server.get("?x=" + strings.Repeat("x", 7<<10)); answer.status != 200 {
		t.Errorf("within the limit: got %d %s", answer.status, answer.body)
	}
	for name, answer := range map[string]answer{
		"a long query":     server.get("?x=" + strings.Repeat("x", 9<<10)),
		"a long header":    server.do("GET", "/v1/deployments", "X-Long: "+strings.Repeat("x", 9<<10)),
		"many headers":     server.do("GET", "/healthz", strings.Split(strings.Repeat("X-Many: "+strings.Repeat("x", 90)+"\n", 100)+"X: y", "\n")...),
		"a long open path": server.do("GET", "/"+strings.Repeat("x", 9<<10)),
	} {
		if answer.status != 431 {
			t.Errorf("%s: got %d %s", name, answer.status, answer.body)
		}
	}
}

func TestTheBodyOfAGetIsNotRead(t *testing.T) {
	server, _ := onSQLite(t)
	reader, writer := io.Pipe()
	defer writer.Close()
	request, err := http.NewRequest(http.MethodGet, server.url+"/v1/deployments", reader)
	if err != nil {
		t.Fatal(err)
	}
	if answer := server.send(request, "Authorization: Bearer "+token(t, "acme")); answer.status != 200 {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
}

func TestReadinessNamesTheMissingPartsInGeneralTerms(t *testing.T) {
	for _, engine := range storetest.Engines {
		t.Run(engine.Name, func(t *testing.T) {
			url := engine.Migrated(t)
			s := storetest.Open(t, url)
			server := newServer(t, s, func(o *options) {
				o.auth.JWKSURL = "http://127.0.0.1:1/jwks" // nobody listens there
			})
			answer := server.do("GET", "/readyz")
			if got := answer.json(t)["message"]; answer.status != 503 || got != "not ready: the keys for tokens are not loaded" {
				t.Errorf("got %d %v", answer.status, got)
			}
		})
	}
	server := newServer(t, stubStore{ready: fmt.Errorf("%w: dial", deployments.ErrUnavailable)})
	answer := server.do("GET", "/readyz")
	if got := answer.json(t)["message"]; answer.status != 503 || got != "not ready: the database cannot be reached" {
		t.Errorf("got %d %v", answer.status, got)
	}
	if answer := server.do("GET", "/healthz"); answer.status != 200 {
		t.Errorf("healthz checks the database: %d", answer.status)
	}
}

func TestADatabaseThatRestarts(t *testing.T) {
	cluster := pgtest.NewCluster(t)
	s := storetest.Open(t, cluster.URL())
	storetest.Load(t, s, "acme", storetest.Entry(1, 1, "eu", "api"))
	server := newServer(t, s)
	if got := server.get("").list(t).Pagination.TotalCount; got != 1 {
		t.Fatalf("total %d", got)
	}
	cluster.Stop()
	for range 3 {
		if answer := server.get(""); answer.status != 503 {
			t.Errorf("without its database: got %d %s", answer.status, answer.body)
		}
	}
	if answer := server.do("GET", "/readyz"); answer.status != 503 {
		t.Errorf("readyz without a database: %d", answer.status)
	}
	if err := cluster.Start(); err != nil {
		t.Fatal(err)
	}
	if got := server.get("").list(t).Pagination.TotalCount; got != 1 {
		t.Errorf("with its database again: total %d", got)
	}
	if answer := server.do("GET", "/readyz"); answer.status != 200 {
		t.Errorf("readyz with its database again: %d %s", answer.status, answer.body)
	}
}

func TestTheLogHasRequestsAndNoSecrets(t *testing.T) {
	server, _ := onSQLite(t)
	secretToken := token(t, "acme")
	server.do("GET", "/v1/deployments?environment_name=private-name", "Authorization: Bearer "+secretToken, "X-Request-Id: from.proxy-1")
	answer := server.do("GET", "/nowhere", "X-Request-Id: "+strings.Repeat("bad id ", 5))
	log := server.log.String()
	for _, want := range []string{"request_id=from.proxy-1", "route=/v1/deployments", "status=200", "route=none", "request_id=" + answer.header.Get("X-Request-Id")} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
	for _, secret := range []string{secretToken, secretToken[strings.LastIndex(secretToken, ".")+1:], "private-name", "bad id", string(secret)} {
		if strings.Contains(log, secret) {
			t.Errorf("the log contains %q", secret)
		}
	}
}
