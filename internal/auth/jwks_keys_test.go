package auth

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/json"
	"slices"
	"testing"

	"github.com/deployrecords/deployrecords/internal/auth/keys"
)

func TestT2_KeysThatMustNotVerifyAreIgnored(t *testing.T) {
	public := rsaA().Public()
	x25519 := must(ecdh.X25519().GenerateKey(rand.Reader))
	for name, bad := range map[string]any{
		"oct":                     jwk(secretA, "bad", nil),
		"for encryption":          jwk(public, "bad", map[string]any{"use": "enc"}),
		"unknown use":             jwk(public, "bad", map[string]any{"use": "x"}),
		"only for encrypting":     jwk(public, "bad", map[string]any{"key_ops": []string{"encrypt", "wrapKey"}}),
		"only for signing":        jwk(public, "bad", map[string]any{"key_ops": []string{"sign"}}),
		"for no operation":        jwk(public, "bad", map[string]any{"key_ops": []string{}}),
		"RSA for HS256":           jwk(public, "bad", map[string]any{"alg": "HS256"}),
		"none":                    jwk(public, "bad", map[string]any{"alg": "none"}),
		"alg a number":            jwk(public, "bad", map[string]any{"alg": 256}),
		"RSA of 1024 bits":        jwk(rsaSmall().Public(), "bad", nil),
		"RSA with exponent 1":     jwk(public, "bad", map[string]any{"e": "AQ"}),
		"RSA with a big exponent": jwk(public, "bad", map[string]any{"e": "AQAAAAAAAAAAAAEAAQ"}),
		"RSA without modulus":     jwk(public, "bad", map[string]any{"n": nil}),
		"RSA of no base64":        jwk(public, "bad", map[string]any{"n": "!!!"}),
		"EC not on the curve":     jwk(p256A().Public(), "bad", map[string]any{"x": "AQ"}),
		"X25519":                  jwk(x25519.PublicKey(), "bad", nil),
		"Ed25519 too short":       jwk(ed25519A().Public(), "bad", map[string]any{"x": "AQ"}),
		"a published private key": jwk(ed25519A(), "bad", nil),
		"unknown type":            jwk(public, "bad", map[string]any{"kty": "PQC"}),
		"no type":                 jwk(public, "bad", map[string]any{"kty": nil}),
		"kid a number":            jwk(public, "bad", map[string]any{"kid": 1}),
		"ES384 on P-256":          jwk(p256A().Public(), "bad", map[string]any{"alg": "ES384"}),
		"X.509-SVID":              jwk(public, "bad", map[string]any{"use": "x509-svid"}),
		"no object":               "bad",
		"null":                    nil,
	} {
		t.Run(name, func(t *testing.T) {
			body := must(json.Marshal(map[string]any{"keys": []any{bad, jwk(p256A().Public(), "good", nil)}}))
			read, ignored, err := keys.ReadSet(body)
			if err != nil {
				t.Fatal(err)
			}
			if ignored != 1 || len(read) != 1 || len(read["good"]) != 1 || !slices.Equal(read["good"][0].Algorithms, []string{"ES256"}) {
				t.Errorf("ignored %d, kept %v", ignored, read)
			}
		})
	}
}

func TestT2_KeysOfEveryUsableFormAreKept(t *testing.T) {
	for name, good := range map[string]map[string]any{
		"RS256":              jwk(rsaA().Public(), "k", map[string]any{"alg": "RS256"}),
		"RS512":              jwk(rsaA().Public(), "k", map[string]any{"alg": "RS512"}),
		"PS256":              jwk(rsaA().Public(), "k", map[string]any{"alg": "PS256"}),
		"P-384":              jwk(p384().Public(), "k", nil),
		"of SPIFFE":          jwk(p256A().Public(), "k", map[string]any{"use": "jwt-svid", "alg": nil}),
		"for signing":        jwk(rsaA().Public(), "k", map[string]any{"use": "sig"}),
		"among operations":   jwk(p256A().Public(), "k", map[string]any{"key_ops": []string{"x-new", "verify"}}),
		"EdDSA":              jwk(ed25519A().Public(), "k", map[string]any{"alg": "EdDSA"}),
		"EdDSA without alg":  jwk(ed25519A().Public(), "k", map[string]any{"alg": nil}),
		"with more members":  jwk(p256A().Public(), "k", map[string]any{"x-note": "a"}),
		"padded, as some do": jwk(p256A().Public(), "k", map[string]any{"x": jwk(p256A().Public(), "k", nil)["x"].(string) + "="}),
	} {
		read, ignored, err := keys.ReadSet(keySetJSON(good))
		if err != nil || ignored != 0 || len(read["k"]) != 1 {
			t.Errorf("%s: ignored %d, kept %v, %v", name, ignored, read, err)
		}
	}
}
