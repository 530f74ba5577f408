package openapi

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// openapi3filter parses values with Go's parsers, which accept more spellings than the contract (Q2). net/url drops
// parameters that it cannot decode, so that a request with a broken filter would be answered without the filter (Q3). The
// functions of this file check both first.

// parseQuery decodes a raw query as url.ParseQuery does, but reports every violation with its location.
func parseQuery(raw string) (values url.Values, violations []string) {
	values = make(url.Values)
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		if strings.Contains(pair, ";") {
			violations = append(violations, "query: "+deployments.Quote(pair)+" has a ';', which must be written %3B")
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(rawName)
		value, valueErr := url.QueryUnescape(rawValue)
		if nameErr != nil || valueErr != nil {
			violations = append(violations, "query: "+deployments.Quote(pair)+" is not percent-encoded as it must be")
			continue
		}
		values[name] = append(values[name], value)
	}
	return values, violations
}

// checkSpelling returns the correctly spelled values of documented parameters, and a violation for each other documented
// parameter. It ignores undocumented parameters (Q1).
func checkSpelling(parameters []*openapi3.Parameter, query url.Values) (valid url.Values, violations []string) {
	valid = make(url.Values)
	for _, parameter := range parameters {
		values, ok := query[parameter.Name]
		if !ok {
			continue
		}
		if message := spellingMessage(parameter, values); message != "" {
			violations = append(violations, parameter.Name+": "+message)
			continue
		}
		valid[parameter.Name] = values
	}
	return valid, violations
}

// spellingMessage describes what is wrong with the values of a parameter, or returns "".
func spellingMessage(parameter *openapi3.Parameter, values []string) string {
	schema := &openapi3.Schema{}
	if parameter.Schema != nil {
		schema = parameter.Schema.Value
	}
	if len(values) > 1 && !schema.Type.Is(openapi3.TypeArray) {
		return fmt.Sprintf("is given %d times", len(values))
	}
	for _, value := range values {
		switch {
		case !utf8.ValidString(value):
			return deployments.Quote(value) + " is not valid UTF-8"
		case strings.ContainsRune(value, 0):
			return deployments.Quote(value) + " has a NUL character"
		case schema.Type.Is(openapi3.TypeInteger):
			if message := integerMessage(schema, value); message != "" {
				return message
			}
		case schema.Type.Is(openapi3.TypeBoolean) && value != "true" && value != "false":
			return deployments.Quote(value) + " is neither true nor false"
		}
	}
	return ""
}

// integer is the decimal form of Q2: no sign but '-', no leading zero.
var integer = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

func integerMessage(schema *openapi3.Schema, value string) string {
	if !integer.MatchString(value) {
		return deployments.Quote(value) + " is not a whole decimal number"
	}
	bits := 64
	if schema.Format == "int32" {
		bits = 32
	}
	if _, err := strconv.ParseInt(value, 10, bits); err != nil {
		return deployments.Quote(value) + " is out of the range of a " + strconv.Itoa(bits) + "-bit number"
	}
	return ""
}
