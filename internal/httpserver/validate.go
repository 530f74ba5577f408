package httpserver

import (
	"bytes"
	"context"
	"io"
	"net/http"

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
	// Setting defaults would rewrite the request's URL.
	SkipSettingDefaults: true,
	RegexCompiler:       CompilePattern,
	// Details would carry the schema and the value into the message.
	SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.DisableSchemaErrorDetails()},
}

// validate checks a request against the document and the rules of the endpoint. It returns the request for the generated
// code, or an *api.Problem: a 400 with every violation, a 413 or 415, or a 501 for an unsupported parameter.
func (o *operation) validate(r *http.Request, rejectUnknown bool) (*http.Request, error) {
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
		if body, err = readBody(r, o.bodySchema()); err != nil {
			return nil, err
		}
		violations = append(violations, body.violations...)
	}
	rejected := make(api.RejectedItems)
	for _, v := range o.checkSchemas(r, values, body) {
		switch item, field := v.item(); {
		case v.parameter == idempotencyKey:
			// checkIdempotencyKey reports more.
		case v.parameter != "" && query.Has(v.parameter) != values.Has(v.parameter):
			// checkSpelling has reported and removed the value. Its absence is no second violation.
		case item >= 0 && o.endpoint.partial != nil && o.endpoint.partial(body.members()):
			rejected[item] = append(rejected[item], deployments.Violation{Field: field, Message: v.message})
		default:
			violations = append(violations, v.String())
		}
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
	return body.handOver(r, rejected, o.itemProperties()), nil
}

// checkSchemas validates the query values and the body against the document's schemas. A body that is not JSON or too
// large for its schema has been reported already.
func (o *operation) checkSchemas(r *http.Request, values map[string][]string, body *jsonBody) []schemaViolation {
	// openapi3filter reads the request's body to its end, however long. It gets the bytes that were read, or none.
	request := r.WithContext(context.WithoutCancel(r.Context()))
	request.Body = http.NoBody
	if body != nil {
		if len(body.violations) > 0 {
			return nil
		}
		request.Body = io.NopCloser(bytes.NewReader(body.text))
	}
	return schemaViolations(openapi3filter.ValidateRequest(request.Context(), &openapi3filter.RequestValidationInput{
		Request:     request,
		QueryParams: values,
		Route:       o.route,
		Options:     validationOptions,
	}))
}
