package httpserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/deployments"
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

// validate judges a request against the document and what the duty adds. It gives the request to handle, or a
// *api.Problem that tells every fault, or what is not implemented.
func (o *operation) validate(r *http.Request) (*http.Request, error) {
	given, faults := readQuery(r.URL.RawQuery)
	values, misspelt := checkSpelling(o.parameters, given)
	faults = append(faults, misspelt...)
	if o.route.Operation.Parameters.GetByInAndName(openapi3.ParameterInHeader, idempotencyKey) != nil {
		faults = append(faults, headerFaults(r.Header)...)
	}

	// A copy with the body that was read, or with none: openapi3filter would read it whole, however long.
	judged := r.WithContext(context.WithoutCancel(r.Context()))
	judged.Body = http.NoBody
	var body *jsonBody
	if o.hasBody() {
		var err error
		if body, err = readBody(r); err != nil {
			return nil, err
		}
		if len(body.faults) == 0 {
			body.faults = shapeFaults(o.bodySchema(), body.value, nil)
		}
		faults = append(faults, body.faults...)
		judged.Body = io.NopCloser(bytes.NewReader(body.text))
	}
	var found []documentFault
	if body == nil || len(body.faults) == 0 {
		found = documentFaults(openapi3filter.ValidateRequest(judged.Context(), &openapi3filter.RequestValidationInput{
			Request:     judged,
			QueryParams: values,
			Route:       o.route,
			Options:     validationOptions,
		}))
	}
	refused := make(api.RefusedItems)
	for _, fault := range found {
		switch item, field := fault.item(); {
		case fault.parameter == idempotencyKey:
			// headerFaults has told it, and more.
		case fault.parameter != "" && given.Has(fault.parameter) != values.Has(fault.parameter):
			// A misspelt value is told already and gone from the values; that it is missing then is no second fault.
		case item >= 0 && o.partial != nil && o.partial(body.members()):
			refused[item] = append(refused[item], deployments.Violation{Field: field, Message: fault.problem})
		default:
			faults = append(faults, fault.String())
		}
	}
	if o.rules != nil {
		faults = append(faults, o.rules(given)...)
	}
	if len(faults) > 0 {
		return nil, api.BadRequest(faults)
	}
	if err := o.unimplementedUse(r, given); err != nil {
		return nil, err
	}
	if body == nil {
		return r, nil
	}
	return body.handOver(r, refused, o.itemMembers()), nil
}

// documentFault is what openapi3filter found wrong with a parameter, or with a place in the body; with neither, it is
// the request.
type documentFault struct {
	parameter string
	// place is a JSON pointer's parts.
	place   []string
	inBody  bool
	problem string
}

func (f documentFault) String() string {
	switch {
	case f.parameter != "":
		return f.parameter + ": " + f.problem
	case f.inBody:
		return placeName(f.place) + ": " + f.problem
	default:
		return f.problem
	}
}

// item is the number of the item of a batch that the fault is in, and where in it; or -1.
func (f documentFault) item() (index int, field string) {
	if len(f.place) < 2 || f.place[0] != "deployments" {
		return -1, ""
	}
	index, err := strconv.Atoi(f.place[1])
	if err != nil {
		return -1, ""
	}
	if len(f.place) == 2 {
		return index, "item"
	}
	return index, placeName(f.place[2:])
}

// placeName writes a JSON pointer as people do: deployments[3].artifact_digest.
func placeName(place []string) string {
	if len(place) == 0 {
		return "body"
	}
	var b strings.Builder
	for i, part := range place {
		if _, err := strconv.Atoi(part); err == nil && i > 0 {
			b.WriteString("[" + part + "]")
			continue
		}
		if i > 0 {
			b.WriteString(".")
		}
		b.WriteString(part)
	}
	return b.String()
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
	switch {
	case errors.As(err, &requestErr) && requestErr.Parameter != nil:
		return []documentFault{{parameter: requestErr.Parameter.Name, problem: parameterProblem(requestErr.Err)}}
	case requestErr != nil && requestErr.RequestBody != nil:
		return bodyFaults(requestErr.Err)
	default:
		return []documentFault{{problem: "the request does not fit the contract"}}
	}
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
	case errors.As(err, &schemaErr):
		return schemaProblem(schemaErr)
	default:
		return "is not a value of its type"
	}
}

// bodyFaults tells one fault for each place in the body: a schema may find several with one value.
func bodyFaults(err error) (faults []documentFault) {
	told, unknownTold := make(map[string]bool), make(map[string]bool)
	var collect func(error)
	collect = func(err error) {
		if many, ok := err.(openapi3.MultiError); ok {
			for _, one := range many {
				collect(one)
			}
			return
		}
		tell := func(place []string, problem string) {
			if name := placeName(place); !told[name] {
				told[name] = true
				faults = append(faults, documentFault{inBody: true, place: place, problem: problem})
			}
		}
		var schemaErr *openapi3.SchemaError
		switch {
		case errors.As(err, &schemaErr):
			// There is an error for each such member, and each names its object only: one is enough.
			of := placeName(schemaErr.JSONPointer())
			isUnknown := schemaErr.SchemaField == "properties" || schemaErr.SchemaField == "additionalProperties"
			if isUnknown && unknownTold[of] {
				return
			}
			unknownTold[of] = unknownTold[of] || isUnknown
			unknown := unknownMembers(schemaErr)
			for _, name := range unknown {
				tell(slices.Concat(schemaErr.JSONPointer(), []string{name}), "is not a member that the contract knows")
			}
			if len(unknown) == 0 {
				tell(schemaErr.JSONPointer(), schemaProblem(schemaErr))
			}
		case errors.Is(err, openapi3filter.ErrInvalidRequired):
			tell(nil, "is missing")
		default:
			tell(nil, "does not fit the contract")
		}
	}
	collect(err)
	return faults
}

// unknownMembers are those that the error is about: it is the object's, and names but one of them.
func unknownMembers(err *openapi3.SchemaError) (names []string) {
	object, isObject := err.Value.(map[string]any)
	if !isObject || err.SchemaField != "properties" && err.SchemaField != "additionalProperties" {
		return nil
	}
	for name := range object {
		if _, known := err.Schema.Properties[name]; !known {
			names = append(names, deployments.QuoteName(name))
		}
	}
	slices.Sort(names)
	return names
}

// schemaProblem says what a value lacks, in the domain's words where it has some.
func schemaProblem(err *openapi3.SchemaError) string {
	text, isText := err.Value.(string)
	place := err.JSONPointer()
	switch err.SchemaField {
	case "enum":
		return deployments.Quote(fmt.Sprint(err.Value)) + " is not one of " + allowedValues(err.Schema)
	case "nullable":
		return "is null"
	case "required":
		return "is missing"
	case "type":
		return "is not " + typeName(err.Schema)
	case "maxItems":
		return fmt.Sprintf("has more than %d items", *err.Schema.MaxItems)
	case "format":
		return deployments.Quote(text) + " is not a " + err.Schema.Format
	case "pattern", "minLength", "maxLength":
		if !isText {
			break
		}
		check := deployments.CheckRecordedName
		if len(place) > 0 && place[len(place)-1] == "artifact_digest" {
			check = deployments.CheckDigest
		}
		if err := check(text); err != nil {
			return err.Error()
		}
	}
	return err.Reason
}

func typeName(schema *openapi3.Schema) string {
	names := map[string]string{
		openapi3.TypeString: "a string", openapi3.TypeObject: "an object", openapi3.TypeArray: "an array", openapi3.TypeBoolean: "true or false",
	}
	for _, name := range schema.Type.Slice() {
		return names[name]
	}
	return "of its type"
}
