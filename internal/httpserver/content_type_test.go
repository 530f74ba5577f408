package httpserver_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestR3_A415NamesWhatWasReceivedAndWhatIsAccepted(t *testing.T) {
	server, _ := onSQLite(t)
	for name, c := range map[string]struct {
		header http.Header
		want   string
	}{
		"none":           {nil, "Content-Type: is missing; application/json is accepted"},
		"empty":          {http.Header{"Content-Type": {""}}, "Content-Type: is missing; application/json is accepted"},
		"two":            {http.Header{"Content-Type": {"application/json", "application/json"}}, "Content-Type: is given 2 times; application/json is accepted once"},
		"a form":         {http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, `Content-Type: "application/x-www-form-urlencoded" is not application/json in UTF-8`},
		"a charset":      {http.Header{"Content-Type": {"application/json; charset=latin1"}}, `Content-Type: "application/json; charset=latin1" is not application/json in UTF-8`},
		"a patch":        {http.Header{"Content-Type": {"application/merge-patch+json"}}, `Content-Type: "application/merge-patch+json" is not application/json in UTF-8`},
		"not one":        {http.Header{"Content-Type": {"json"}}, `Content-Type: "json" is not application/json in UTF-8`},
		"a long one":     {http.Header{"Content-Type": {strings.Repeat("x", 100)}}, `Content-Type: "` + strings.Repeat("x", 64) + `"… is not application/json in UTF-8`},
		"a compression":  {http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}, `Content-Encoding: "gzip" is not accepted; send the body without an encoding`},
		"several":        {http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"identity", "br"}}, `Content-Encoding: "identity, br" is not accepted; send the body without an encoding`},
		"both are wrong": {http.Header{"Content-Type": {"text/plain"}, "Content-Encoding": {"gzip"}}, `Content-Type: "text/plain" is not application/json in UTF-8`},
	} {
		for path, body := range map[string]string{recordPath: deployment(1), batchPath: batchBody("", deployment(1))} {
			request, err := http.NewRequest(http.MethodPost, server.url+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header = c.header.Clone()
			if request.Header == nil {
				request.Header = http.Header{}
			}
			answer := server.send(request, "Authorization: Bearer "+writer(t))
			if got := answer.json(t)["message"]; answer.status != 415 || got != c.want {
				t.Errorf("%s: got %d %v, want %s", name, answer.status, got, c.want)
			}
		}
	}
	for _, header := range []string{"application/json", "Application/JSON", "application/json; charset=UTF-8", `application/json;charset="utf-8"`, "application/json; profile=x"} {
		if answer := server.post(recordPath, deployment(1), "Content-Type: "+header, "Content-Encoding: identity"); answer.status != 200 {
			t.Errorf("%s: got %d %s", header, answer.status, answer.body)
		}
	}
}
