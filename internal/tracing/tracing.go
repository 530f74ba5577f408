// Package tracing exports traces of requests by OpenTelemetry. Its libraries read the standard variables OTEL_*.
package tracing

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/contrib/propagators/autoprop"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
)

// Tracing traces the requests of a server.
type Tracing struct {
	// Provider provides the spans.
	Provider *sdk.TracerProvider

	propagators propagation.TextMapPropagator
}

// Start starts to export traces by a protocol, grpc or http/protobuf. It does not connect yet.
func Start(ctx context.Context, protocol, version string, logger *slog.Logger) (*Tracing, error) {
	otel.SetLogger(logr.FromSlogHandler(logger.Handler()))
	otel.SetErrorHandler(&errorLog{logger: logger})
	client := otlptracehttp.NewClient()
	if protocol == "grpc" {
		client = otlptracegrpc.NewClient()
	}
	exporter, err := otlptrace.New(ctx, client)
	if err != nil {
		return nil, err
	}
	// The environment comes last and takes precedence.
	described, err := resource.New(ctx,
		resource.WithAttributes(semconv.ServiceName("deployrecords"), semconv.ServiceVersion(version)),
		resource.WithTelemetrySDK(), resource.WithHost(), resource.WithFromEnv())
	if err != nil {
		return nil, errors.Join(err, exporter.Shutdown(ctx))
	}
	return &Tracing{
		Provider:    sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(described)),
		propagators: autoprop.NewTextMapPropagator(),
	}, nil
}

// stopTimeout limits the export of the last traces.
const stopTimeout = 5 * time.Second

// Stop exports the last traces.
func (t *Tracing) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return t.Provider.Shutdown(ctx)
}

// Handler traces the requests that next handles, apart from health checks. A request continues the trace of its client.
func (t *Tracing) Handler(next http.Handler) http.Handler {
	return otelhttp.NewHandler(next, "request",
		otelhttp.WithTracerProvider(t.Provider), otelhttp.WithPropagators(t.propagators), otelhttp.WithMeterProvider(noop.NewMeterProvider()),
		otelhttp.WithFilter(func(r *http.Request) bool { return r.URL.Path != "/healthz" && r.URL.Path != "/readyz" }),
		otelhttp.WithSpanNameFormatter(func(string, *http.Request) string { return "request" })) // the handler names the route
}

// errorInterval is the time between two log lines about traces that cannot be exported.
const errorInterval = time.Minute

// errorLog logs the errors of an export, which recur every few seconds while no collector answers.
type errorLog struct {
	logger *slog.Logger
	// logged is the time of the last line, in nanoseconds since 1970.
	logged atomic.Int64
}

// Handle implements otel.ErrorHandler.
func (l *errorLog) Handle(err error) {
	now, last := time.Now().UnixNano(), l.logged.Load()
	if now-last >= int64(errorInterval) && l.logged.CompareAndSwap(last, now) {
		l.logger.Warn("traces could not be exported", "error", err)
	}
}
