package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// classify returns nil for a 200, a *retryableError, a rejection, or an error for an unexpected server.
func (c *apiClient) classify(response *http.Response, body []byte) error {
	status := response.StatusCode
	switch {
	case status == http.StatusOK:
		return nil
	case mayBeRetried(response, body):
		return &retryableError{
			reason:     fmt.Sprintf("%s responded %s", c.base, c.describe(status, body, "; ")),
			after:      retryAfter(response.Header, time.Now()),
			unrecorded: isUnrecorded(status, body),
		}
	case status >= 400: // 501 and 505 too: no later try can succeed
		text := c.describe(status, body, "\n  ")
		if status < 500 && messageOf(body) == "" {
			text += " (not an error of this API: is --url right?)"
		}
		return exitError{errors.New("the server rejected the request: " + text), exitRejected}
	case status >= 300:
		return fmt.Errorf("%s redirects to %q, and the token is not sent to other URLs: if that is the server, set --url",
			c.base, c.printable(response.Header.Get("Location")))
	default:
		return fmt.Errorf("%s responded %d, which is not a response of this API: is --url right?", c.base, status)
	}
}

// mayBeRetried reports whether a later try of the same request can succeed.
func mayBeRetried(response *http.Response, body []byte) bool {
	switch status := response.StatusCode; status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusConflict:
		return response.Header.Get("Retry-After") != "" || isAborted(body)
	case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return false
	default:
		return status >= 500
	}
}

// isUnrecorded reports whether a response that may be retried proves that the request changed nothing. A 503 proves it only
// with the message of a server that has not begun: the database may have become unavailable during a commit.
func isUnrecorded(status int, body []byte) bool {
	switch status {
	case http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	case http.StatusServiceUnavailable:
		return messageOf(body) == (&deployments.OverloadError{}).Error()
	}
	return false
}

// messageOf returns the message of an error of this API, or "".
func messageOf(body []byte) string {
	var problem struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(body, &problem)
	return problem.Message
}

// isAborted reports whether the body of a 409 has the gRPC code of a transaction that met other writers (R3), as opposed
// to that of a state that a repetition does not change.
func isAborted(body []byte) bool {
	const aborted = 10
	var problem struct {
		Code int `json:"code"`
	}
	return json.Unmarshal(body, &problem) == nil && problem.Code == aborted
}

// describe returns the status with the message and the details of the body, separated by separator.
func (c *apiClient) describe(status int, body []byte, separator string) string {
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	var problem struct {
		Message string           `json:"message"`
		Details []jsontext.Value `json:"details"`
	}
	if err := json.Unmarshal(body, &problem); err != nil || problem.Message == "" {
		return text
	}
	text += ": " + c.printable(problem.Message)
	if status == http.StatusNotFound {
		text += " (is --url right?)"
	}
	shown := problem.Details[:min(len(problem.Details), maxDetails)]
	for _, detail := range shown {
		line := string(detail)
		if json.Unmarshal(detail, &line) != nil {
			_ = detail.Compact() // it is valid JSON
			line = string(detail)
		}
		if field, violation, found := strings.Cut(line, ":"); found && c.flagNames[field] != "" {
			line = c.flagNames[field] + ":" + violation
		}
		text += separator + c.printable(line)
	}
	if more := len(problem.Details) - len(shown); more > 0 {
		text += fmt.Sprintf("%sand %d more", separator, more)
	}
	return text
}

// maxDetails is the maximum number of details of an error that are printed; the server sends at most as many (R3).
const maxDetails = 20

// maxPrintable limits one text of a server's error, in characters.
const maxPrintable = 1000

// printable makes a server's text safe for a terminal and a pipeline's log: without control characters, shortened, and
// without the token, which a proxy may echo.
func (c *apiClient) printable(text string) string {
	if c.token != "" {
		text = strings.ReplaceAll(text, c.token, "(the token)")
	}
	text = visible(text)
	if runes := []rune(text); len(runes) > maxPrintable {
		text = string(runes[:maxPrintable]) + "…"
	}
	return text
}

// escapeInvisible writes the characters of a JSON text that visible replaces as \u escapes: the text has the same value.
func escapeInvisible(text []byte) []byte {
	var escaped []byte
	for _, r := range string(text) { // invalid bytes become the replacement character
		switch {
		case r < utf8.RuneSelf || unicode.IsGraphic(r):
			escaped = utf8.AppendRune(escaped, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			escaped = fmt.Appendf(escaped, `\u%04x\u%04x`, high, low)
		default:
			escaped = fmt.Appendf(escaped, `\u%04x`, r)
		}
	}
	return escaped
}

// zeroWidthJoiner joins two emoji to one, such as the members of a family.
const zeroWidthJoiner = '\u200d'

// visible replaces characters that move a terminal's cursor or break a line, or that a reader does not see.
func visible(text string) string {
	runes := []rune(text)
	shown := slices.Clone(runes)
	for i, r := range runes {
		if !unicode.IsGraphic(r) && (r != zeroWidthJoiner || !joinsEmoji(runes[:i], runes[i+1:])) {
			shown[i] = unicode.ReplacementChar
		}
	}
	return string(shown)
}

// joinsEmoji reports whether an emoji, with or without a variation selector or a skin tone, is before and another one after.
func joinsEmoji(before, after []rune) bool {
	const variation = '\ufe0f'
	for len(before) > 0 && (before[len(before)-1] == variation || unicode.Is(unicode.Sk, before[len(before)-1])) {
		before = before[:len(before)-1]
	}
	return len(before) > 0 && unicode.Is(unicode.So, before[len(before)-1]) && len(after) > 0 && unicode.Is(unicode.So, after[0])
}
