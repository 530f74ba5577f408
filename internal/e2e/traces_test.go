package e2e_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// traceCollector is a collector of OpenTelemetry.
type traceCollector struct {
	collector.UnimplementedTraceServiceServer

	mu    sync.Mutex
	spans []*trace.Span
	// sent has all that was exported.
	sent bytes.Buffer
}

// Export implements the service by gRPC.
func (c *traceCollector) Export(_ context.Context, r *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range r.GetResourceSpans() {
		c.sent.WriteString(resource.String())
		for _, scope := range resource.GetScopeSpans() {
			c.spans = append(c.spans, scope.GetSpans()...)
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

// ServeHTTP implements it by HTTP.
func (c *traceCollector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request collector.ExportTraceServiceRequest
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = proto.Unmarshal(body, &request)
	}
	if err != nil || r.URL.Path != "/v1/traces" {
		http.Error(w, "not a trace", http.StatusBadRequest)
		return
	}
	_, _ = c.Export(r.Context(), &request)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// startCollector starts a collector, and returns the variables that make a server export to it by a protocol.
func startCollector(t *testing.T, protocol string) (*traceCollector, []string) {
	t.Helper()
	c := &traceCollector{}
	var endpoint string
	if protocol == "grpc" {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := grpc.NewServer()
		collector.RegisterTraceServiceServer(server, c)
		go func() { _ = server.Serve(listener) }()
		t.Cleanup(server.Stop)
		endpoint = "http://" + listener.Addr().String()
	} else {
		server := httptest.NewServer(c)
		t.Cleanup(server.Close)
		endpoint = server.URL
	}
	return c, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL=" + protocol, "OTEL_RESOURCE_ATTRIBUTES=service.namespace=shop"}
}

// traces returns the spans by trace. The first of each is the one of the request.
func (c *traceCollector) traces() map[string][]*trace.Span {
	traces := map[string][]*trace.Span{}
	for _, span := range c.spans {
		id := hex.EncodeToString(span.GetTraceId())
		if span.GetKind() == trace.Span_SPAN_KIND_SERVER {
			traces[id] = append([]*trace.Span{span}, traces[id]...)
		} else {
			traces[id] = append(traces[id], span)
		}
	}
	return traces
}

func TestEachRequestIsATraceWithItsStatements(t *testing.T) {
	storetest.ForEachEngine(t, func(t *testing.T, engine storetest.Engine, url string) {
		protocol := map[string]string{"PostgreSQL": "http/protobuf", "SQLite": "grpc"}[engine.Name]
		collected, env := startCollector(t, protocol)
		server := serve(t, append(env, "DATABASE_URL="+url))
		bearer := token(t, "organization-x", "--scope", "deployments:read deployments:write", "--subject", "subject-x")
		const parent = "4bf92f3577b34da6a3ce929d0e0e4736"
		send := func(method, path, body string) {
			t.Helper()
			request, err := http.NewRequest(method, server.url+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+bearer)
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("X-Forwarded-For", "address-x")
			if method == http.MethodGet && strings.Contains(path, "?") {
				request.Header.Set("Traceparent", "00-"+parent+"-00f067aa0ba902b7-01")
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
		}
		body := `{"environment_name":"environment-x","deployment_name":"deployment-x","kind":"CONTAINER_IMAGE","artifact_digest":"` + storetest.Digest(1) + `"}`
		send(http.MethodPost, contract.RecordingPath, body)
		send(http.MethodGet, "/v1/deployments?environment_name=environment-x&deployment_name=deployment-x", "")
		send("METHOD-X", "/path-x", "")
		if code := server.stop(t); code != 0 { // exports the rest
			t.Fatalf("exit code %d:\n%s", code, server.log)
		}

		collected.mu.Lock()
		defer collected.mu.Unlock()
		traces := collected.traces()
		statements := map[string]int{}
		for id, spans := range traces {
			request := spans[0]
			if request.GetKind() != trace.Span_SPAN_KIND_SERVER || len(spans) > 1 && spans[1].GetKind() == trace.Span_SPAN_KIND_SERVER {
				t.Errorf("the trace %s does not have one request: %v", id, spans)
			}
			statements[request.GetName()] = len(spans) - 1
			if !strings.Contains(server.log.String(), "trace_id="+id) {
				t.Errorf("%s: the log does not have the trace %s:\n%s", request.GetName(), id, server.log)
			}
			for _, span := range spans[1:] {
				if len(span.GetParentSpanId()) == 0 {
					t.Errorf("a statement has no parent: %v", span)
				}
			}
		}
		if len(traces) != 3 || statements["POST "+contract.RecordingPath] < 5 || statements["GET /v1/deployments"] < 1 || statements["other none"] != 0 {
			t.Errorf("the requests have so many statements: %v", statements)
		}
		if spans := traces[parent]; len(spans) == 0 || spans[0].GetName() != "GET /v1/deployments" {
			t.Errorf("no request continues the trace of its client: %v", spans)
		}
		sent := collected.sent.String()
		for _, want := range []string{`"deployrecords"`, `"shop"`, "SELECT"} {
			if !strings.Contains(sent, want) {
				t.Errorf("no %s in:\n%.2000s", want, sent)
			}
		}
		for _, value := range []string{"organization-x", "subject-x", "environment-x", "deployment-x", "path-x", "METHOD-X", "address-x", bearer, storetest.Digest(1)} {
			if at := strings.Index(sent, value); at >= 0 {
				t.Errorf("a trace has the value %.40s: %s", value, sent[max(0, at-300):at+60])
			}
		}
	})
}

func TestWithoutItsVariablesAServerExportsNoTraces(t *testing.T) {
	t.Parallel()
	database := "DATABASE_URL=" + storetest.Engines[1].Migrated(t)
	for _, env := range [][]string{nil, {"OTEL_TRACES_EXPORTER=none", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1"}} {
		server := serve(t, append(env, database))
		if server.stop(t); strings.Contains(server.log.String(), "traces") || strings.Contains(server.log.String(), "trace_id") {
			t.Errorf("%v:\n%s", env, server.log)
		}
	}
	_, stderr, code := run(t, []string{database, "OTEL_TRACES_EXPORTER=zipkin"}, "serve")
	if code != 2 || !strings.Contains(stderr, `OTEL_TRACES_EXPORTER: "zipkin" is neither otlp nor none`) {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestAServerWorksWithoutItsCollector(t *testing.T) {
	t.Parallel()
	env := []string{"DATABASE_URL=" + storetest.Engines[1].Migrated(t), "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_BSP_SCHEDULE_DELAY=10"}
	server := serve(t, env)
	for range 3 {
		if status, body := fetch(t, server.url+"/openapi.yaml"); status != http.StatusOK {
			t.Errorf("got %d %s", status, body)
		}
		waitFor(t, "the warning", func() bool { return strings.Contains(server.log.String(), `msg="traces could not be exported"`) })
	}
	if code := server.stop(t); code != 0 || strings.Count(server.log.String(), "traces could not be exported") != 1 {
		t.Errorf("exit code %d:\n%s", code, server.log)
	}
}
