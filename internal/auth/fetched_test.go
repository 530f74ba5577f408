package auth

import (
	"testing"
	"time"
)

func TestKeysFetchedAtIsTheTimeOfTheLastGoodFetch(t *testing.T) {
	now := time.Date(2026, 11, 1, 9, 30, 0, 0, time.UTC)
	s := newIssuer(t, jwk(rsaA().Public(), "r", nil))
	v := jwksVerifier(t, Options{JWKSURL: s.URL, Now: func() time.Time { return now }}, slowSettings())
	if at, isSet := v.KeysFetchedAt(); !at.Equal(now) || !isSet {
		t.Errorf("got %s, %v", at, isSet)
	}
	unreachable := jwksVerifier(t, Options{JWKSURL: "http://127.0.0.1:1/"}, slowSettings())
	if at, isSet := unreachable.KeysFetchedAt(); !at.IsZero() || !isSet {
		t.Errorf("unreachable: got %s, %v", at, isSet)
	}
	if _, isSet := jwksVerifier(t, Options{HMACSecrets: [][]byte{make([]byte, 32)}}, slowSettings()).KeysFetchedAt(); isSet {
		t.Error("a verifier without a JWKS has the time of a fetch")
	}
}
