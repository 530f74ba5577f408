package auth

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

func TestT1_ASignedTokenNamesItsPrincipal(t *testing.T) {
	p := accept(t, withSecret(t), changed(map[string]any{"project_name": "web"}))
	if p.Organization != "acme" || p.Subject != "ci" || p.Project != "web" {
		t.Errorf("got %+v", p)
	}
}

func TestT1_AnyOfSeveralSecretsMatches(t *testing.T) {
	v := verifier(t, Options{HMACSecrets: [][]byte{secretA, secretB}})
	accept(t, v, sign(jwt.SigningMethodHS256, secretA, ""))
	accept(t, v, sign(jwt.SigningMethodHS256, secretB, "whatever"))
	refused(t, v, sign(jwt.SigningMethodHS256, []byte(strings.Repeat("c", 32)), ""), "does not match any key")
}

// Every key of another kind is set as well, so that only the algorithm can be
// what refuses.
func TestT1_NoOtherAlgorithmIsAccepted(t *testing.T) {
	v := verifier(t, Options{
		HMACSecrets:  [][]byte{secretA},
		PublicKeyPEM: pkixPEM(rsaA().Public(), p256A().Public(), ed25519A().Public()),
	})
	accept(t, v, sign(jwt.SigningMethodRS256, rsaA(), ""))
	for name, token := range map[string]string{
		"none":           sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, ""),
		"HS384":          sign(jwt.SigningMethodHS384, secretA, ""),
		"HS512":          sign(jwt.SigningMethodHS512, secretA, ""),
		"RS384":          sign(jwt.SigningMethodRS384, rsaA(), ""),
		"RS512":          sign(jwt.SigningMethodRS512, rsaA(), ""),
		"PS256":          sign(jwt.SigningMethodPS256, rsaA(), ""),
		"ES384":          sign(jwt.SigningMethodES384, p384(), ""),
		"None":           rawToken(`{"alg":"None"}`, `{}`, secretA),
		"hs256":          rawToken(`{"alg":"hs256"}`, `{}`, secretA),
		"empty":          rawToken(`{"alg":""}`, `{}`, secretA),
		"absent":         rawToken(`{"typ":"JWT"}`, `{}`, secretA),
		"not a string":   rawToken(`{"alg":["HS256"]}`, `{}`, secretA),
		"null as header": rawToken(`null`, `{}`, secretA),
	} {
		t.Run(name, func(t *testing.T) { refused(t, v, token, "algorithm is not accepted") })
	}
}

func TestT1_ATokenWithItsSignatureCutOffIsRefused(t *testing.T) {
	v := withSecret(t)
	good := changed(nil)
	accept(t, v, good)
	refused(t, v, good[:strings.LastIndex(good, ".")+1], "does not match any key")
}

func TestT1_APublicKeyIsNoHMACSecret(t *testing.T) {
	public := pkixPEM(rsaA().Public())
	der := must(x509.MarshalPKIXPublicKey(rsaA().Public()))
	for name, secret := range map[string][]byte{
		"PEM":                    public,
		"PEM without line break": public[:len(public)-1],
		"DER":                    der,
		"PKCS#1":                 x509.MarshalPKCS1PublicKey(&rsaA().PublicKey),
		"modulus":                rsaA().N.Bytes(),
	} {
		t.Run(name, func(t *testing.T) {
			forged := sign(jwt.SigningMethodHS256, secret, "")
			refused(t, verifier(t, Options{PublicKeyPEM: public}), forged, "algorithm is not accepted")
			refused(t, verifier(t, Options{PublicKeyPEM: public, HMACSecrets: [][]byte{secretA}}), forged, "does not match any key")
		})
	}
}

func TestT1_AKeyOfAnotherKindDoesNotMatch(t *testing.T) {
	onlyRSA := verifier(t, Options{PublicKeyPEM: pkixPEM(rsaA().Public())})
	refused(t, onlyRSA, sign(jwt.SigningMethodES256, p256A(), ""), "algorithm is not accepted")
	refused(t, onlyRSA, sign(jwt.SigningMethodEdDSA, ed25519A(), ""), "algorithm is not accepted")
	refused(t, onlyRSA, sign(jwt.SigningMethodRS256, rsaB(), ""), "does not match any key")

	all := verifier(t, Options{PublicKeyPEM: pkixPEM(rsaA().Public(), p256A().Public(), ed25519A().Public())})
	refused(t, all, sign(jwt.SigningMethodES256, p256B(), ""), "does not match any key")
	refused(t, all, sign(jwt.SigningMethodEdDSA, ed25519B(), ""), "does not match any key")
}

func TestT1_AChangedTokenIsRefused(t *testing.T) {
	v := verifier(t, Options{HMACSecrets: [][]byte{secretA}, PublicKeyPEM: pkixPEM(rsaA().Public())})
	for name, good := range map[string]string{
		"HS256": sign(jwt.SigningMethodHS256, secretA, ""),
		"RS256": sign(jwt.SigningMethodRS256, rsaA(), ""),
	} {
		t.Run(name, func(t *testing.T) {
			accept(t, v, good)
			parts := strings.Split(good, ".")
			payload := string(must(base64.RawURLEncoding.DecodeString(parts[1])))
			parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(payload, "acme", "evil", 1)))
			refused(t, v, strings.Join(parts, "."), "does not match any key")
		})
	}
}

// Were the claims read first, a forger could ask about them.
func TestT1_AForgedTokenRevealsNothingOfItsClaims(t *testing.T) {
	forged := signClaims(jwt.SigningMethodHS256, secretB, "", jwt.MapClaims{"exp": "soon", "project_name": nil})
	refused(t, withSecret(t), forged, "does not match any key")
}

func TestT1_ACriticalHeaderIsRefused(t *testing.T) {
	payload := `{"org_id":"acme","exp":1795352400}`
	accept(t, withSecret(t), rawToken(`{"alg":"HS256","x":1}`, payload, secretA))
	for _, crit := range []string{`["exp"]`, `[]`, `null`} {
		refused(t, withSecret(t), rawToken(`{"alg":"HS256","crit":`+crit+`}`, payload, secretA), "header crit")
	}
}

func TestT1_WhatIsNoJWTIsRefused(t *testing.T) {
	v := withSecret(t)
	good := changed(nil)
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"empty":                  "",
		"one part":               "abc",
		"two parts":              parts[0] + "." + parts[1],
		"four parts":             good + "." + parts[2],
		"five parts (JWE)":       good + "." + parts[2] + "." + parts[2],
		"padded":                 parts[0] + "." + parts[1] + "." + parts[2] + "=",
		"header not JSON":        rawToken(`{"alg":"HS256"`, `{}`, secretA),
		"header an array":        rawToken(`["HS256"]`, `{}`, secretA),
		"payload not JSON":       rawPayload(`{"org_id":"acme",EXP`),
		"payload and more":       rawPayload(`{"org_id":"acme",EXP}{}`),
		"standard base64":        parts[0] + ".+/+/." + parts[2],
		"unused bits of the end": good[:len(good)-1] + nextBase64(good[len(good)-1]),
	} {
		t.Run(name, func(t *testing.T) { refused(t, v, token, "malformed") })
	}
	for name, payload := range map[string]string{"null": `null`, "array": `[]`, "string": `"acme"`, "number": `1`} {
		t.Run("payload "+name, func(t *testing.T) { refused(t, v, rawPayload(payload), "payload is not a JSON object") })
	}
}

// nextBase64 is the neighbour of a character: it differs in the lowest bit,
// which the last character of a 32-byte signature leaves unused.
func nextBase64(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, c)+1:][:1]
}

func TestVerifyServesManyAtOnce(t *testing.T) {
	v := verifier(t, Options{HMACSecrets: [][]byte{secretA, secretB}, PublicKeyPEM: pkixPEM(rsaA().Public())})
	tokens := []string{changed(nil), sign(jwt.SigningMethodHS256, secretB, ""), sign(jwt.SigningMethodRS256, rsaA(), "")}
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			for range 20 {
				if p, err := v.Verify(context.Background(), tokens[i%3]); err != nil || p.Organization != "acme" {
					t.Errorf("got %+v, %v", p, err)
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkVerify is of a token that is not remembered.
func BenchmarkVerify(b *testing.B) {
	benchmarkVerify(b, func(v *Verifier, token string) error {
		_, _, err := v.verify(context.Background(), v.policy.Load(), token)
		return err
	})
}

func benchmarkVerify(b *testing.B, verify func(*Verifier, string) error) {
	v, err := New(b.Context(), Options{
		HMACSecrets:  [][]byte{secretA},
		PublicKeyPEM: pkixPEM(rsaA().Public(), p256A().Public(), ed25519A().Public()),
		Logger:       quiet(), Now: atTestTime,
	})
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		method jwt.SigningMethod
		key    any
	}{
		{jwt.SigningMethodHS256, secretA},
		{jwt.SigningMethodRS256, rsaA()},
		{jwt.SigningMethodES256, p256A()},
		{jwt.SigningMethodEdDSA, ed25519A()},
	} {
		token := sign(c.method, c.key, "")
		b.Run(c.method.Alg(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := verify(v, token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
