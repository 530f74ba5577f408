package httpserver

import (
	"context"
	"errors"
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/deployrecords/deployrecords/internal/api"
)

var validationOptions = &openapi3filter.Options{
	// Every fault of a request is told in one answer (Q3).
	MultiError: true,
	// Who asks was judged before (R4); without a function, openapi3filter refuses every request.
	AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
	// It would write the defaults of absent parameters into the request's URL.
	SkipSettingDefaults: true,
	// Its message would carry the schema and the value.
	SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.DisableSchemaErrorDetails()},
}

// validate judges a request against the document and the rules for it: nil, or a *api.Problem with every fault.
func (o *operation) validate(r *http.Request) error {
	given, faults := readQuery(r.URL.RawQuery)
	values, misspelt := checkSpelling(o.parameters, given)
	faults = append(faults, misspelt...)

	// A copy without the body, which openapi3filter would read whole.
	request := r.WithContext(context.WithoutCancel(r.Context()))
	request.Body = http.NoBody
	err := openapi3filter.ValidateRequest(request.Context(), &openapi3filter.RequestValidationInput{
		Request:     request,
		QueryParams: values,
		Route:       o.route,
		Options:     validationOptions,
	})
	for _, fault := range documentFaults(err) {
		// A misspelt value is told already and gone from the values; that it is missing then is no second fault.
		if given.Has(fault.parameter) == values.Has(fault.parameter) {
			faults = append(faults, fault.String())
		}
	}
	if o.rules != nil {
		faults = append(faults, o.rules(given)...)
	}
	if len(faults) > 0 {
		return api.BadRequest(faults)
	}
	return nil
}

// documentFault is what openapi3filter found wrong with a parameter; with none, it is the request.
type documentFault struct{ parameter, problem string }

func (f documentFault) String() string {
	if f.parameter == "" {
		return f.problem
	}
	return f.parameter + ": " + f.problem
}

// documentFaults puts what openapi3filter found into words.
func documentFaults(err error) []documentFault {
	if err == nil {
		return nil
	}
	if many, ok := err.(openapi3.MultiError); ok {
		var faults []documentFault
		for _, one := range many {
			faults = append(faults, documentFaults(one)...)
		}
		return faults
	}
	var requestErr *openapi3filter.RequestError
	if !errors.As(err, &requestErr) || requestErr.Parameter == nil {
		return []documentFault{{problem: "the request does not fit the contract"}}
	}
	return []documentFault{{requestErr.Parameter.Name, parameterProblem(requestErr.Err)}}
}

func parameterProblem(err error) string {
	// The schema's faults come as a list of their own.
	if many, ok := err.(openapi3.MultiError); ok && len(many) > 0 {
		err = many[0]
	}
	var schemaErr *openapi3.SchemaError
	switch {
	case errors.Is(err, openapi3filter.ErrInvalidRequired):
		return "is missing"
	case errors.Is(err, openapi3filter.ErrInvalidEmptyValue):
		return "is empty"
	case errors.As(err, &schemaErr) && schemaErr.SchemaField == "enum":
		value, _ := schemaErr.Value.(string)
		return quote(value) + " is not one of " + allowedValues(schemaErr.Schema)
	case schemaErr != nil:
		return schemaErr.Reason
	default:
		return "is not a value of its type"
	}
}
