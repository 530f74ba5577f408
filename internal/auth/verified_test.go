package auth

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/deployrecords/deployrecords/internal/auth/keys"
)

// remembered is how many tokens a Verifier would accept without looking at a key.
func (v *Verifier) remembered() int { return v.verified.Load().byDigest.Len() }

func TestATokenIsVerifiedOnce(t *testing.T) {
	v := withSecret(t)
	token := changed(map[string]any{"project_name": "web"})
	first := accept(t, v, token)
	v.policy.Load().Flags.Keys = keys.Static{} // nothing can be verified from here on
	if again := accept(t, v, token); again != first || first.Project != "web" {
		t.Errorf("first it was %+v, then %+v", first, again)
	}
	refused(t, v, changed(nil), "algorithm is not accepted")
	parts := strings.Split(token, ".")
	refused(t, v, parts[0]+"."+parts[1]+"."+strings.Repeat("A", len(parts[2])), "algorithm is not accepted")
}

func TestT1_ARememberedTokenStillHasItsDates(t *testing.T) {
	clock := newClock()
	v := verifier(t, Options{HMACSecrets: [][]byte{secretA}, Now: clock.now})
	token := changed(map[string]any{"nbf": testTime.Unix(), "iat": testTime.Unix()})
	accept(t, v, token)
	clock.advance(time.Hour + leeway - time.Microsecond)
	accept(t, v, token)
	clock.advance(time.Microsecond)
	refused(t, v, token, "has expired")
	if v.remembered() != 0 {
		t.Error("it is remembered all the same")
	}
	clock.advance(-2 * time.Hour) // the machine's clock is set
	refused(t, v, token, "not valid yet")
	clock.advance(time.Hour)
	accept(t, v, token)
	clock.advance(-time.Hour)
	refused(t, v, token, "not valid yet")
}

func TestWhatIsRefusedIsNotRemembered(t *testing.T) {
	v := verifier(t, Options{HMACSecrets: [][]byte{secretA}, Issuer: "us"})
	for _, token := range []string{
		"",
		sign(jwt.SigningMethodHS256, secretB, ""),
		changed(map[string]any{"iss": "them"}),
		changed(map[string]any{"iss": "us", "exp": testTime.Add(-time.Hour).Unix()}),
		changed(map[string]any{"iss": "us", "org_id": nil}),
	} {
		refused(t, v, token, "")
	}
	if v.remembered() != 0 {
		t.Errorf("%d are remembered", v.remembered())
	}
	accept(t, v, changed(map[string]any{"iss": "us"}))
	if v.remembered() != 1 {
		t.Error("what is accepted is not remembered")
	}
}

func TestSoManyTokensAreRemembered(t *testing.T) {
	v := withSecret(t)
	token := func(n int) string { return changed(map[string]any{"sub": fmt.Sprint(n)}) }
	often := changed(nil)
	for n := range maxVerified + 100 {
		if n%1000 == 0 {
			accept(t, v, often)
		}
		accept(t, v, token(n))
	}
	if v.remembered() != maxVerified {
		t.Errorf("%d are remembered, want %d", v.remembered(), maxVerified)
	}
	accept(t, v, token(0))
	v.policy.Load().Flags.Keys = keys.Static{}
	accept(t, v, often) // the ones that were not used for the longest time went
	refused(t, v, token(1), "algorithm")
}

// The digest reveals nothing about the token, and the granted rights are no part of its text.
func TestNothingOfATokensTextIsRemembered(t *testing.T) {
	v := withSecret(t)
	token := changed(map[string]any{"project_name": "web", "aud": []string{"us"}, "iss": "issuer"})
	accept(t, v, token)
	cache := v.verified.Load().byDigest
	for _, key := range cache.Keys() {
		value, _ := cache.Peek(key)
		kept := fmt.Sprintf("%s %+v %s", key, value, value.dates.ExpiresAt)
		for segment := range strings.SplitSeq(token, ".") {
			if strings.Contains(kept, segment) {
				t.Errorf("%q holds a part of the token", kept)
			}
		}
	}
}

func TestT2_AKeyThatIsTakenAwayEndsTheTokensItVerified(t *testing.T) {
	s := newIssuer(t, jwk(ed25519A().Public(), "a", nil), jwk(ed25519B().Public(), "b", nil))
	clock := newClock()
	v := jwksVerifier(t, Options{JWKSURL: s.URL, Now: clock.now}, slowSettings())
	ofA, ofB := sign(jwt.SigningMethodEdDSA, ed25519A(), "a"), sign(jwt.SigningMethodEdDSA, ed25519B(), "b")
	refresh := func() { // by a kid that nobody has
		clock.advance(time.Minute)
		if _, err := v.Verify(t.Context(), sign(jwt.SigningMethodEdDSA, ed25519B(), "c")); err == nil {
			t.Error("a token without a known key was accepted")
		}
	}
	accept(t, v, ofA)
	accept(t, v, ofB)
	refresh()
	if v.remembered() != 2 {
		t.Errorf("%d are remembered after the same keys were fetched again", v.remembered())
	}
	s.fail(500)
	refresh()
	accept(t, v, ofA)

	s.serve(jwk(ed25519B().Public(), "b", nil))
	refresh()
	pending(t, v, ofA, "header kid) is not known yet")
	accept(t, v, ofB)

	// Another key under the same name ends them, too.
	s.serve(jwk(ed25519A().Public(), "b", nil))
	refresh()
	refused(t, v, ofB, "does not match any key")
}

// A token that is being verified while its key is taken away must not be remembered afterwards.
func TestT2_AKeyThatIsTakenAwayMeanwhileEndsItsTokensToo(t *testing.T) {
	s := newIssuer(t, jwk(ed25519A().Public(), "a", nil))
	clock := newClock()
	var meanwhile func() // done when the time is asked for, which comes after the signature and before remembering
	v := jwksVerifier(t, Options{JWKSURL: s.URL, Now: func() time.Time {
		if do := meanwhile; do != nil {
			meanwhile = nil
			do()
		}
		return clock.now()
	}}, slowSettings())
	token := sign(jwt.SigningMethodEdDSA, ed25519A(), "a")
	meanwhile = func() {
		s.serve()
		clock.advance(time.Minute)
		refused(t, v, sign(jwt.SigningMethodEdDSA, ed25519B(), "b"), "header kid) is not known")
	}
	accept(t, v, token)
	s.wantHits(t, 2)
	pending(t, v, token, "header kid) is not known")
}

// BenchmarkVerifyAgain is BenchmarkVerify of a token that is remembered.
func BenchmarkVerifyAgain(b *testing.B) {
	benchmarkVerify(b, func(v *Verifier, token string) error {
		_, err := v.Verify(context.Background(), token)
		return err
	})
}
