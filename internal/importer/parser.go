package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// parser parses lines token by token and reports every violation: decoding into a struct would stop at the first one,
// and would accept null and names in another case.
//
// The decoder accepts duplicate names, invalid UTF-8 and lone surrogates, which would end decoding; the parser checks
// them itself.
type parser struct {
	clock   func() time.Time
	decoder *jsontext.Decoder
	buffer  bytes.Buffer
	text    []byte // the last unquoted string

	// The state of the current line:
	number     int
	violations []*deployments.ImportViolation
	stopped    bool // the rest of the line cannot or need not be parsed
	draft      draft
}

func newParser(clock func() time.Time) *parser {
	return &parser{clock: clock, decoder: new(jsontext.Decoder)}
}

// line returns the entry of a line, or its violations.
func (p *parser) line(number int, text []byte) (deployments.ImportEntry, []*deployments.ImportViolation) {
	p.number, p.violations, p.stopped = number, nil, false
	p.draft = draft{entry: deployments.ImportEntry{Line: number}}
	p.buffer = *bytes.NewBuffer(text)
	p.decoder.Reset(&p.buffer, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

	var root jsonPath
	if kind := p.decoder.PeekKind(); kind != jsontext.KindBeginObject {
		if p.skip(root) {
			p.report(root, "is %s, not a JSON object", kindName(kind))
		}
		return deployments.ImportEntry{}, p.violations
	}
	p.object(root, recordMembers)
	if !p.stopped {
		if rest := text[p.decoder.InputOffset():]; len(bytes.TrimLeft(rest, " \t\r")) > 0 {
			p.report(root, "has something after its JSON object")
		}
		p.complete()
	}
	return p.draft.entry, p.violations
}

// object parses an object with the members. The decoder is before its opening brace.
func (p *parser) object(at jsonPath, members []member) {
	if _, err := p.decoder.ReadToken(); err != nil {
		p.malformed(at, err)
		return
	}
	var seen uint
	for p.decoder.PeekKind() != jsontext.KindEndObject {
		raw, err := p.decoder.ReadValue()
		if err != nil {
			p.malformed(at, err)
			return
		}
		name, message := p.unquote(raw)
		i := find(members, name)
		switch {
		case message != "":
			p.report(at, "a field's name %s", message)
			p.skip(at)
		case i < 0:
			unknown := at.with(deployments.QuoteName(string(name)))
			p.report(unknown, "is not a known field")
			p.skip(unknown)
		case seen&(1<<i) != 0:
			duplicate := at.with(members[i].name)
			p.report(duplicate, "is given twice")
			p.skip(duplicate)
		default:
			seen |= 1 << i
			p.value(at.with(members[i].name), members[i])
		}
		if p.stopped {
			return
		}
	}
	if _, err := p.decoder.ReadToken(); err != nil {
		p.malformed(at, err)
		return
	}
	for i, m := range members {
		if m.required && seen&(1<<i) == 0 {
			p.report(at.with(m.name), "is missing")
		}
	}
}

// value parses the value of a member. In a member that is not required, null and an empty string are the same as no member.
func (p *parser) value(at jsonPath, m member) {
	switch kind := p.decoder.PeekKind(); {
	case kind == jsontext.KindNull:
		if p.skip(at) && m.required {
			p.report(at, "is null")
		}
	case kind != m.kind:
		if p.skip(at) {
			p.report(at, "is %s, not %s", kindName(kind), kindName(m.kind))
		}
	case m.parse != nil:
		m.parse(p, at)
	default:
		raw, err := p.decoder.ReadValue()
		if err != nil {
			p.malformed(at, err)
			return
		}
		text, message := p.unquote(raw)
		switch {
		case message != "":
		case len(text) > 0:
			message = m.set(&p.draft, string(text))
		case m.required:
			message = "is empty"
		}
		if message != "" {
			p.report(at, "%s", message)
		}
	}
}

// complete sets absent times, and checks the members that depend on each other.
func (p *parser) complete() {
	d := &p.draft
	r := &d.entry.Record
	nameReported := slices.ContainsFunc(p.violations, func(v *deployments.ImportViolation) bool { return v.Field == "logical_environment_name" })
	if r.LogicalEnvironmentID != "" && r.LogicalEnvironmentName == "" && !nameReported {
		p.report(jsonPath{member: "logical_environment_id"}, "is given without logical_environment_name")
	}
	if d.created == nil {
		return // reported already
	}
	r.CreatedAt = *d.created
	now := p.clock().UTC().Truncate(time.Microsecond)
	for _, given := range []struct {
		name string
		time *time.Time
	}{{"created_at", d.created}, {"updated_at", d.updated}, {"last_seen_at", d.lastSeen}} {
		if given.time != nil && given.time.After(now.Add(deployments.MaxAhead)) {
			p.report(jsonPath{member: given.name}, "%s is more than a minute ahead of the clock, %s", formatTime(*given.time), formatTime(now))
		}
	}
	r.UpdatedAt = p.notBefore(r.CreatedAt, d.updated, "updated_at")
	r.LastSeenAt = p.notBefore(r.CreatedAt, d.lastSeen, "last_seen_at")
}

// notBefore returns t, or created if t is absent, and reports a t before created.
func (p *parser) notBefore(created time.Time, t *time.Time, name string) time.Time {
	if t == nil {
		return created
	}
	if t.Before(created) {
		p.report(jsonPath{member: name}, "%s is before created_at, %s", formatTime(*t), formatTime(created))
	}
	return *t
}

// skip skips a value, and reports whether it is valid JSON.
func (p *parser) skip(at jsonPath) bool {
	if p.stopped {
		return false
	}
	if err := p.decoder.SkipValue(); err != nil {
		p.malformed(at, err)
		return false
	}
	return true
}

// unquote returns the value of a JSON string, valid until the next call, or why a database cannot store it.
func (p *parser) unquote(raw jsontext.Value) (text []byte, message string) {
	text, err := jsontext.AppendUnquote(p.text[:0], raw)
	p.text = text
	quoted := raw[1 : len(raw)-1]
	switch {
	case err == nil && bytes.IndexByte(text, 0) < 0:
		return text, ""
	case err == nil:
		return nil, deployments.Quote(string(text)) + " has a NUL character"
	case !utf8.Valid(quoted):
		return nil, deployments.Quote(string(quoted)) + " is not valid UTF-8"
	default:
		return nil, deployments.Quote(string(quoted)) + " has half of a surrogate pair"
	}
}

// report adds a violation. Parsing stops at the maximum number of violations.
func (p *parser) report(at jsonPath, format string, args ...any) {
	if p.stopped {
		return
	}
	p.violations = append(p.violations, &deployments.ImportViolation{Line: p.number, Field: at.String(), Message: fmt.Sprintf(format, args...)})
	p.stopped = len(p.violations) == deployments.MaxImportViolations
}

// malformed reports that the rest of the line is not JSON, and stops.
func (p *parser) malformed(at jsonPath, err error) {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		p.report(at, "is not JSON: the line ends too early")
	case errors.As(err, &syntax) && syntax.Err != nil:
		p.report(at, "is not JSON: %v, at byte %d of the line", syntax.Err, syntax.ByteOffset+1)
	default:
		p.report(at, "is not JSON: %v", err)
	}
	p.stopped = true
}

// jsonPath locates a value in a line. It becomes text only for a violation.
type jsonPath struct {
	object  string // the member that has the object; empty for the line itself
	element int    // the object's number in an array, from 1; 0 if there is no array
	member  string
}

// with returns the path of a member of the same object.
func (p jsonPath) with(member string) jsonPath {
	p.member = member
	return p
}

// String returns a text such as artifact.digest or project_versions[1].project_name.
func (p jsonPath) String() string {
	object := p.object
	if p.element > 0 {
		object = fmt.Sprintf("%s[%d]", object, p.element-1)
	}
	if object == "" || p.member == "" {
		return object + p.member
	}
	return object + "." + p.member
}

func kindName(kind jsontext.Kind) string {
	switch kind {
	case jsontext.KindString:
		return "a string"
	case jsontext.KindNumber:
		return "a number"
	case jsontext.KindTrue, jsontext.KindFalse:
		return "a boolean"
	case jsontext.KindBeginObject:
		return "an object"
	case jsontext.KindBeginArray:
		return "an array"
	default:
		return "null"
	}
}
