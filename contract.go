// Package deployrecords embeds upstream's OpenAPI document, byte for byte.
package deployrecords

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
)

//go:embed openapi.yaml
var openAPI []byte

// OpenAPI returns a copy of upstream's document: the bytes that GET /openapi.yaml serves, that requests are validated
// against and that the generated code comes from.
func OpenAPI() []byte { return bytes.Clone(openAPI) }

// ContractDigest returns the digest of upstream's document, as "sha256:" and 64 hex digits.
func ContractDigest() string {
	sum := sha256.Sum256(openAPI)
	return "sha256:" + hex.EncodeToString(sum[:])
}
