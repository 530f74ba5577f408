package journal_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/journal"
)

func TestOpaqueCredentialsAreNeverKept(t *testing.T) {
	var j journal.Journal
	const form = "grant_type=password&client_secret=opaque&password=opaque&refresh%5ftoken=opaque"
	r := httptest.NewRequest(http.MethodPost, "/login?Code=opaque&state=opaque&next=%2F&id_token=opaque&statement=kept", strings.NewReader(form))
	for name, value := range map[string]string{
		"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "X-Auth-Token": "opaque", "X-Api-Key": "opaque", "X-Client-Secret": "opaque",
		"X-Session-Cookie": "opaque", "X-Forwarded-Authorization": "Basic opaque", "Referer": "https://id.example/?code=opaque&a=kept", "Idempotency-Key": "kept",
	} {
		r.Header.Set(name, value)
	}
	j.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "https://id.example/authorize?state=opaque&scope=kept")
		w.WriteHeader(http.StatusFound)
	})).ServeHTTP(httptest.NewRecorder(), r)
	e := j.Find(journal.Filter{}, 1).Exchanges[0]
	if text := fmt.Sprintf("%+v", e); strings.Contains(text, "opaque") {
		t.Errorf("kept %s", text)
	}
	for got, want := range map[string]string{
		e.Query: "Code=(not shown)&state=(not shown)&next=%2F&id_token=(not shown)&statement=kept",
		e.Body:  "grant_type=password&client_secret=(not shown)&password=(not shown)&refresh%5ftoken=(not shown)",
		e.Header.Get("X-Forwarded-Authorization"): "Basic (not shown)",
		e.Header.Get("Referer"):                   "https://id.example/?code=(not shown)&a=kept",
		e.Header.Get("Idempotency-Key"):           "kept",
		e.ResponseHeader.Get("Location"):          "https://id.example/authorize?state=(not shown)&scope=kept",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestEscapedTokensAreNeverKept(t *testing.T) {
	head, rest := token[3:20], token[20:]
	for sent, want := range map[string]string{
		`{"a":"\u0065yJ` + head + rest + `","b":"kept"}`:                     `{"a":"(not shown)","b":"kept"}`,
		`{"a":"\u0065\u0079\u004A` + head + `\u002e` + rest[1:] + `","b":1}`: `{"a":"(not shown)","b":1}`,
		"%65yJ" + head + rest + "%20kept":                                    "(not shown)%20kept",
		"e%79%4a%68" + head + strings.Replace(rest, ".", "%2E", 1) + "/":     "(not shown)/",
		"a %65yellow journey, 40 %40":                                        "a %65yellow journey, 40 %40",
	} {
		var j journal.Journal
		send(&j, http.MethodPost, "/", sent)
		if e := j.Find(journal.Filter{}, 1).Exchanges[0]; e.Body != want || e.ResponseBody != want {
			t.Errorf("%s: kept %s and %s, want %s", sent, e.Body, e.ResponseBody, want)
		}
	}
}
