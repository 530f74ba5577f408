package openapi

import (
	"net/url"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/contract"
)

// Endpoint is what this server adds to an operation of a document.
type Endpoint struct {
	// Scope is the scope that a token needs (T4).
	Scope auth.Scope
	// Query and Headers name the implemented parameters. A request that uses another documented one gets a 501.
	Query, Headers []string
	// Body reports whether the request has a body.
	Body bool

	// BodyBytes, if not 0, limits the body to less than httpserver.Limits.BodyBytes.
	BodyBytes int64
	// rules, if not nil, returns violations that the document's schemas do not express.
	rules func(url.Values) []string
	// partial, if not nil, reports whether violations in single items leave the rest of the request to the handler.
	partial func(body map[string]any) bool
}

// singleBodyBytes limits the body of a single recording. The largest valid one, with 100 project versions of escaped names,
// has about 600 KiB.
const singleBodyBytes = 1 << 20

// Endpoints has the implemented operations by method and path. httpserver.New fails if a route has no entry.
var Endpoints = map[string]Endpoint{
	"GET /v1/deployments": {Scope: auth.ReadDeployments, Query: api.ListParameters, rules: api.ListRules},

	"POST " + contract.RecordingPath:            {Scope: auth.WriteDeployments, Headers: []string{idempotencyKey}, Body: true, BodyBytes: singleBodyBytes},
	"POST " + contract.RecordingPath + "/batch": {Scope: auth.WriteDeployments, Body: true, partial: api.IsPartial},
}
