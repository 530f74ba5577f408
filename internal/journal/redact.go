package journal

import (
	"net/http"
	"regexp"
	"strings"
)

// notShown replaces a secret.
const notShown = "(not shown)"

// token matches the beginning of a signed or encrypted token with what follows it: a body that is cut may end within one.
var token = regexp.MustCompile(`eyJ[\w-]{8,}(\.[\w-]*)*`)

// redact replaces tokens in a text, and makes it valid UTF-8.
func redact(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if !strings.Contains(text, "eyJ") { // bodies are long, and few have a token
		return text
	}
	return token.ReplaceAllLiteralString(text, notShown)
}

// secretHeaders have a secret as their value.
var secretHeaders = map[string]bool{"Authorization": true, "Proxy-Authorization": true, "Cookie": true, "Set-Cookie": true}

// redactHeader returns a copy of a header without secrets. A value that begins with the scheme Bearer or Basic keeps it, so
// that tests can see that a token was sent.
func redactHeader(header http.Header) http.Header {
	copied := make(http.Header, len(header))
	for name, values := range header {
		for _, value := range values {
			shown := redact(value)
			if secretHeaders[name] {
				shown = notShown
				if scheme, _, found := strings.Cut(value, " "); found && (strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "Basic")) {
					shown = scheme + " " + notShown
				}
			}
			copied[redact(name)] = append(copied[redact(name)], shown)
		}
	}
	return copied
}
