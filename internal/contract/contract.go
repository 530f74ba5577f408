// Package contract embeds the OpenAPI document of the recording API, which is this project's own. The overlays and the
// code generator's other configurations are in this folder too. Its tests check the content of the embedded documents.
package contract

import (
	"bytes"
	_ "embed"
)

//go:embed openapi.recording.yaml
var recordingOpenAPI []byte

// RecordingOpenAPI returns a copy of the recording API's document: the bytes that GET /openapi.recording.yaml serves.
func RecordingOpenAPI() []byte { return bytes.Clone(recordingOpenAPI) }
