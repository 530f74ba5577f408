package auth

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestT1_EveryFormOfPublicKeyIsRead(t *testing.T) {
	cert := must(x509.CreateCertificate(rand.Reader,
		// Out of date long ago: a certificate is only the wrapping of its key.
		&x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: testTime.Add(-24 * 365 * time.Hour)},
		&x509.Certificate{}, p256A().Public(), p256A()))
	text := bytes.Join([][]byte{
		[]byte("the keys of the issuer\n"),
		pkixPEM(ed25519A().Public()),
		pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&rsaA().PublicKey)}),
		[]byte("and a certificate:\r\n"),
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		pkixPEM(rsaB().Public(), p256B().Public()),
	}, nil)
	v := verifier(t, Options{PublicKeyPEM: text})
	accept(t, v, sign(jwt.SigningMethodEdDSA, ed25519A(), ""))
	accept(t, v, sign(jwt.SigningMethodRS256, rsaA(), ""))
	accept(t, v, sign(jwt.SigningMethodRS256, rsaB(), ""))
	accept(t, v, sign(jwt.SigningMethodES256, p256A(), ""))
	accept(t, v, sign(jwt.SigningMethodES256, p256B(), "some-kid"))
	refused(t, v, sign(jwt.SigningMethodEdDSA, ed25519B(), ""), "does not match any key")
}

func TestT1_KeysThatCannotBeTrustedAreRefusedAtStart(t *testing.T) {
	pkcs8 := must(x509.MarshalPKCS8PrivateKey(p256A()))
	good := pkixPEM(ed25519A().Public())
	block := func(kind string, der []byte) []byte {
		return append(bytes.Clone(good), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
	}
	x25519 := must(ecdh.X25519().GenerateKey(rand.Reader))
	for name, c := range map[string]struct {
		pem  []byte
		says string
	}{
		"no PEM at all":         {[]byte("ssh-rsa AAAA"), "hold no PEM block"},
		"PKCS#8 private key":    {block("PRIVATE KEY", pkcs8), "PEM block 2: this is a private key"},
		"PKCS#1 private key":    {block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaA())), "PEM block 2: this is a private key"},
		"SEC 1 private key":     {block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(p256A()))), "PEM block 2: this is a private key"},
		"encrypted private key": {block("ENCRYPTED PRIVATE KEY", pkcs8), "PEM block 2: this is a private key"},
		"RSA of 1024 bits":      {append(bytes.Clone(good), pkixPEM(rsaSmall().Public())...), "PEM block 2: an RSA key of 1024 bits is too small"},
		"P-384":                 {append(bytes.Clone(good), pkixPEM(p384().Public())...), "PEM block 2: an elliptic key on P-384 is not supported"},
		"X25519":                {append(bytes.Clone(good), pkixPEM(x25519.Public())...), "PEM block 2: this kind of key is not supported"},
		"certificate request":   {block("CERTIFICATE REQUEST", []byte{1}), `a block of type "CERTIFICATE REQUEST" is not a public key`},
		"broken public key":     {block("PUBLIC KEY", []byte{1, 2, 3}), "PEM block 2: "},
		"broken RSA key":        {block("RSA PUBLIC KEY", []byte{1, 2, 3}), "PEM block 2: "},
		"broken certificate":    {block("CERTIFICATE", []byte{1, 2, 3}), "PEM block 2: "},
		"damaged first block":   {append([]byte("-----BEGIN PUBLIC KEY-----\n!!!\n-----END PUBLIC KEY-----\n"), good...), "begin 2 PEM blocks, of which 1 can be read"},
		"cut off last block":    {append(bytes.Clone(good), good[:40]...), "begin 2 PEM blocks, of which 1 can be read"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(t.Context(), Options{PublicKeyPEM: c.pem, Logger: quiet()})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want it to say %q", err, c.says)
			}
		})
	}
}

func TestT1_AnHMACSecretHas32BytesAndIsNoPublicKey(t *testing.T) {
	short := []byte("hunter2-hunter2-hunter2-hunter2")
	_, err := New(t.Context(), Options{Logger: quiet(), HMACSecrets: [][]byte{secretA, short, pkixPEM(rsaA().Public())}})
	if err == nil {
		t.Fatal("the secrets were taken")
	}
	for _, says := range []string{"HMAC secret 2: the secret is shorter than 32 bytes", "HMAC secret 3: this is a PEM block"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("%q does not say %q", err, says)
		}
	}
	if strings.Contains(err.Error(), "secret 1") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%q names a good secret or shows a bad one", err)
	}
	verifier(t, Options{HMACSecrets: [][]byte{bytes.Repeat([]byte("x"), 32)}})
}

func TestNewReportsEveryViolation(t *testing.T) {
	_, err := New(t.Context(), Options{
		HMACSecrets:  [][]byte{[]byte("short")},
		PublicKeyPEM: []byte("nothing"),
		JWKSURL:      "http://issuer.example/keys",
	})
	if err == nil {
		t.Fatal("the options were taken")
	}
	for _, says := range []string{"no logger", "HMAC secret 1", "no PEM block", "JWKS URL must be https"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("%q does not say %q", err, says)
		}
	}
	if _, err := New(t.Context(), Options{Logger: quiet()}); err == nil || !strings.Contains(err.Error(), "no key is set") {
		t.Errorf("without any key: %v", err)
	}
}

func TestNewCopiesTheSecrets(t *testing.T) {
	mine := bytes.Clone(secretA)
	v := verifier(t, Options{HMACSecrets: [][]byte{mine}})
	clear(mine)
	accept(t, v, changed(nil))
	refused(t, v, signClaims(jwt.SigningMethodHS256, mine, "", goodClaims(nil)), "does not match any key")
}

func TestConfiguredKeysAreReadyAtOnce(t *testing.T) {
	if err := verifier(t, Options{HMACSecrets: [][]byte{secretA}, PublicKeyPEM: pkixPEM(rsaA().Public())}).Ready(); err != nil {
		t.Error(err)
	}
}

func TestWithoutAClockTheRealTimeCounts(t *testing.T) {
	v, err := New(context.Background(), Options{HMACSecrets: [][]byte{secretA}, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	accept(t, v, changed(map[string]any{"exp": time.Now().Add(time.Minute).Unix()}))
	refused(t, v, changed(map[string]any{"exp": time.Now().Add(-time.Minute).Unix()}), "expired")
}
