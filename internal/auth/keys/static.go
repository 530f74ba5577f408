package keys

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Static holds keys of the configuration, each under the algorithms that it may verify (rule T1). Any of them may match,
// whether or not a token names a key by kid.
type Static map[string][]any

// AddSecrets files HMAC secrets under HS256. It copies them: the caller may
// wipe its own.
func (k Static) AddSecrets(secrets [][]byte) error {
	var violations []error
	for i, secret := range secrets {
		if err := CheckSecretBytes(secret); err != nil {
			violations = append(violations, fmt.Errorf("HMAC secret %d: %w", i+1, err))
			continue
		}
		k[Secret] = append(k[Secret], bytes.Clone(secret))
	}
	return errors.Join(violations...)
}

// AddPEM files every key of a PEM text under those of the algorithms that it may verify. A key without any is a violation.
func (k Static) AddPEM(text []byte, algorithms []string) error {
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
			var usable []string
			if usable, err = restrict(key, algorithms); err == nil {
				k.add(key, usable)
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

func (k Static) add(key any, algorithms []string) {
	for _, alg := range algorithms {
		k[alg] = append(k[alg], key)
	}
}

// AddJWKS files every usable key of a JWKS under those of the algorithms that it may verify. A set without any is a
// violation.
func (k Static) AddJWKS(text []byte, algorithms []string) error {
	set, ignored, err := ReadSet(text)
	if err != nil {
		return err
	}
	usable := 0
	for _, named := range set {
		for _, key := range named {
			for _, alg := range key.Algorithms {
				if slices.Contains(algorithms, alg) {
					k.add(key.Key, []string{alg})
					usable++
				}
			}
		}
	}
	if usable == 0 {
		return fmt.Errorf("has no key for the algorithms %s; number of other keys: %d", strings.Join(algorithms, ", "), len(set)+ignored)
	}
	return nil
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
