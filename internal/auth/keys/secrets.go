package keys

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode"
)

// minSecretBytes is the output size of SHA-256: RFC 7518 section 3.2
// forbids a shorter key for HS256.
const minSecretBytes = 32

// CheckSecretBytes checks an HMAC secret. Its error does not contain it. A
// PEM text is refused because a public key is known to everyone: as an HMAC
// secret it would let everyone sign (rule T1).
func CheckSecretBytes(secret []byte) error {
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
	return CheckSecretBytes(secret)
}

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
