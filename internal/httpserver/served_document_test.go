package httpserver_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/contracttest"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

func TestR4_PublicRoutesNeedNoToken(t *testing.T) {
	server, _ := onSQLite(t)
	for path, want := range map[string]string{"/healthz": `{"status":"ok"}`, "/readyz": `{"status":"ready"}`} {
		if answer := server.do("GET", path); answer.status != 200 || strings.TrimSpace(string(answer.body)) != want {
			t.Errorf("%s: got %d %s", path, answer.status, answer.body)
		}
	}
	for path, document := range map[string][]byte{"/openapi.yaml": deployrecords.OpenAPI(), "/openapi.recording.yaml": contract.RecordingOpenAPI()} {
		answer := server.do("GET", path)
		if string(answer.body) != string(document) || answer.header.Get("Content-Type") != "application/yaml" {
			t.Errorf("%s is not the document to the byte, or is %s", path, answer.header.Get("Content-Type"))
		}
	}
}

var publicPaths = []string{"/openapi.yaml", "/openapi.local.yaml", "/openapi.recording.yaml", "/healthz", "/readyz"}

func TestR4_HeadIsGetWithoutABody(t *testing.T) {
	ready, _ := onSQLite(t)
	unready := newServer(t, stubStore{ready: fmt.Errorf("%w: dial", deployments.ErrUnavailable)})
	for name, server := range map[string]*testServer{"ready": ready, "not ready": unready} {
		for _, path := range publicPaths {
			get, head := server.do("GET", path), server.do("HEAD", path)
			for _, own := range []string{"Date", "X-Request-Id"} {
				get.header.Del(own)
				head.header.Del(own)
			}
			if head.status != get.status || len(head.body) > 0 || !maps.EqualFunc(head.header, get.header, func(a, b []string) bool { return reflect.DeepEqual(a, b) }) {
				t.Errorf("%s, %s: HEAD got %d, %d bytes and %v; GET got %d and %v", name, path, head.status, len(head.body), head.header, get.status, get.header)
			}
			if got := head.header.Get("Content-Length"); got != fmt.Sprint(len(get.body)) {
				t.Errorf("%s, %s: Content-Length is %s, and the body has %d bytes", name, path, got, len(get.body))
			}
		}
	}
}

func TestR4_OptionsOfTheServerAsAWhole(t *testing.T) {
	server, _ := onSQLite(t)
	for method, want := range map[string]int{"OPTIONS": 204, "GET": 404} {
		request, err := http.NewRequest(method, server.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.URL.Opaque = "*" // the request's target
		if answer := server.send(request); answer.status != want {
			t.Errorf("%s *: got %d %s", method, answer.status, answer.body)
		}
	}
}

func TestR2_DocumentsAreRevalidatedByTheirETag(t *testing.T) {
	server, _ := onSQLite(t)
	tags := make(map[string]bool)
	for _, path := range []string{"/openapi.yaml", "/openapi.local.yaml", "/openapi.recording.yaml"} {
		tag := server.do("GET", path).header.Get("ETag")
		tags[tag] = true
		for _, c := range []struct {
			headers []string
			want    int
		}{
			{[]string{"If-None-Match: " + tag}, 304},
			{[]string{"If-None-Match: W/" + tag}, 304},
			{[]string{`If-None-Match: "x", W/"y" , ` + tag}, 304},
			{[]string{`If-None-Match: "x"`, "If-None-Match: " + tag}, 304},
			{[]string{"If-None-Match: *"}, 304},
			{[]string{`If-None-Match: "x"`}, 200},
			{[]string{"If-None-Match: " + strings.Trim(tag, `"`)}, 200},
			{[]string{"If-None-Match: "}, 200},
			{[]string{`If-Match: "x"`}, 200},
			{[]string{"Range: bytes=9999999-"}, 200},
			{[]string{"If-Modified-Since: Sun, 29 Nov 2099 00:00:00 GMT"}, 200},
		} {
			for _, method := range []string{"GET", "HEAD"} {
				answer := server.do(method, path, c.headers...)
				if answer.status != c.want || answer.header.Get("ETag") != tag || answer.header.Get("Cache-Control") != "no-cache" || answer.status == 304 && len(answer.body) > 0 {
					t.Errorf("%s %s with %q: got %d, %v and %d bytes, want %d", method, path, c.headers, answer.status, answer.header, len(answer.body), c.want)
				}
			}
		}
	}
	if len(tags) != 3 {
		t.Errorf("the documents share an ETag: %v", tags)
	}
}

// toJSON returns a document in YAML as JSON.
func toJSON(t *testing.T, document []byte, indent string) []byte {
	t.Helper()
	var value any
	if err := yaml.Unmarshal(document, &value); err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(value, "", indent)
	if err != nil {
		t.Fatal(err)
	}
	if indent == "" {
		var compact bytes.Buffer
		if err := json.Compact(&compact, text); err != nil {
			t.Fatal(err)
		}
		return compact.Bytes()
	}
	return text
}

// A generated client and a page for trying requests send the token to the addresses under servers.
func TestR4_TheLocalDocumentNamesThisServerAlone(t *testing.T) {
	upstream := contracttest.Base()
	replaced := func(pairs ...string) []byte {
		text := strings.NewReplacer(pairs...).Replace(string(upstream))
		if text == string(upstream) {
			t.Fatalf("%q changes nothing", pairs)
		}
		return []byte(text)
	}
	const block = "servers:\n  - url: https://api.app.chainloop.dev/\n"
	without := replaced(block, "")
	nested := contracttest.Changed(t, upstream,
		contracttest.Set("paths /v1/deployments servers", "[{url: https://path.example/}]"),
		contracttest.Set("paths /v1/test-things", "{get: {operationId: Things, servers: [{url: https://operation.example/}], responses: {default: {description: x}}}}"))
	for name, c := range map[string]struct {
		document []byte
		edited   bool // only the servers' bytes change
	}{
		"as it is":               {upstream, true},
		"CRLF":                   {replaced("\n", "\r\n"), true},
		"with a byte order mark": {slicesJoin("\ufeff", upstream), true},
		"servers with comments":  {replaced(block, "# before\nservers: # beside\n  # within\n  - url: 'https://x.example'\n    description: |\n      several\n\n      lines\n\n# of the next\n"), true},
		"servers in one line":    {replaced(block, "servers: [{url: 'https://x.example'}, {url: //y.example}]\n"), true},
		"no servers in the list": {replaced(block, "servers: []\n"), true},
		"servers without indent": {replaced(block, "servers:\n- url: https://x.example\n"), true},
		"a quoted key":           {replaced(block, "\"servers\":\n  - url: https://x.example\n"), true},
		"servers at the end":     {slicesJoin(string(without), []byte(block)), true},
		"and no last line break": {bytes.TrimSpace(slicesJoin(string(without), []byte(block))), true},
		"servers at the start":   {slicesJoin(block, without), true},
		"no servers":             {without, true},
		"none, no line break":    {bytes.TrimSpace(without), true},
		"after a marker":         {slicesJoin("%YAML 1.1\n---\n", upstream), true},
		"before a marker":        {slicesJoin(string(without), []byte(block+"...\n")), false},
		"none before a marker":   {slicesJoin(string(without), []byte("...\n")), false},
		"indented":               {[]byte("  " + strings.ReplaceAll(string(upstream), "\n", "\n  ")), false},
		"in one flow":            {[]byte("{" + string(toJSON(t, upstream, ""))[1:len(toJSON(t, upstream, ""))-1] + ",}"), false},
		"an anchor in servers":   {replaced(block, "servers: &all\n  - url: https://x.example\nx-servers: *all\n"), false},
		"servers of operations":  {nested, false},
		"JSON":                   {toJSON(t, upstream, "  "), true},
		"JSON with tabs":         {toJSON(t, upstream, "\t"), true},
		"JSON in one line":       {toJSON(t, upstream, ""), true},
		"JSON, no servers":       {toJSON(t, without, ""), true},
		"JSON, with escapes":     {bytes.Replace(toJSON(t, upstream, ""), []byte(`Chainloop Support`), []byte(`\/ \ud83d\ude00`), 1), true},
		"JSON, of operations":    {toJSON(t, nested, "  "), false},
	} {
		t.Run(name, func(t *testing.T) {
			server := newServer(t, stubStore{}, func(o *options) { o.Document = c.document })
			if got := server.do("GET", "/openapi.yaml").body; !bytes.Equal(got, c.document) {
				t.Error("/openapi.yaml differs from the document")
			}
			answer := server.do("GET", "/openapi.local.yaml")
			if answer.status != 200 || answer.header.Get("Content-Type") != "application/yaml" {
				t.Fatalf("got %d %v %s", answer.status, answer.header, answer.body)
			}
			requireOnlyLocalServers(t, answer.body)
			if got, want := valuesWithoutServers(t, answer.body), valuesWithoutServers(t, c.document); !reflect.DeepEqual(got, want) {
				t.Errorf("more than the servers changed: %s", answer.body)
			}
			if json.Valid(c.document) != json.Valid(answer.body) {
				t.Errorf("JSON became YAML: %s", answer.body)
			}
			if lost := len(c.document) - len(answer.body); c.edited && (lost > 200 || lost < -40) {
				t.Errorf("the document was encoded anew: %d bytes became %d", len(c.document), len(answer.body))
			}
		})
	}
}

func slicesJoin(before string, after []byte) []byte { return append([]byte(before), after...) }

func TestR4_TheRecordingDocumentNamesThisServerAlone(t *testing.T) {
	requireOnlyLocalServers(t, contract.RecordingOpenAPI())
}

// requireOnlyLocalServers fails if a client of the document sends requests elsewhere.
func requireOnlyLocalServers(t *testing.T, document []byte) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		t.Fatal(err)
	}
	if len(doc.Servers) != 1 || doc.Servers[0].URL != "/" {
		t.Errorf("the document's servers are %v", doc.Servers)
	}
	for path, item := range doc.Paths.Map() {
		servers := item.Servers
		for _, operation := range item.Operations() {
			if operation.Servers != nil {
				servers = append(servers, *operation.Servers...)
			}
		}
		for _, server := range servers {
			if server.URL != "/" {
				t.Errorf("%s has the server %s", path, server.URL)
			}
		}
	}
}

// valuesWithoutServers decodes a document without the servers of the document, its paths and operations.
func valuesWithoutServers(t *testing.T, document []byte) map[string]any {
	t.Helper()
	var values map[string]any
	decode := yaml.Unmarshal
	if json.Valid(document) {
		decode = json.Unmarshal
	}
	if err := decode(document, &values); err != nil {
		t.Fatal(err)
	}
	delete(values, "servers")
	paths, _ := values["paths"].(map[string]any)
	for _, path := range paths {
		delete(path.(map[string]any), "servers")
		for _, operation := range path.(map[string]any) {
			if operation, ok := operation.(map[string]any); ok {
				delete(operation, "servers")
			}
		}
	}
	return values
}
