package faults

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// preferredRetryAfter is the Retry-After of an error that the header Prefer selects.
const preferredRetryAfter = time.Second

// preferences are what the header Prefer (RFC 7240) of a request selects, in the words of other stand-ins: code=503 is an
// error, and dynamic=false the example of the document.
type preferences struct {
	code      int
	isExample bool
}

// parsePrefer reads the header. It ignores preferences that it does not know and, of several with one name, all except the first,
// as RFC 7240 requires. An error completes the sentence "Prefer: ...".
func parsePrefer(header http.Header) (p preferences, err error) {
	seen := map[string]bool{}
	for _, item := range splitUnquoted(strings.Join(header.Values("Prefer"), ","), ',') {
		name, value, _ := strings.Cut(splitUnquoted(item, ';')[0], "=") // without its parameters
		name, value = strings.ToLower(strings.TrimSpace(name)), strings.Trim(strings.TrimSpace(value), `"`)
		if seen[name] {
			continue
		}
		seen[name] = true
		switch name {
		case "code":
			if p.code, err = strconv.Atoi(value); err != nil || p.code != http.StatusOK && !slices.Contains(api.Statuses(), p.code) {
				return p, fmt.Errorf("code=%s is neither 200 nor an error of the API: those are %s", deployments.Quote(value), joinInts(api.Statuses()))
			}
		case "dynamic":
			if value != "true" && value != "false" {
				return p, fmt.Errorf("dynamic=%s is neither true nor false", deployments.Quote(value))
			}
			p.isExample = value == "false"
		}
	}
	return p, nil
}

// splitUnquoted splits a text at each separator that is not within quotes.
func splitUnquoted(text string, separator byte) (parts []string) {
	start, isQuoted := 0, false
	for i := 0; i < len(text); i++ {
		switch {
		case isQuoted && text[i] == '\\':
			i++ // the next byte is escaped
		case text[i] == '"':
			isQuoted = !isQuoted
		case text[i] == separator && !isQuoted:
			parts = append(parts, text[start:i])
			start = i + 1
		}
	}
	return append(parts, text[start:])
}

// servePreferred answers a request without a fault.
func (s *Set) servePreferred(server http.Handler, w http.ResponseWriter, r *http.Request) {
	p, err := parsePrefer(r.Header)
	operation := s.operations[r.Method+" "+r.URL.Path]
	if err == nil && p.code != http.StatusOK && !operation.hasStatus(p.code) {
		err = fmt.Errorf("code=%d is not an error of %s %s: those are %s", p.code, r.Method, r.URL.Path, joinInts(operation.Errors))
	}
	switch {
	case err != nil:
		r = withProblem(r, api.BadRequest([]string{"Prefer: " + err.Error()}))
	case p.code != 0 && p.code != http.StatusOK:
		r = withProblem(r, newProblem(p.code, preferredRetryAfter))
	case p.isExample && operation != nil && operation.Example != nil:
		response := newBuffer()
		server.ServeHTTP(response, withoutEncoding(r))
		body := response.body.Bytes()
		if response.status == http.StatusOK {
			body = operation.Example
		}
		response.begin(w, len(body))
		_, _ = w.Write(body)
		return
	}
	server.ServeHTTP(w, r)
}
