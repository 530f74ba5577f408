// Package contract embeds the OpenAPI documents of the recording API and the control API, which are this project's own. The
// overlays and the code generator's other configurations are in this folder too. Its tests check the content of the embedded
// documents.
package contract

import (
	"bytes"
	_ "embed"
)

// RecordingPath is the path of the recording operations: RecordingPath itself records one deployment, and RecordingPath with
// /batch many. No other line of code names it. If upstream adopts an operation at this path, ours move by changing this
// line, the paths in openapi.recording.yaml and the documentation (docs/following-upstream.md).
const RecordingPath = "/v1/deployments"

//go:embed openapi.recording.yaml
var recordingOpenAPI []byte

// RecordingOpenAPI returns a copy of the recording API's document: the bytes that GET /openapi.recording.yaml serves.
func RecordingOpenAPI() []byte { return bytes.Clone(recordingOpenAPI) }

//go:embed openapi.control.yaml
var controlOpenAPI []byte

// ControlOpenAPI returns a copy of the control API's document: the bytes that GET /openapi.control.yaml serves.
func ControlOpenAPI() []byte { return bytes.Clone(controlOpenAPI) }
