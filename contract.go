// Package deployrecords carries the contracts that this module serves: upstream's OpenAPI document, to the byte, and
// the one of its own for recording.
package deployrecords

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
)

//go:embed openapi.yaml
var openAPI []byte

//go:embed openapi.recording.yaml
var recordingOpenAPI []byte

// RecordingOpenAPI returns a copy of the document of this project's own recording API. It is what
// GET /openapi.recording.yaml answers.
func RecordingOpenAPI() []byte {
	return append([]byte(nil), recordingOpenAPI...)
}

// OpenAPI returns a copy of upstream's document. It is what GET /openapi.yaml answers and what requests are
// validated against; the generated code comes from the same bytes.
func OpenAPI() []byte {
	return append([]byte(nil), openAPI...)
}

// ContractDigest tells which document this build serves, as "sha256:" and 64 hex digits.
func ContractDigest() string {
	sum := sha256.Sum256(openAPI)
	return "sha256:" + hex.EncodeToString(sum[:])
}
