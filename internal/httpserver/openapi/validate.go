package openapi

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/httpserver/bodies"
	"github.com/deployrecords/deployrecords/internal/httpserver/schemas"
)

var validationOptions = &openapi3filter.Options{
	// One answer reports every violation of a request (Q3).
	MultiError: true,
	// Authentication has run (R4). Without a function openapi3filter rejects every request.
	AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
	// Bodies are decoded and validated while they are read.
	ExcludeRequestBody: true,
	// Setting defaults would rewrite the request's URL.
	SkipSettingDefaults:     true,
	RegexCompiler:           schemas.CompilePattern,
	SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.DisableSchemaErrorDetails()},
}

// Validate checks a request against the document and the rules of the endpoint. It returns the request for the generated
// code, or an error: a 400 with every violation, a 413, 415, 429 or 503 for the body, or a 501 for an unsupported parameter. The
// body takes its bytes from held.
func (o *Operation) Validate(r *http.Request, rejectUnknown bool, held *bodies.Held) (*http.Request, error) {
	query, violations := parseQuery(r.URL.RawQuery)
	values, invalid := checkSpelling(o.query, query)
	violations = append(violations, invalid...)
	if rejectUnknown {
		violations = append(violations, o.unknownParameters(query)...)
	}
	if o.Route.Operation.Parameters.GetByInAndName(openapi3.ParameterInHeader, idempotencyKey) != nil {
		violations = append(violations, checkIdempotencyKey(r.Header)...)
	} else if o.Endpoint.partial != nil && len(r.Header.Values(idempotencyKey)) > 0 {
		violations = append(violations, idempotencyKey+": is for single recordings; observed_at makes repeats of a batch harmless")
	}
	var body *bodies.Body
	if o.hasBody() {
		var err error
		if body, err = bodies.Read(r, o.bodySchema(), held); err != nil {
			return nil, err
		}
		violations = append(violations, body.Violations...)
	}
	if body == nil || len(body.Violations) == 0 {
		for _, v := range o.checkParameters(r, values) {
			// checkIdempotencyKey reports more. If checkSpelling has removed a value, its absence is no second violation.
			if v.Parameter != idempotencyKey && query.Has(v.Parameter) == values.Has(v.Parameter) {
				violations = append(violations, v.String())
			}
		}
	}
	if body != nil && len(body.Violations) == 0 {
		violations = append(violations, o.bodyViolations(body)...)
	}
	if o.Endpoint.rules != nil {
		violations = append(violations, o.Endpoint.rules(query)...)
	}
	if len(violations) > 0 {
		return nil, api.BadRequest(violations)
	}
	if err := o.checkUnsupported(r, query); err != nil {
		return nil, err
	}
	if body == nil {
		return r, nil
	}
	return body.HandOver(r), nil
}

// bodyViolations returns the violations of a body. Those of a batch's items leave the rest to the handler if the batch is
// partial.
func (o *Operation) bodyViolations(body *bodies.Body) (violations []string) {
	for _, v := range schemas.ViolationsOfBody(o.bodySchema(), body.Value) {
		violations = append(violations, v.String())
	}
	if o.Endpoint.partial != nil && o.Endpoint.partial(body.Members()) {
		return violations
	}
	for _, index := range slices.Sorted(maps.Keys(body.Rejected)) {
		for _, v := range body.Rejected[index] {
			text := "" // a response has the number of the others only
			if len(violations) < api.MaxDetails {
				text = deployments.ItemField(index, v.Field) + ": " + v.Message
			}
			violations = append(violations, text)
		}
	}
	return violations
}

// checkParameters validates the query values and the header against the document's schemas.
func (o *Operation) checkParameters(r *http.Request, values map[string][]string) []schemas.Violation {
	request := r.WithContext(context.WithoutCancel(r.Context()))
	request.Body = http.NoBody
	return schemas.ViolationsOfRequest(openapi3filter.ValidateRequest(request.Context(), &openapi3filter.RequestValidationInput{
		Request:     request,
		QueryParams: values,
		Route:       o.Route,
		Options:     validationOptions,
	}))
}
