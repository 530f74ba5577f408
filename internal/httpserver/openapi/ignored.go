package openapi

import (
	"net/http"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// ignoredHeaders are the headers for which the server ignores a documented parameter. OpenAPI ignores the first three.
// HTTP clients, browsers, proxies and tracing send the others with every request, so that a 501 for them would be the
// answer to every request, and their values are no choice of the caller.
var ignoredHeaders = []string{
	"Accept", "Authorization", "Content-Type",
	"Accept-Charset", "Accept-Encoding", "Accept-Language", "Baggage", "Cache-Control", "Connection", "Content-Length", "Date",
	"Dnt", "Forwarded", "From", "Host", "Keep-Alive", "Origin", "Pragma", "Priority", "Referer", "Sec-Fetch-Dest",
	"Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-User", "Te", "Traceparent", "Tracestate", "Transfer-Encoding", "Upgrade",
	"Upgrade-Insecure-Requests", "User-Agent", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port",
	"X-Forwarded-Proto", "X-Real-Ip", "X-Request-Id",
}

// IsIgnored reports whether the server ignores the documented parameter, whatever the request has there.
func IsIgnored(parameter *openapi3.Parameter) bool {
	return parameter.In == openapi3.ParameterInHeader && slices.Contains(ignoredHeaders, http.CanonicalHeaderKey(parameter.Name))
}

// withoutIgnored returns the parameters that are not ignored. Validation would reject a request for the others.
func withoutIgnored(parameters openapi3.Parameters) openapi3.Parameters {
	return slices.DeleteFunc(slices.Clone(parameters), func(ref *openapi3.ParameterRef) bool { return IsIgnored(ref.Value) })
}
