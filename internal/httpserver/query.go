package httpserver

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// What openapi3filter lets through is judged here: it reads values by their types' Go parsers, which know more
// spellings than the contract (rule Q2), and net/url drops what it cannot decode, so that a question with a spoiled
// filter would be answered as if it had none (rule Q3).

// readQuery decodes a raw query. It is url.ParseQuery, but for telling every fault, with where it is.
func readQuery(raw string) (values url.Values, faults []string) {
	values = make(url.Values)
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		if strings.Contains(pair, ";") {
			faults = append(faults, "query: "+deployments.Quote(pair)+" has a ';', which must be written %3B")
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(rawName)
		value, valueErr := url.QueryUnescape(rawValue)
		if nameErr != nil || valueErr != nil {
			faults = append(faults, "query: "+deployments.Quote(pair)+" is not percent-encoded as it must be")
			continue
		}
		values[name] = append(values[name], value)
	}
	return values, faults
}

// checkSpelling judges the values of the contract's parameters one by one. It gives those that are well spelt, and a
// fault for each other parameter. What the contract does not name is ignored, whatever it holds (Q1).
func checkSpelling(parameters []*openapi3.Parameter, given url.Values) (sound url.Values, faults []string) {
	sound = make(url.Values)
	for _, parameter := range parameters {
		values, ok := given[parameter.Name]
		if !ok {
			continue
		}
		if problem := spellingProblem(parameter, values); problem != "" {
			faults = append(faults, parameter.Name+": "+problem)
			continue
		}
		sound[parameter.Name] = values
	}
	return sound, faults
}

// integer is the decimal form of Q2: no sign but '-', no leading zero.
var integer = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

func spellingProblem(parameter *openapi3.Parameter, given []string) string {
	schema := &openapi3.Schema{}
	if parameter.Schema != nil {
		schema = parameter.Schema.Value
	}
	if len(given) > 1 && !schema.Type.Is(openapi3.TypeArray) {
		return fmt.Sprintf("is given %d times", len(given))
	}
	for _, value := range given {
		switch {
		case !utf8.ValidString(value):
			return deployments.Quote(value) + " is not valid UTF-8"
		case strings.ContainsRune(value, 0):
			return deployments.Quote(value) + " has a NUL character"
		case schema.Type.Is(openapi3.TypeInteger):
			if problem := integerProblem(schema, value); problem != "" {
				return problem
			}
		case schema.Type.Is(openapi3.TypeBoolean) && value != "true" && value != "false":
			return deployments.Quote(value) + " is neither true nor false"
		}
	}
	return ""
}

func integerProblem(schema *openapi3.Schema, value string) string {
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

// allowedValues lists an enum for a message.
func allowedValues(schema *openapi3.Schema) string {
	names := make([]string, 0, len(schema.Enum))
	for _, value := range schema.Enum {
		names = append(names, fmt.Sprint(value))
	}
	return strings.Join(slices.Compact(names), ", ")
}
