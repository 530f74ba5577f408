package jwks

import (
	"net/http"
	"net/url"
	"testing"
)

func TestT2_ARedirectToAnotherOriginIsNotFollowed(t *testing.T) {
	parsed := func(raw string) *url.URL {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	request := func(raw string) *http.Request { return &http.Request{URL: parsed(raw)} }
	for _, c := range []struct {
		from, to string
		follow   bool
	}{
		{"https://issuer.example/a", "https://issuer.example/b", true},
		{"https://issuer.example/a", "https://ISSUER.example:443/b", true},
		{"http://localhost/a", "http://localhost:80/b", true},
		{"https://issuer.example/a", "http://issuer.example/a", false},
		{"https://issuer.example:8443/a", "http://issuer.example:8443/a", false},
		{"https://issuer.example/a", "https://issuer.example:8443/a", false},
		{"https://issuer.example/a", "https://evil.example/a", false},
		{"https://issuer.example/a", "https://issuer.example.evil.example/a", false},
		{"https://issuer.example/a", "https://issuer.example@evil.example/a", false},
		{"http://127.0.0.1:80/a", "http://localhost:80/a", false},
	} {
		err := checkRedirect(request(c.to), []*http.Request{request(c.from)})
		if (err == nil) != c.follow {
			t.Errorf("from %s to %s: %v", c.from, c.to, err)
		}
	}
	// The origin that counts is the first one's.
	chain := []*http.Request{request("https://a.example/"), request("https://b.example/")}
	if checkRedirect(request("https://b.example/x"), chain) == nil {
		t.Error("a chain left its origin")
	}
}
