package httpserver_test

import (
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/contracttest"
	"github.com/deployrecords/deployrecords/internal/httpserver"
)

func TestAServerOfTheDocumentThatHasAPathIsFound(t *testing.T) {
	for servers, want := range map[string]string{
		"{url: '{base}', variables: {base: {default: 'https://x.example/platform'}}}":              "server https://x.example/platform has the path /platform,",
		"{url: 'https://{host}/{at}', variables: {host: {default: x.example}, at: {default: v2}}}": "server https://x.example/v2 has the path /v2,",
		"{url: 'https://x.example/{at}', variables: {at: {default: ., enum: [., platform]}}}":      "server https://x.example/platform has the path /platform,",
		"{url: v2}":                     "server v2 has the path /v2,",
		"{url: ./v2/}":                  "server ./v2/ has the path /v2/,",
		"{url: /v2}":                    "server /v2 has the path /v2,",
		"{url: //x.example/v2}":         "server //x.example/v2 has the path /v2,",
		"{url: api.example.com}":        "server api.example.com has the path /api.example.com,",
		"{url: 'x.example:8080/v2'}":    "server x.example:8080/v2 cannot be understood",
		"{url: 'https://x.example/%z'}": "server https://x.example/%z cannot be understood: it is not a URL",
		"{url: 'https://x.example'}":    "",
		"{url: 'https://x.example/'}":   "",
		"{url: //x.example}":            "",
		"{url: /}":                      "",
		"{url: .}":                      "",
		"{url: 'https://{region}.x.example:{port}/', variables: {region: {default: eu, enum: [eu, us]}, port: {default: '443'}}}": "",
	} {
		_, err := httpserver.New(httpserver.Options{
			Document:          contracttest.Changed(t, deployrecords.OpenAPI(), contracttest.Set("servers", "["+servers+"]")),
			RecordingDocument: contract.RecordingOpenAPI(),
			Limits:            httpserver.DefaultLimits(),
		})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v", servers, err)
		}
	}
}
