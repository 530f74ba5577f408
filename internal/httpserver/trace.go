package httpserver

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"go.opentelemetry.io/otel/trace"
)

// traceID returns the id of the request's trace, or "" without one: that of the span that the request has here, otherwise that of
// the client's header traceparent.
func traceID(r *http.Request) string {
	span := trace.SpanContextFromContext(r.Context())
	if !span.IsValid() && r.Header.Get("Traceparent") != "" {
		span = trace.SpanContextFromContext(propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header)))
	}
	if !span.HasTraceID() {
		return ""
	}
	return span.TraceID().String()
}

// describeSpan names the request's span, if it has one, by its route. It replaces what clients choose freely, and may have names or
// tokens: the path, an unknown method, and the address in X-Forwarded-For.
func describeSpan(c echo.Context, route string) {
	span := trace.SpanFromContext(c.Request().Context())
	if !span.IsRecording() {
		return
	}
	method := knownMethod(c.Request().Method)
	span.SetName(method + " " + route)
	span.SetAttributes(semconv.HTTPRoute(route), semconv.URLPath(route), semconv.ClientAddress(c.RealIP()))
	if method != c.Request().Method {
		span.SetAttributes(semconv.HTTPRequestMethodOriginal(method))
	}
}

var methodsOfHTTP = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
	http.MethodConnect, http.MethodTrace,
}

// knownMethod returns a method of HTTP, or "other": clients may send any word.
func knownMethod(method string) string {
	if slices.Contains(methodsOfHTTP, method) {
		return method
	}
	return "other"
}
