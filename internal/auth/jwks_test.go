package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"log"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/deployrecords/deployrecords/internal/auth/jwks"
	"github.com/deployrecords/deployrecords/internal/auth/keys"
)

func TestT2_TheJWKSVerifiesTokensThatNameItsKeys(t *testing.T) {
	s := newIssuer(t,
		jwk(rsaA().Public(), "r", map[string]any{"alg": "RS256", "use": "sig"}),
		jwk(p256A().Public(), "e", map[string]any{"key_ops": []string{"verify"}}),
		jwk(ed25519A().Public(), "d", nil))
	v := jwksVerifier(t, Options{JWKSURL: s.URL}, slowSettings())
	if err := v.Ready(); err != nil {
		t.Errorf("Ready: %v", err)
	}
	accept(t, v, sign(jwt.SigningMethodRS256, rsaA(), "r"))
	accept(t, v, sign(jwt.SigningMethodES256, p256A(), "e"))
	accept(t, v, sign(jwt.SigningMethodEdDSA, ed25519A(), "d"))
	refused(t, v, sign(jwt.SigningMethodRS256, rsaB(), "r"), "does not match any key")
	s.wantHits(t, 1)
}

func TestT2_TheJWKSIsFetchedOverTLSOfATrustedServer(t *testing.T) {
	body := keySetJSON(jwk(rsaA().Public(), "a", nil))
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // the handshake that fails below
	s.StartTLS()
	defer s.Close()
	settings := slowSettings()
	settings.Transport = s.Client().Transport
	trusting := jwksVerifier(t, Options{JWKSURL: s.URL}, settings)
	accept(t, trusting, sign(jwt.SigningMethodRS256, rsaA(), "a"))

	distrusting := jwksVerifier(t, Options{JWKSURL: s.URL}, slowSettings())
	if distrusting.Ready() == nil {
		t.Error("the keys of a server with an unknown certificate were taken")
	}
}

func TestT2_ATokenWithoutAKidIsAcceptedIfExactlyOneKeyVerifiesIt(t *testing.T) {
	edDSA := func(key any) string { return sign(jwt.SigningMethodEdDSA, key, "") }
	for name, keys := range map[string][]map[string]any{
		"the only key":                    {jwk(ed25519A().Public(), "a", nil)},
		"a key without a kid":             {jwk(ed25519A().Public(), "", nil)},
		"one of several keys":             {jwk(ed25519B().Public(), "b", nil), jwk(ed25519A().Public(), "a", nil), jwk(p256A().Public(), "c", nil)},
		"one key, published twice":        {jwk(ed25519A().Public(), "a", nil), jwk(ed25519A().Public(), "b", nil)},
		"one key, with a kid and without": {jwk(ed25519A().Public(), "a", nil), jwk(ed25519A().Public(), "", nil)},
	} {
		t.Run(name, func(t *testing.T) {
			s := newIssuer(t, keys...)
			v := jwksVerifier(t, Options{JWKSURL: s.URL}, slowSettings())
			accept(t, v, edDSA(ed25519A()))
			token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, goodClaims(nil))
			token.Header["kid"] = ""
			accept(t, v, must(token.SignedString(ed25519A())))
			refused(t, v, edDSA(newEd25519()), "names no key (kid), and no known key matches its signature")
			refused(t, v, sign(jwt.SigningMethodRS256, rsaA(), ""), "no known key matches")
			for _, kid := range []any{1, nil, []string{"a"}} {
				token.Header["kid"] = kid
				refused(t, v, must(token.SignedString(ed25519A())), "header kid is not a string")
			}
			s.wantHits(t, 1)
		})
	}
}

func TestT2_AKeyWithoutAKidServesNoTokenThatNamesAKey(t *testing.T) {
	s := newIssuer(t, jwk(ed25519A().Public(), "", nil))
	v := jwksVerifier(t, Options{JWKSURL: s.URL}, slowSettings())
	refused(t, v, sign(jwt.SigningMethodEdDSA, ed25519A(), "a"), "header kid) is not known")
}

// A second key that verifies an ECDSA signature can be computed from the signature.
func TestT2_ATokenThatSeveralKeysVerifyIsRefused(t *testing.T) {
	token := sign(jwt.SigningMethodES256, p256A(), "")
	named := sign(jwt.SigningMethodES256, p256A(), "a")
	s := newIssuer(t, jwk(p256A().Public(), "a", nil), jwk(otherKeyOf(token, &p256A().PublicKey), "b", nil))
	v := jwksVerifier(t, Options{JWKSURL: s.URL}, slowSettings())
	refused(t, v, token, "names no key (kid), and several keys match its signature")
	accept(t, v, named)
}

// otherKeyOf returns the other of the two public keys that verify an ES256
// token: the one for the point -R, where the signature was made with R.
func otherKeyOf(token string, q *ecdsa.PublicKey) *ecdsa.PublicKey {
	at := strings.LastIndexByte(token, '.')
	hash := sha256.Sum256([]byte(token[:at]))
	signature := must(base64.RawURLEncoding.DecodeString(token[at+1:]))
	curve := elliptic.P256()
	order := curve.Params().N
	z, r, s := new(big.Int).SetBytes(hash[:]), new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])
	times := func(x, y *big.Int) []byte { return new(big.Int).Mod(new(big.Int).Mul(x, y), order).Bytes() }

	// R = z/s G + r/s Q
	inverse := new(big.Int).ModInverse(s, order)
	gx, gy := curve.ScalarBaseMult(times(z, inverse))
	qx, qy := curve.ScalarMult(q.X, q.Y, times(r, inverse))
	rx, ry := curve.Add(gx, gy, qx, qy)
	// Q' = s/r (-R) - z/r G
	inverse = new(big.Int).ModInverse(r, order)
	ax, ay := curve.ScalarMult(rx, new(big.Int).Sub(curve.Params().P, ry), times(s, inverse))
	bx, by := curve.ScalarBaseMult(times(z, inverse))
	x, y := curve.Add(ax, ay, bx, new(big.Int).Sub(curve.Params().P, by))
	return &ecdsa.PublicKey{Curve: curve, X: x, Y: y}
}

// A token that no key can make acceptable is refused for good, whatever keys
// the JWKS will have.
func TestT2_OnlyATokenThatMayBeGoodWaitsForKeys(t *testing.T) {
	s := newIssuer(t)
	s.fail(http.StatusServiceUnavailable)
	clock := newClock()
	v := jwksVerifier(t, Options{JWKSURL: s.URL, Issuer: "https://issuer.example", HMACSecrets: [][]byte{secretA}, Now: clock.now}, slowSettings())
	token := func(change map[string]any) string {
		claims := map[string]any{"iss": "https://issuer.example"}
		maps.Copy(claims, change)
		return signClaims(jwt.SigningMethodEdDSA, ed25519A(), "a", goodClaims(claims))
	}
	pending(t, v, token(nil), "have not been loaded yet")
	pending(t, v, signClaims(jwt.SigningMethodEdDSA, ed25519A(), "", goodClaims(map[string]any{"iss": "https://issuer.example"})), "have not been loaded yet")
	refused(t, v, token(map[string]any{"iss": "https://other.example"}), "another issuer")
	refused(t, v, token(map[string]any{"exp": testTime.Add(-time.Hour).Unix()}), "has expired")
	refused(t, v, token(map[string]any{"exp": nil}), "no expiry")
	refused(t, v, token(map[string]any{"org_id": nil}), "no organization")
	refused(t, v, sign(jwt.SigningMethodHS256, secretB, "a"), "does not match any key")
	refused(t, v, sign(jwt.SigningMethodPS256, rsaA(), "a"), "algorithm is not accepted")
	refused(t, v, "a.b.c", "malformed")

	s.serve(jwk(ed25519A().Public(), "a", nil))
	clock.advance(time.Minute) // a token may cause the next fetch
	accept(t, v, token(nil))
}

func TestT1_TheKeyOfTheJWKSDecidesTheAlgorithm(t *testing.T) {
	s := newIssuer(t, jwk(p256A().Public(), "e", nil), jwk(rsaA().Public(), "r", nil), jwk(ed25519A().Public(), "e", nil))
	v := jwksVerifier(t, Options{JWKSURL: s.URL, HMACSecrets: [][]byte{secretA}}, slowSettings())
	accept(t, v, sign(jwt.SigningMethodES256, p256A(), "e"))
	accept(t, v, sign(jwt.SigningMethodEdDSA, ed25519A(), "e"))
	refused(t, v, sign(jwt.SigningMethodRS256, rsaA(), "e"), "does not match any key")
	refused(t, v, sign(jwt.SigningMethodPS256, rsaA(), "r"), "algorithm is not accepted")
	refused(t, v, sign(jwt.SigningMethodHS256, pkixPEM(rsaA().Public()), "r"), "does not match any key")
	s.wantHits(t, 1)
}

func TestT2_AnOctKeyOfTheJWKSVerifiesNothing(t *testing.T) {
	s := newIssuer(t, jwk(secretB, "o", map[string]any{"alg": "HS256"}), jwk(rsaA().Public(), "r", nil))
	forged := sign(jwt.SigningMethodHS256, secretB, "o")
	refused(t, jwksVerifier(t, Options{JWKSURL: s.URL}, slowSettings()), forged, "algorithm is not accepted")
	refused(t, jwksVerifier(t, Options{JWKSURL: s.URL, HMACSecrets: [][]byte{secretA}}, slowSettings()), forged, "does not match any key")
	s.wantHits(t, 2)
}

func TestT2_AKeyThatIsNotForSigningVerifiesNothing(t *testing.T) {
	s := newIssuer(t, jwk(ed25519A().Public(), "bad", map[string]any{"use": "enc"}), jwk(p256A().Public(), "good", nil))
	v := jwksVerifier(t, Options{JWKSURL: s.URL}, slowSettings())
	refused(t, v, sign(jwt.SigningMethodEdDSA, ed25519A(), "bad"), "header kid) is not known")
	accept(t, v, sign(jwt.SigningMethodES256, p256A(), "good"))
}

func TestT1_AllKindsOfKeysWorkTogether(t *testing.T) {
	s := newIssuer(t, jwk(rsaB().Public(), "jwks", nil))
	v := jwksVerifier(t, Options{
		HMACSecrets:  [][]byte{secretA, secretB},
		PublicKeyPEM: pkixPEM(rsaA().Public(), ed25519A().Public()),
		JWKSURL:      s.URL,
	}, slowSettings())
	accept(t, v, sign(jwt.SigningMethodHS256, secretA, ""))
	accept(t, v, sign(jwt.SigningMethodHS256, secretB, "unknown"))
	accept(t, v, sign(jwt.SigningMethodRS256, rsaA(), ""))
	accept(t, v, sign(jwt.SigningMethodRS256, rsaA(), "unknown"))
	accept(t, v, sign(jwt.SigningMethodEdDSA, ed25519A(), "jwks"))
	accept(t, v, sign(jwt.SigningMethodRS256, rsaB(), "jwks"))
	accept(t, v, sign(jwt.SigningMethodRS256, rsaB(), ""))
	refused(t, v, sign(jwt.SigningMethodHS256, []byte(strings.Repeat("x", 32)), "unknown"), "does not match any key")
	s.wantHits(t, 1) // a token that a configured key verifies, or HS256, asks for nothing
}

func TestT2_ARotatedKeyIsFoundByItsFirstToken(t *testing.T) {
	s := newIssuer(t, jwk(ed25519A().Public(), "old", nil))
	v := jwksVerifier(t, Options{JWKSURL: s.URL}, slowSettings())
	s.serve(jwk(ed25519B().Public(), "new", nil))
	accept(t, v, sign(jwt.SigningMethodEdDSA, ed25519A(), "old"))
	s.wantHits(t, 1)
	accept(t, v, sign(jwt.SigningMethodEdDSA, ed25519B(), "new"))
	s.wantHits(t, 2)
	pending(t, v, sign(jwt.SigningMethodEdDSA, ed25519A(), "old"), "header kid) is not known yet")
	s.wantHits(t, 2)
}

func TestT2_ForgedKidsCauseOneRefreshAMinuteAndKeepNoRotatedKeyOut(t *testing.T) {
	s := newIssuer(t, jwk(ed25519A().Public(), "old", nil))
	clock := newClock()
	v := jwksVerifier(t, Options{JWKSURL: s.URL, Now: clock.now}, slowSettings())
	forge := func(times int) {
		t.Helper()
		for i := range times {
			pending(t, v, sign(jwt.SigningMethodEdDSA, ed25519B(), "forged"+strings.Repeat("x", i)), "header kid) is not known yet")
		}
	}
	refused(t, v, sign(jwt.SigningMethodEdDSA, ed25519B(), "first"), "header kid) is not known")
	forge(50)
	s.wantHits(t, 2)

	s.serve(jwk(p256A().Public(), "new", nil), jwk(ed25519A().Public(), "old", nil))
	rotated := sign(jwt.SigningMethodES256, p256A(), "new")
	clock.advance(59 * time.Second)
	pending(t, v, rotated, "header kid) is not known yet")
	forge(50)
	s.wantHits(t, 2)
	clock.advance(time.Second)
	accept(t, v, rotated)
	s.wantHits(t, 3)
	forge(50)
	s.wantHits(t, 3)
	accept(t, v, sign(jwt.SigningMethodEdDSA, ed25519A(), "old"))
}

func TestT2_OnlyOneRequestWaitsForARefresh(t *testing.T) {
	s := newIssuer(t, jwk(ed25519A().Public(), "old", nil))
	v := jwksVerifier(t, Options{JWKSURL: s.URL}, slowSettings())
	s.serve(jwk(ed25519A().Public(), "old", nil), jwk(ed25519B().Public(), "new", nil))
	release := s.hold(t)
	rotated := sign(jwt.SigningMethodEdDSA, ed25519B(), "new")

	waiting := make(chan error, 1)
	go func() {
		_, err := v.Verify(context.Background(), rotated)
		waiting <- err
	}()
	eventually(t, "the first request causes a fetch", func() bool { return s.hits.Load() == 2 })

	// The issuer does not answer, yet these come back.
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			_, err := v.Verify(context.Background(), rotated)
			checkPending(t, err, "header kid) is not known yet")
		})
	}
	wg.Wait()
	accept(t, v, sign(jwt.SigningMethodEdDSA, ed25519A(), "old"))

	release()
	if err := <-waiting; err != nil {
		t.Errorf("the request that waited: %v", err)
	}
	s.wantHits(t, 2)
}

func TestT2_ARefreshOutlivesTheRequestThatCausedIt(t *testing.T) {
	s := newIssuer(t, jwk(ed25519A().Public(), "old", nil))
	v := jwksVerifier(t, Options{JWKSURL: s.URL}, slowSettings())
	s.serve(jwk(ed25519B().Public(), "new", nil))
	release := s.hold(t)
	rotated := sign(jwt.SigningMethodEdDSA, ed25519B(), "new")

	gone, hangUp := context.WithCancel(context.Background())
	hangUp()
	_, err := v.Verify(gone, rotated)
	checkPending(t, err, "header kid) is not known yet")
	release()
	eventually(t, "the rotated key is known", func() bool {
		_, err := v.Verify(context.Background(), rotated)
		return err == nil
	})
	s.wantHits(t, 2)
}

// Otherwise one forged kid a minute would mean more than one fetch a minute
// for an issuer that is in trouble already.
func TestT2_AFailedRefreshThatATokenCausedIsNotRetried(t *testing.T) {
	s := newIssuer(t, jwk(ed25519A().Public(), "a", nil))
	settings := slowSettings()
	settings.RetryFirst, settings.RetryMost = time.Millisecond, time.Millisecond
	v := jwksVerifier(t, Options{JWKSURL: s.URL}, settings)
	s.fail(http.StatusInternalServerError)
	pending(t, v, sign(jwt.SigningMethodEdDSA, ed25519B(), "b"), "header kid) is not known yet")
	time.Sleep(50 * time.Millisecond)
	s.wantHits(t, 2)
}

func TestT2_TheKeysAreRefreshedWithoutARequest(t *testing.T) {
	s := newIssuer(t, jwk(ed25519A().Public(), "old", nil))
	settings := slowSettings()
	settings.Refresh, settings.RetryFirst = 5*time.Millisecond, 5*time.Millisecond
	v := jwksVerifier(t, Options{JWKSURL: s.URL}, settings)
	s.serve(jwk(ed25519B().Public(), "new", nil))
	published := func() []any { return v.policy.Load().Flags.Set.Current("EdDSA") }
	knows := func(key ed25519.PrivateKey) bool {
		return slices.ContainsFunc(published(), func(public any) bool { return keys.Equal(public, key.Public()) })
	}
	eventually(t, "the new key is loaded", func() bool { return knows(ed25519B()) })
	if knows(ed25519A()) {
		t.Error("a key that is no longer published is still trusted")
	}
	// Refreshes continue after a failure.
	s.fail(http.StatusBadGateway)
	failing := s.hits.Load() + 1
	eventually(t, "a refresh has failed", func() bool { return s.hits.Load() > failing })
	accept(t, v, sign(jwt.SigningMethodEdDSA, ed25519B(), "new"))
	if v.Ready() != nil {
		t.Error("a failed refresh made the verifier unready")
	}
}

func TestT2_AnIssuerThatIsDownAtStartIsRetriedUntilItIsUp(t *testing.T) {
	s := newIssuer(t)
	s.fail(http.StatusServiceUnavailable)
	settings := slowSettings()
	settings.RetryFirst, settings.RetryMost = 5*time.Millisecond, 5*time.Millisecond
	v := jwksVerifier(t, Options{JWKSURL: s.URL, HMACSecrets: [][]byte{secretA}}, settings)
	err := v.Ready()
	if err == nil || strings.Contains(err.Error(), "127.0.0.1") || strings.Contains(err.Error(), "503") {
		t.Errorf("Ready is %v, want general words", err)
	}
	accept(t, v, sign(jwt.SigningMethodHS256, secretA, ""))
	pending(t, v, sign(jwt.SigningMethodEdDSA, ed25519A(), "a"), "have not been loaded yet")
	eventually(t, "the issuer is asked several times", func() bool { return s.hits.Load() >= 5 })
	if v.Ready() == nil {
		t.Error("ready without keys")
	}
	s.serve(jwk(ed25519A().Public(), "a", nil))
	eventually(t, "the verifier is ready without a request", func() bool { return v.Ready() == nil })
	accept(t, v, sign(jwt.SigningMethodEdDSA, ed25519A(), "a"))

	// From then on the pace is the hourly one again.
	asked := s.hits.Load()
	time.Sleep(50 * time.Millisecond)
	s.wantHits(t, asked)
}

func TestT2_AnUnreachableIssuerIsNotAnInvalidOption(t *testing.T) {
	s := newIssuer(t)
	s.Close()
	if v := jwksVerifier(t, Options{JWKSURL: s.URL}, slowSettings()); v.Ready() == nil {
		t.Error("ready without keys")
	}
}

func TestT2_TheLimitsAreThoseOfTheRule(t *testing.T) {
	got := jwks.DefaultLimits()
	if got.Timeout != 5*time.Second || got.MaxBody != 1<<20 || got.UnknownKID != time.Minute || got.Refresh != time.Hour {
		t.Errorf("got %+v", got)
	}
}

func TestT2_TheFetchingEndsWithTheContext(t *testing.T) {
	s := newIssuer(t, jwk(ed25519A().Public(), "a", nil))
	ctx, end := context.WithCancel(context.Background())
	clock := newClock()
	v, err := newVerifier(ctx, Options{JWKSURL: s.URL, Logger: quiet(), Now: clock.now}, slowSettings())
	if err != nil {
		t.Fatal(err)
	}
	release := s.hold(t)
	defer release()
	waiting := make(chan error, 1)
	go func() {
		_, err := v.Verify(context.Background(), sign(jwt.SigningMethodEdDSA, ed25519B(), "b"))
		waiting <- err
	}()
	eventually(t, "a refresh is under way", func() bool { return s.hits.Load() == 2 })
	end()
	checkPending(t, <-waiting, "header kid) is not known yet")
	eventually(t, "no goroutine of a key set is left", func() bool {
		stacks := make([]byte, 1<<20)
		return !strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "(*Set).run")
	})

	// Later tokens do not wait for a refresh that nobody will make.
	clock.advance(time.Minute)
	pending(t, v, sign(jwt.SigningMethodEdDSA, ed25519B(), "b"), "header kid) is not known")
	accept(t, v, sign(jwt.SigningMethodEdDSA, ed25519A(), "a"))
}
