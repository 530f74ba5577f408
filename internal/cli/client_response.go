package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// judge says what an answer that is not a 200 means: a *setback, a refusal, or a server that is not what was expected.
func (c *caller) judge(response *http.Response, body []byte) error {
	status := response.StatusCode
	switch {
	case status == http.StatusOK:
		return nil
	case status == http.StatusTooManyRequests || status >= 500:
		return &setback{
			reason: fmt.Sprintf("%s answered %s", c.base, c.told(status, body, "; ")),
			after:  retryAfter(response.Header, time.Now()),
		}
	case status >= 400:
		return exitError{errors.New("the server refused it: " + c.told(status, body, "\n  ")), exitRefused}
	case status >= 300:
		return fmt.Errorf("%s redirects to %q, and a token follows no redirect: if that is the server, say so with --url",
			c.base, c.printable(response.Header.Get("Location")))
	default:
		return fmt.Errorf("%s answered %d, which is no answer of this API: is --url right?", c.base, status)
	}
}

// told gives the status with what the body says of it: the message, and the details one a line or so.
func (c *caller) told(status int, body []byte, between string) string {
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	var problem struct {
		Message string            `json:"message"`
		Details []json.RawMessage `json:"details"`
	}
	if err := json.Unmarshal(body, &problem); err != nil || problem.Message == "" {
		if status < 500 {
			text += " (not in the words of this API: is --url right?)"
		}
		return text
	}
	text += ": " + c.printable(problem.Message)
	if status == http.StatusNotFound {
		text += " (is --url right?)"
	}
	for _, raw := range problem.Details {
		var detail string
		if json.Unmarshal(raw, &detail) != nil {
			detail = string(compact(raw))
		}
		text += between + c.printable(detail)
	}
	return text
}

// maxTold is how much of one text of a server's error is printed, in characters.
const maxTold = 1000

// printable makes a text of a server fit for a terminal and for a pipeline's log: no control characters, no end of it
// that never comes, and no token, which a proxy that echoes requests may put there.
func (c *caller) printable(text string) string {
	if c.token != "" {
		text = strings.ReplaceAll(text, c.token, "(the token)")
	}
	text = visible(text)
	if runes := []rune(text); len(runes) > maxTold {
		text = string(runes[:maxTold]) + "…"
	}
	return text
}

// visible replaces what would move a terminal's cursor, or break a line.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

func compact(raw json.RawMessage) []byte {
	var buffer bytes.Buffer
	if err := json.Compact(&buffer, raw); err != nil {
		return raw // it was cut out of a document that was read
	}
	return buffer.Bytes()
}
