package keys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// minRSABits is what RFC 7518 section 3.3 demands for RS256.
const minRSABits = 2048

var (
	rsaAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	// Public are the algorithms of public keys.
	Public = slices.Concat(rsaAlgorithms, []string{"ES256", "ES384", "ES512", "EdDSA"})
	// Default are those that are accepted where no list names others.
	Default = []string{"RS256", "ES256", "EdDSA"}
	// Secret is the algorithm of HMAC secrets.
	Secret = jwt.SigningMethodHS256.Alg()
)

// Method returns the algorithm of this name, or nil if no key verifies it: none, HS384 and others are refused, even if
// golang-jwt has them registered.
func Method(name string) jwt.SigningMethod {
	if name == Secret || slices.Contains(Public, name) {
		return jwt.GetSigningMethod(name)
	}
	return nil
}

// algorithmsOf returns the algorithms that a public key may verify (rule T1), or an error. Keys of the configuration and of
// a JWKS go through it alike.
func algorithmsOf(key any) ([]string, error) {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < minRSABits {
			return nil, fmt.Errorf("an RSA key of %d bits is too small, it must have %d or more", bits, minRSABits)
		}
		return rsaAlgorithms, nil
	case *ecdsa.PublicKey:
		name := key.Curve.Params().Name
		if alg, ok := map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[name]; ok {
			return []string{alg}, nil
		}
		return nil, fmt.Errorf("an elliptic key on %s is not supported", name)
	case ed25519.PublicKey:
		return []string{"EdDSA"}, nil
	}
	return nil, errors.New("this kind of key is not supported, only RSA, ECDSA and Ed25519 are")
}

// restrict returns the algorithms of a key that are among the allowed ones.
func restrict(key any, allowed []string) ([]string, error) {
	algorithms, err := algorithmsOf(key)
	if err != nil {
		return nil, err
	}
	var common []string
	for _, alg := range algorithms {
		if slices.Contains(allowed, alg) {
			common = append(common, alg)
		}
	}
	if len(common) > 0 {
		return common, nil
	}
	kind := "a key for " + strings.Join(algorithms, ", ")
	if elliptic, ok := key.(*ecdsa.PublicKey); ok {
		kind = "an elliptic key on " + elliptic.Curve.Params().Name
	}
	return nil, fmt.Errorf("%s is not supported with the algorithms %s", kind, strings.Join(allowed, ", "))
}
