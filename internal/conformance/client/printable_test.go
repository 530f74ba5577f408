package client

import (
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
