package bodies

import (
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// checkContentType returns a 415 unless the body is JSON in UTF-8 without a content encoding. It names what was received.
func checkContentType(header http.Header) error {
	reject := func(format string, args ...any) error {
		return &api.Problem{Status: http.StatusUnsupportedMediaType, Message: fmt.Sprintf(format, args...)}
	}
	types := header.Values("Content-Type")
	if len(types) != 1 || types[0] == "" {
		if len(types) > 1 {
			return reject("Content-Type: is given %d times; application/json is accepted once", len(types))
		}
		return reject("Content-Type: is missing; application/json is accepted")
	}
	mediaType, parameters, err := mime.ParseMediaType(types[0])
	charset := parameters["charset"]
	if err != nil || mediaType != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return reject("Content-Type: %s is not application/json in UTF-8", deployments.Quote(types[0]))
	}
	if encoding := strings.Join(header.Values("Content-Encoding"), ", "); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return reject("Content-Encoding: %s is not accepted; send the body without an encoding", deployments.Quote(encoding))
	}
	return nil
}
