package httpserver

import (
	"errors"
	"net/url"
	"regexp"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

var serverVariable = regexp.MustCompile(`\{[^{}]*\}`)

// addresses are those that a server of the document may have: with the defaults of its variables, and with each other
// value that one of them may take.
func addresses(server *openapi3.Server) []string {
	with := func(name, value string) string {
		return serverVariable.ReplaceAllStringFunc(server.URL, func(variable string) string {
			at := strings.Trim(variable, "{}")
			switch of := server.Variables[at]; {
			case at == name:
				return value
			case of != nil:
				return of.Default
			default:
				return variable // validation has refused it
			}
		})
	}
	all := []string{with("", "")}
	for name, variable := range server.Variables {
		for _, value := range variable.Enum {
			if value != variable.Default {
				all = append(all, with(name, value))
			}
		}
	}
	return all
}

// basePath is the path of a server's address, "" if it has none. A relative one is relative to where the document is
// served (OpenAPI 3.0, "Server Object").
func basePath(address string) (string, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return "", errors.New("it is not a URL")
	}
	if parsed.Opaque != "" || parsed.Scheme != "" && parsed.Host == "" {
		return "", errors.New("it has no host")
	}
	return strings.TrimPrefix((&url.URL{Path: "/openapi.yaml"}).ResolveReference(parsed).EscapedPath(), "/"), nil
}
