package contract_test

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/contracttest"
)

var serverVariable = regexp.MustCompile(`\{[^{}]*\}`)

// addresses returns the addresses that a server of the document may have: with the defaults of all variables, and with
// each other value of one of them.
func addresses(server *openapi3.Server) []string {
	with := func(name, value string) string {
		return serverVariable.ReplaceAllStringFunc(server.URL, func(match string) string {
			variable := strings.Trim(match, "{}")
			if variable == name {
				return value
			}
			return server.Variables[variable].Default
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

// basePath returns the path of a server's address, "" if it has none. A relative address is relative to the document's
// URL (OpenAPI 3.0, "Server Object").
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

func TestAServerOfTheDocumentWithAPathIsReported(t *testing.T) {
	for servers, want := range map[string]string{
		"{url: '{base}', variables: {base: {default: 'https://x.example/platform'}}}":              "server https://x.example/platform has the path /platform,",
		"{url: 'https://{host}/{at}', variables: {host: {default: x.example}, at: {default: v2}}}": "server https://x.example/v2 has the path /v2,",
		"{url: 'https://x.example/{at}', variables: {at: {default: ., enum: [., platform]}}}":      "server https://x.example/platform has the path /platform,",
		"{url: v2}":                     "server v2 has the path /v2,",
		"{url: ./v2/}":                  "server ./v2/ has the path /v2/,",
		"{url: /v2}":                    "server /v2 has the path /v2,",
		"{url: //x.example/v2}":         "server //x.example/v2 has the path /v2,",
		"{url: api.example.com}":        "server api.example.com has the path /api.example.com,",
		"{url: 'x.example:8080/v2'}":    "server x.example:8080/v2 is not understood",
		"{url: 'https://x.example/%z'}": "server https://x.example/%z is not understood: it is not a URL",
		"{url: 'https://x.example'}":    "",
		"{url: 'https://x.example/'}":   "",
		"{url: //x.example}":            "",
		"{url: /}":                      "",
		"{url: .}":                      "",
		"{url: 'https://{region}.x.example:{port}/', variables: {region: {default: eu, enum: [eu, us]}, port: {default: '443'}}}": "",
	} {
		document := contracttest.Changed(t, contracttest.Base(), contracttest.Set("servers", "["+servers+"]"))
		violations := strings.Join(check(t, document, contract.RecordingOpenAPI()), "\n")
		if want == "" && violations != "" || !strings.Contains(violations, want) {
			t.Errorf("%s: got %q, want %q", servers, violations, want)
		}
	}
}
