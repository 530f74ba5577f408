package journal

import (
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// notShown replaces a secret.
const notShown = "(not shown)"

// escaped is a letter, a digit, - or _ in hexadecimal, as a URL or JSON escapes them.
const escaped = `(?:%|\\u00)(?:2[Dd]|3\d|4[1-9A-Fa-f]|5[\dAaFf]|6[1-9A-Fa-f]|7[\dAa])`

// token matches the beginning of a signed or encrypted token with what follows it: a body that is cut may end within one.
var token = regexp.MustCompile(`(?:e|(?:%|\\u00)65)(?:y|(?:%|\\u00)79)(?:J|(?:%|\\u00)4[Aa])` +
	`(?:[\w-]|` + escaped + `){8,}(?:(?:\.|(?:%|\\u00)2[Ee])(?:[\w-]|` + escaped + `)*)*`)

// tokenBegins has parts of which each token has one: the search for a token is slow, bodies are long, and few have one.
var tokenBegins = []string{"eyJ", "%65", "%79", "%4", `\u00`}

// redact replaces tokens in a text, and makes it valid UTF-8.
func redact(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if !slices.ContainsFunc(tokenBegins, func(part string) bool { return strings.Contains(text, part) }) {
		return text
	}
	return token.ReplaceAllLiteralString(text, notShown)
}

// secretMembers have a secret as their value, in queries and forms: OAuth has most of these names.
var secretMembers = []string{
	"access_token", "id_token", "refresh_token", "token", "code", "state", "password", "client_secret",
}

// redactMembers replaces tokens and the values of secret members in a query or a form.
func redactMembers(text string) string {
	members := strings.Split(text, "&")
	for i, member := range members {
		name, _, found := strings.Cut(member, "=")
		if decoded, err := url.QueryUnescape(name); err == nil && found && slices.Contains(secretMembers, strings.ToLower(decoded)) {
			members[i] = name + "=" + notShown
		}
	}
	return redact(strings.Join(members, "&"))
}

// redactBody replaces tokens in a body and, if it is a form, the values of secret members.
func redactBody(header http.Header, body string) string {
	if mediaType, _, err := mime.ParseMediaType(header.Get("Content-Type")); err == nil && mediaType == "application/x-www-form-urlencoded" {
		return redactMembers(body)
	}
	return redact(body)
}

// redactURL replaces tokens in a URL, and the values of secret members in its query.
func redactURL(text string) string {
	if path, query, found := strings.Cut(text, "?"); found {
		return redact(path) + "?" + redactMembers(query)
	}
	return redact(text)
}

// secretNames are parts of the names of headers that have a secret as their value.
var secretNames = []string{"authorization", "cookie", "token", "api-key", "secret"}

func isSecretHeader(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(secretNames, func(part string) bool { return strings.Contains(name, part) })
}

// redactHeader returns a copy of a header without secrets. A value that begins with the scheme Bearer or Basic keeps it, so
// that tests can see that a token was sent.
func redactHeader(header http.Header) http.Header {
	copied := make(http.Header, len(header))
	for name, values := range header {
		for _, value := range values {
			shown := redact(value)
			switch {
			case isSecretHeader(name):
				shown = notShown
				if scheme, _, found := strings.Cut(value, " "); found && (strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "Basic")) {
					shown = scheme + " " + notShown
				}
			case name == "Location" || name == "Referer": // of a login
				shown = redactURL(value)
			}
			copied[redact(name)] = append(copied[redact(name)], shown)
		}
	}
	return copied
}
