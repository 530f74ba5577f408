package auth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"log/slog"
	"maps"
	"math/big"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

var (
	secretA = []byte("secret-a-secret-a-secret-a-secret-a-")
	secretB = []byte("secret-b-secret-b-secret-b-secret-b-")

	rsaA     = sync.OnceValue(func() *rsa.PrivateKey { return newRSA(2048) })
	rsaB     = sync.OnceValue(func() *rsa.PrivateKey { return newRSA(2048) })
	rsaSmall = sync.OnceValue(func() *rsa.PrivateKey { return newRSA(1024) })
	p256A    = sync.OnceValue(func() *ecdsa.PrivateKey { return newEC(elliptic.P256()) })
	p256B    = sync.OnceValue(func() *ecdsa.PrivateKey { return newEC(elliptic.P256()) })
	p384     = sync.OnceValue(func() *ecdsa.PrivateKey { return newEC(elliptic.P384()) })
	ed25519A = sync.OnceValue(newEd25519)
	ed25519B = sync.OnceValue(newEd25519)

	// testTime is when every test takes place, unless its clock moves.
	testTime = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newRSA(bits int) *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, bits)) }

func newEC(curve elliptic.Curve) *ecdsa.PrivateKey {
	return must(ecdsa.GenerateKey(curve, rand.Reader))
}

func newEd25519() ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return must(key, err)
}

// pkixPEM writes public keys as PUBLIC KEY blocks.
func pkixPEM(public ...any) []byte {
	var out bytes.Buffer
	for _, key := range public {
		der := must(x509.MarshalPKIXPublicKey(key))
		_ = pem.Encode(&out, &pem.Block{Type: "PUBLIC KEY", Bytes: der})
	}
	return out.Bytes()
}

// clock is a time that tests move.
type clock struct{ nanos atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.nanos.Store(testTime.UnixNano())
	return c
}

func (c *clock) now() time.Time          { return time.Unix(0, c.nanos.Load()) }
func (c *clock) advance(d time.Duration) { c.nanos.Add(int64(d)) }
func atTestTime() time.Time              { return testTime }
func quiet() *slog.Logger                { return slog.New(slog.DiscardHandler) }

// verifier makes a Verifier at testTime, ended with the test.
func verifier(t *testing.T, o Options) *Verifier {
	t.Helper()
	if o.Logger == nil {
		o.Logger = quiet()
	}
	if o.Now == nil {
		o.Now = atTestTime
	}
	v, err := New(t.Context(), o)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return v
}

// withSecret is the verifier of tests that are not about keys.
func withSecret(t *testing.T) *Verifier {
	return verifier(t, Options{HMACSecrets: [][]byte{secretA}})
}

// goodClaims are accepted by every verifier here that sets no issuer or
// audience; tests change one of them. A nil in change takes the claim out.
func goodClaims(change map[string]any) jwt.MapClaims {
	c := jwt.MapClaims{
		"org_id": "acme",
		"sub":    "ci",
		"scope":  "deployments:read",
		"exp":    testTime.Add(time.Hour).Unix(),
	}
	maps.Copy(c, change)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// sign signs goodClaims with a header that may name a kid.
func sign(method jwt.SigningMethod, key any, kid string) string {
	return signClaims(method, key, kid, goodClaims(nil))
}

func signClaims(method jwt.SigningMethod, key any, kid string, c jwt.Claims) string {
	token := jwt.NewWithClaims(method, c)
	if kid != "" {
		token.Header["kid"] = kid
	}
	return must(token.SignedString(key))
}

// changed is an HS256 token of secretA whose claims differ from goodClaims.
func changed(change map[string]any) string {
	return signClaims(jwt.SigningMethodHS256, secretA, "", goodClaims(change))
}

// rawToken signs what a JSON library would not write, with HMAC-SHA256.
func rawToken(header, payload string, secret []byte) string {
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." +
		base64.RawURLEncoding.EncodeToString([]byte(payload))
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// rawPayload is rawToken with a plain header and secretA. EXP stands for an
// exp in the future.
func rawPayload(payload string) string {
	return rawToken(`{"alg":"HS256","typ":"JWT"}`, strings.ReplaceAll(payload, "EXP", `"exp":1795352400`), secretA)
}

func accept(t *testing.T, v *Verifier, token string) Principal {
	t.Helper()
	p, err := v.Verify(context.Background(), token)
	if err != nil {
		t.Fatalf("the token was refused: %v", err)
	}
	return p
}

// refused wants the token refused with a reason that holds the text, and looks
// at what every reason must keep to itself.
func refused(t *testing.T, v *Verifier, token, text string) {
	t.Helper()
	p, err := v.Verify(context.Background(), token)
	if err == nil {
		t.Fatalf("the token was accepted as %+v, want it refused: %s", p, text)
	}
	if p != (Principal{}) {
		t.Errorf("a refused token still gave %+v", p)
	}
	checkReason(t, err, text)
	for segment := range strings.SplitSeq(token, ".") {
		if len(segment) > 3 && strings.Contains(err.Error(), segment) {
			t.Errorf("the reason %q holds a part of the token", err)
		}
	}
}

// pending wants a *KeysError whose reason holds the text: the token may be good
// once keys have been fetched (rule T2).
func pending(t *testing.T, v *Verifier, token, text string) {
	t.Helper()
	p, err := v.Verify(context.Background(), token)
	if p != (Principal{}) {
		t.Errorf("a token that can't be judged yet gave %+v", p)
	}
	checkPending(t, err, text)
}

func checkPending(t *testing.T, err error, text string) {
	t.Helper()
	var keysError *KeysError
	if !errors.As(err, &keysError) {
		t.Fatalf("the error is a %T (%v), want a *KeysError", err, err)
	}
	if !strings.Contains(keysError.Reason, text) || keysError.Reason != err.Error() {
		t.Errorf("the reason is %q, want it to say %q", keysError.Reason, text)
	}
	if keysError.RetryAfter < time.Second || keysError.RetryAfter > time.Minute {
		t.Errorf("RetryAfter is %s", keysError.RetryAfter)
	}
}

func checkReason(t *testing.T, err error, text string) {
	t.Helper()
	var tokenError *TokenError
	if !errors.As(err, &tokenError) {
		t.Fatalf("the error is a %T (%v), want a *TokenError", err, err)
	}
	if tokenError.Reason == "" || tokenError.Reason != err.Error() {
		t.Errorf("Reason is %q, Error is %q", tokenError.Reason, err)
	}
	if !strings.Contains(tokenError.Reason, text) {
		t.Errorf("the reason is %q, want it to say %q", tokenError.Reason, text)
	}
	for _, internal := range []string{"json", "base64", "illegal", "crypto/", "jwt", "invalid character", "127.0.0.1", "http"} {
		if strings.Contains(tokenError.Reason, internal) {
			t.Errorf("the reason %q tells internals (%q)", tokenError.Reason, internal)
		}
	}
}

// eventually waits up to two seconds for what happens in the background.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("it did not come about that %s", what)
}

// certificatePEM returns a certificate of an authority.
func certificatePEM() []byte {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: testTime.Add(time.Hour), IsCA: true}
	der := must(x509.CreateCertificate(rand.Reader, template, template, p256A().Public(), p256A()))
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
