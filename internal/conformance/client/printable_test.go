package client

import (
	"strings"
	"testing"
	"time"
)

// A runner of GitHub takes a line that begins with :: for a command.
func TestTextOfTheServerIsOneLineWithoutTheToken(t *testing.T) {
	c := New(Target{URL: "http://127.0.0.1:9", Token: "the-token"}, time.Second, "test")
	got := c.Printable("no\n::error::the-token\r\x1b[31m")
	if want := "no ::error::(the token)\uFFFD\uFFFD[31m"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Texts of a server are cut before tokens are removed from them.
func TestACutTokenIsRemoved(t *testing.T) {
	const token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ0ZXN0In0.c2lnbmF0dXJl"
	c := New(Target{URL: "http://127.0.0.1:9", Token: token}, time.Second, "test")
	for before := 60; before <= 120; before++ {
		text := "WWW-Authenticate is " + Quote(strings.Repeat("-", before)+token) + ", and that is " + Quote(token)
		if got := c.Printable(text); strings.Contains(got, token[:minTokenPart]) || !strings.HasSuffix(got, `and that is "(the token)"`) {
			t.Errorf("after %d characters: %s", before, got)
		}
	}
	if got := c.Printable("no token…, a part: " + token[:minTokenPart-1] + "…"); got != "no token…, a part: eyJ…" {
		t.Errorf("got %s", got)
	}
}
