package httpserver

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/deployments"
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
	RegexCompiler:           CompilePattern,
	SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.DisableSchemaErrorDetails()},
}

// schemaOptions validate a body as openapi3filter does with validationOptions.
var schemaOptions = []openapi3.SchemaValidationOption{
	openapi3.VisitAsRequest(), openapi3.MultiErrors(), openapi3.SetSchemaRegexCompiler(CompilePattern),
	// Details would carry the schema and the value into the message.
	openapi3.DisableSchemaErrorDetails(),
}

// validate checks a request against the document and the rules of the endpoint. It returns the request for the generated
// code, or an error: a 400 with every violation, a 413, 415, 429 or 503 for the body, or a 501 for an unsupported parameter. The
// body takes its bytes from held.
func (o *operation) validate(r *http.Request, rejectUnknown bool, held *heldBody) (*http.Request, error) {
	query, violations := parseQuery(r.URL.RawQuery)
	values, invalid := checkSpelling(o.query, query)
	violations = append(violations, invalid...)
	if rejectUnknown {
		violations = append(violations, o.unknownParameters(query)...)
	}
	if o.route.Operation.Parameters.GetByInAndName(openapi3.ParameterInHeader, idempotencyKey) != nil {
		violations = append(violations, checkIdempotencyKey(r.Header)...)
	} else if o.endpoint.partial != nil && len(r.Header.Values(idempotencyKey)) > 0 {
		violations = append(violations, idempotencyKey+": is for single recordings; observed_at makes repeats of a batch harmless")
	}
	var body *jsonBody
	if o.hasBody() {
		var err error
		if body, err = readBody(r, o.bodySchema(), held); err != nil {
			return nil, err
		}
		violations = append(violations, body.violations...)
	}
	if body == nil || len(body.violations) == 0 {
		for _, v := range o.checkParameters(r, values) {
			// checkIdempotencyKey reports more. If checkSpelling has removed a value, its absence is no second violation.
			if v.parameter != idempotencyKey && query.Has(v.parameter) == values.Has(v.parameter) {
				violations = append(violations, v.String())
			}
		}
	}
	if body != nil && len(body.violations) == 0 {
		violations = append(violations, o.bodyViolations(body)...)
	}
	if o.endpoint.rules != nil {
		violations = append(violations, o.endpoint.rules(query)...)
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
	return body.handOver(r), nil
}

// bodyViolations returns the violations of a body. Those of a batch's items leave the rest to the handler if the batch is
// partial.
func (o *operation) bodyViolations(body *jsonBody) (violations []string) {
	for _, v := range schemaViolationsOfBody(o.bodySchema(), body.value) {
		violations = append(violations, v.String())
	}
	if o.endpoint.partial != nil && o.endpoint.partial(body.members()) {
		return violations
	}
	for _, index := range slices.Sorted(maps.Keys(body.rejected)) {
		for _, v := range body.rejected[index] {
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
func (o *operation) checkParameters(r *http.Request, values map[string][]string) []schemaViolation {
	request := r.WithContext(context.WithoutCancel(r.Context()))
	request.Body = http.NoBody
	return schemaViolations(openapi3filter.ValidateRequest(request.Context(), &openapi3filter.RequestValidationInput{
		Request:     request,
		QueryParams: values,
		Route:       o.route,
		Options:     validationOptions,
	}))
}
