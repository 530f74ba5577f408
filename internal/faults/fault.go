package faults

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Kind is a kind of fault.
type Kind string

// The kinds of faults.
const (
	// Status is an error response in its schema; the request has no effect.
	Status Kind = "status"
	// DelayOnly delays the request and leaves its response as it is.
	DelayOnly Kind = "delay"
	// Trickle sends the response in small pieces.
	Trickle Kind = "trickle"
	// Truncate closes the connection in the middle of the body.
	Truncate Kind = "truncate"
	// Reset closes the connection with a TCP reset; the request has no effect.
	Reset Kind = "reset"
	// MalformedJSON ends the JSON in its middle, in a complete response.
	MalformedJSON Kind = "malformed-json"
	// ContentType gives the response another Content-Type.
	ContentType Kind = "content-type"
)

// Kinds has all kinds.
var Kinds = []Kind{Status, DelayOnly, Trickle, Truncate, Reset, MalformedJSON, ContentType}

// Fault is a failure, and the requests that have it.
type Fault struct {
	Kind  Kind
	Match Match
	// Times is how many requests have the fault; 0 is no limit.
	Times int
	// Delay comes before everything else, with every kind.
	Delay Delay

	// Status, RetryAfter and Message are of the kind Status, which only operations have whose document has the status. RetryAfter is for 429 and 503; 0 leaves the header out.
	Status     int
	RetryAfter time.Duration
	Message    string
	// Bytes are those of each piece (Trickle), or of the body that is sent (Truncate); nil is 16, or half of the body.
	Bytes *int
	// Pause is the time between two pieces (Trickle); 0 is 100ms.
	Pause time.Duration
	// ContentType is of the kind ContentType; empty is text/html.
	ContentType string
}

// Match selects requests. Its zero fields select all of them, except that an empty path selects those below /v1, and an empty
// method those that are not OPTIONS: browsers send these on their own.
type Match struct {
	Method, Path string
	// Query has parameters that the request must have, with these values.
	Query url.Values
	// Nth is the first matching request that has the fault, counted from 1; 0 is 1.
	Nth int
}

// Selects reports whether the fields except Nth select a request.
func (m *Match) Selects(r *http.Request) bool {
	return m.selects(r.Method, r.URL.Path) && HasParameters(r.URL.RawQuery, m.Query)
}

func (m *Match) selects(method, path string) bool {
	switch {
	case m.Method == "" && method == http.MethodOptions, m.Method != "" && m.Method != method:
		return false
	case m.Path == "" && !strings.HasPrefix(path, "/v1/"), m.Path != "" && m.Path != path:
		return false
	}
	return true
}

// HasParameters reports whether a raw query has every wanted parameter with its values.
func HasParameters(raw string, wanted url.Values) bool {
	if len(wanted) == 0 {
		return true
	}
	query, _ := url.ParseQuery(raw) // what is malformed is not what is wanted
	for name, values := range wanted {
		for _, value := range values {
			if !slices.Contains(query[name], value) {
				return false
			}
		}
	}
	return true
}

// MaxDelay is the longest delay or pause.
const MaxDelay = 10 * time.Minute

// check returns what is wrong with a fault by itself, by the members of the control document.
func (f *Fault) check() (violations []deployments.Violation) {
	add := func(field, format string, args ...any) {
		violations = append(violations, deployments.Violation{Field: field, Message: fmt.Sprintf(format, args...)})
	}
	if !slices.Contains(Kinds, f.Kind) {
		add("kind", "%s", unknownName(string(f.Kind), texts(Kinds)))
		return violations
	}
	only := func(field string, given bool, kinds ...Kind) {
		if given && !slices.Contains(kinds, f.Kind) {
			add(field, "goes with the kind %s, not with %s", strings.Join(texts(kinds), " or "), f.Kind)
		}
	}
	only("status", f.Status != 0, Status)
	only("retry_after", f.RetryAfter != 0, Status)
	only("message", f.Message != "", Status)
	only("bytes", f.Bytes != nil, Trickle, Truncate)
	only("pause", f.Pause != 0, Trickle)
	only("content_type", f.ContentType != "", ContentType)
	switch f.Kind {
	case Status:
		if !slices.Contains(api.Statuses(), f.Status) {
			add("status", "%d is not an error of the API: those are %s", f.Status, joinInts(api.Statuses()))
		}
	case DelayOnly:
		if f.Delay == (Delay{}) {
			add("delay", "is missing")
		}
	case Trickle:
		if f.Bytes != nil && *f.Bytes < 1 {
			add("bytes", "%d is less than 1", *f.Bytes)
		}
		if f.Pause < 0 || f.Pause > MaxDelay {
			add("pause", "%s is not from 0s to %s", f.Pause, MaxDelay)
		}
	}
	if f.Bytes != nil && *f.Bytes < 0 {
		add("bytes", "%d is less than 0", *f.Bytes)
	}
	if f.Times < 0 {
		add("times", "%d is less than 0", f.Times)
	}
	if f.Match.Nth < 0 {
		add("match.nth", "%d is less than 1", f.Match.Nth)
	}
	if f.Match.Path != "" && f.Match.Path[0] != '/' {
		add("match.path", "%s does not begin with a slash", deployments.Quote(f.Match.Path))
	}
	if strings.ContainsAny(f.Match.Path, "?#") {
		add("match.path", "%s has a query, which is match.query", deployments.Quote(f.Match.Path))
	}
	if f.Match.Method != strings.ToUpper(f.Match.Method) {
		add("match.method", "%s is not in upper case", deployments.Quote(f.Match.Method))
	}
	if strings.ContainsAny(f.ContentType, "\r\n\x00") {
		add("content_type", "has a control character")
	}
	return append(violations, f.Delay.check()...)
}

// unknownName describes a name that is none of the known ones.
func unknownName(name string, known []string) string {
	if name == "" {
		return "is missing: the kinds are " + strings.Join(known, ", ")
	}
	message := deployments.Quote(name) + " is not one of " + strings.Join(known, ", ")
	if nearest := deployments.Nearest(name, known); nearest != "" {
		message += "; the nearest one is " + nearest
	}
	return message
}

func texts(kinds []Kind) []string {
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = string(kind)
	}
	return names
}

func joinInts(numbers []int) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(numbers), " ", ", "), "[]")
}
