package auth

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/golang-jwt/jwt/v5"
)

const (
	// minSecretBytes is the output size of SHA-256: RFC 7518 section 3.2
	// forbids a shorter key for HS256.
	minSecretBytes = 32
	// minRSABits is what RFC 7518 section 3.3 demands for RS256.
	minRSABits = 2048
)

// methods are the algorithms that Verify knows. All others (none,
// HS384, PS256, ES384 ...) are refused, even if golang-jwt has them registered.
var methods = map[string]jwt.SigningMethod{
	jwt.SigningMethodHS256.Alg(): jwt.SigningMethodHS256,
	jwt.SigningMethodRS256.Alg(): jwt.SigningMethodRS256,
	jwt.SigningMethodES256.Alg(): jwt.SigningMethodES256,
	jwt.SigningMethodEdDSA.Alg(): jwt.SigningMethodEdDSA,
}

// keysByAlg holds the keys of the configuration, each under the one algorithm
// that it may verify (rule T1).
type keysByAlg map[string][]any

// addSecrets files HMAC secrets under HS256. It copies them: the caller may
// wipe its own.
func (k keysByAlg) addSecrets(secrets [][]byte) error {
	var violations []error
	alg := jwt.SigningMethodHS256.Alg()
	for i, secret := range secrets {
		if err := checkSecret(secret); err != nil {
			violations = append(violations, fmt.Errorf("HMAC secret %d: %w", i+1, err))
			continue
		}
		k[alg] = append(k[alg], bytes.Clone(secret))
	}
	return errors.Join(violations...)
}

// addPEM files every key of a PEM text under its algorithm.
func (k keysByAlg) addPEM(text []byte) error {
	var violations []error
	blocks := 0
	for rest := text; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		blocks++
		key, err := publicKey(block)
		if err == nil {
			var alg string
			if alg, err = algorithmOf(key); err == nil {
				k[alg] = append(k[alg], key)
				continue
			}
		}
		violations = append(violations, fmt.Errorf("PEM block %d: %w", blocks, err))
	}
	// pem.Decode steps over a damaged block silently: the server would
	// start with one key fewer than configured.
	begun := bytes.Count(text, []byte("-----BEGIN "))
	switch {
	case begun == 0:
		violations = append(violations, errors.New("the public keys hold no PEM block"))
	case begun != blocks:
		violations = append(violations, fmt.Errorf("the public keys begin %d PEM blocks, of which %d can be read", begun, blocks))
	}
	return errors.Join(violations...)
}

// publicKey reads one PEM block. A certificate is only the wrapping of its
// key: neither its dates nor its issuer are checked, since the operator names
// the very key to trust.
func publicKey(block *pem.Block) (any, error) {
	switch block.Type {
	case "PUBLIC KEY":
		return x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		return x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		return cert.PublicKey, nil
	}
	if strings.HasSuffix(block.Type, "PRIVATE KEY") {
		return nil, errors.New("this is a private key; verifying needs only the public one, and the private one should leave this machine")
	}
	return nil, fmt.Errorf("a block of type %q is not a public key", block.Type)
}

// algorithmOf names the one algorithm that a public key may verify (rule T1),
// or returns an error. Keys of the configuration and of the JWKS go
// through it alike.
func algorithmOf(key any) (string, error) {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSABits {
			return "", fmt.Errorf("an RSA key of %d bits is too small, it must have %d or more", bits, minRSABits)
		}
		return jwt.SigningMethodRS256.Alg(), nil
	case *ecdsa.PublicKey:
		if key.Curve != elliptic.P256() {
			return "", fmt.Errorf("an elliptic key on %s is not supported, only P-256 is", key.Curve.Params().Name)
		}
		return jwt.SigningMethodES256.Alg(), nil
	case ed25519.PublicKey:
		return jwt.SigningMethodEdDSA.Alg(), nil
	}
	return "", errors.New("this kind of key is not supported, only RSA, P-256 and Ed25519 are")
}

// checkSecret checks an HMAC secret. Its error does not contain it. A
// PEM text is refused because a public key is known to everyone: as an HMAC
// secret it would let everyone sign (rule T1).
func checkSecret(secret []byte) error {
	switch {
	case bytes.Contains(secret, []byte("-----BEGIN ")):
		return errors.New("this is a PEM block, not an HMAC secret")
	case len(secret) < minSecretBytes:
		return fmt.Errorf("the secret is shorter than %d bytes", minSecretBytes)
	}
	return nil
}

// CheckSecret checks an HMAC secret that a person wrote, as the ones of the
// environment and of files: unlike one of random bytes, it has no control
// characters. Its error does not contain the secret.
func CheckSecret(secret []byte) error {
	if bytes.ContainsFunc(secret, unicode.IsControl) {
		return errors.New("the secret has a control character, such as a tab or a line break")
	}
	return checkSecret(secret)
}

// CheckPublicKeys reports every violation of a PEM text.
func CheckPublicKeys(text []byte) error { return keysByAlg{}.addPEM(text) }

// ReadSecrets reads a file of HMAC secrets: one a line, of 32 bytes or more,
// taken as the bytes stand (spaces count). Blank lines and the CR and LF
// around a line are not part of it. Several secrets serve rotation: any of
// them verifies (rule T1).
//
// The error names every line that is too short, has a control character or
// belongs to a PEM file, and never shows one. A text without any secret is an error too.
func ReadSecrets(r io.Reader) ([][]byte, error) {
	var secrets [][]byte
	var violations []error
	lines := bufio.NewScanner(r)
	line := 0
	for lines.Scan() {
		line++
		secret := bytes.Trim(lines.Bytes(), "\r\n")
		if line == 1 && bytes.HasPrefix(secret, []byte("\ufeff")) {
			violations = append(violations, errors.New("line 1: begins with a byte order mark, which would be a part of the secret: save the file as UTF-8 without it"))
			continue
		}
		if len(bytes.TrimSpace(secret)) == 0 {
			continue
		}
		if err := CheckSecret(secret); err != nil {
			violations = append(violations, fmt.Errorf("line %d: %w", line, err))
			continue
		}
		secrets = append(secrets, bytes.Clone(secret))
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", line+1, err)
	}
	if len(violations) > 0 {
		return nil, errors.Join(violations...)
	}
	if len(secrets) == 0 {
		return nil, errors.New("no secret was found")
	}
	return secrets, nil
}
