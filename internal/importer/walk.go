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

// walk goes through one line after the other, token by token, and notes whatever is wrong: decoding into a struct
// would stop at the first fault, and would forgive names in another case and null.
//
// The decoder lets duplicate names, invalid UTF-8 and lone surrogates pass, because it could tell only the first of
// them and not go on; the walk judges them itself.
type walk struct {
	now    time.Time
	dec    *jsontext.Decoder
	buffer bytes.Buffer
	text   []byte // a string's value, unquoted

	// Of the line at hand:
	number  int
	faults  []*deployments.ImportViolation
	stopped bool // there is no sense in reading on
	draft   draft
}

func newWalk(now time.Time) *walk {
	return &walk{now: now, dec: new(jsontext.Decoder)}
}

// line reads the entry of a line, or what is wrong with it.
func (w *walk) line(number int, text []byte) (deployments.ImportEntry, []*deployments.ImportViolation) {
	w.number, w.faults, w.stopped = number, nil, false
	w.draft = draft{entry: deployments.ImportEntry{Line: number}}
	w.buffer = *bytes.NewBuffer(text)
	w.dec.Reset(&w.buffer, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

	var whole place
	if kind := w.dec.PeekKind(); kind != jsontext.KindBeginObject {
		if w.skip(whole) {
			w.fault(whole, "is %s, not a JSON object", kindName(kind))
		}
		return deployments.ImportEntry{}, w.faults
	}
	w.object(whole, recordRules)
	if !w.stopped {
		if rest := text[w.dec.InputOffset():]; len(bytes.TrimLeft(rest, " \t\r")) > 0 {
			w.fault(whole, "has something after its JSON object")
		}
		w.compare()
	}
	return w.draft.entry, w.faults
}

// object reads an object whose members are to follow the rules. The decoder stands before its brace.
func (w *walk) object(at place, rules []rule) {
	if _, err := w.dec.ReadToken(); err != nil {
		w.malformed(at, err)
		return
	}
	var seen uint
	for w.dec.PeekKind() != jsontext.KindEndObject {
		raw, err := w.dec.ReadValue()
		if err != nil {
			w.malformed(at, err)
			return
		}
		name, problem := w.unquote(raw)
		i := find(rules, name)
		switch {
		case problem != "":
			w.fault(at, "a field's name %s", problem)
			w.skip(at)
		case i < 0:
			member := at.member(deployments.QuoteName(string(name)))
			w.fault(member, "is not a known field")
			w.skip(member)
		case seen&(1<<i) != 0:
			member := at.member(rules[i].name)
			w.fault(member, "is given twice")
			w.skip(member)
		default:
			seen |= 1 << i
			w.value(at.member(rules[i].name), rules[i])
		}
		if w.stopped {
			return
		}
	}
	if _, err := w.dec.ReadToken(); err != nil {
		w.malformed(at, err)
		return
	}
	for i, r := range rules {
		if r.required && seen&(1<<i) == 0 {
			w.fault(at.member(r.name), "is missing")
		}
	}
}

// value reads the value of a member that follows the rule. Null is as if the member were absent, and so is an
// empty text unless the member is required.
func (w *walk) value(at place, r rule) {
	switch kind := w.dec.PeekKind(); {
	case kind == jsontext.KindNull:
		if w.skip(at) && r.required {
			w.fault(at, "is missing")
		}
	case kind != r.kind:
		if w.skip(at) {
			w.fault(at, "is %s, not %s", kindName(kind), kindName(r.kind))
		}
	case r.read != nil:
		r.read(w, at)
	default:
		raw, err := w.dec.ReadValue()
		if err != nil {
			w.malformed(at, err)
			return
		}
		text, problem := w.unquote(raw)
		switch {
		case problem != "":
		case len(text) > 0:
			problem = r.take(w, string(text))
		case r.required:
			problem = "is empty"
		}
		if problem != "" {
			w.fault(at, "%s", problem)
		}
	}
}

// skip passes over a value. It is false if that is not JSON.
func (w *walk) skip(at place) bool {
	if w.stopped {
		return false
	}
	if err := w.dec.SkipValue(); err != nil {
		w.malformed(at, err)
		return false
	}
	return true
}

// unquote gives the value of a JSON string, which is good until the next call, or what is wrong with it: some
// strings of JSON are no text that a database could keep.
func (w *walk) unquote(raw jsontext.Value) (text []byte, problem string) {
	text, err := jsontext.AppendUnquote(w.text[:0], raw)
	w.text = text
	asWritten := raw[1 : len(raw)-1]
	switch {
	case err == nil && bytes.IndexByte(text, 0) < 0:
		return text, ""
	case err == nil:
		return nil, deployments.Quote(string(text)) + " has a NUL character"
	case !utf8.Valid(asWritten):
		return nil, deployments.Quote(string(asWritten)) + " is not valid UTF-8"
	default:
		return nil, deployments.Quote(string(asWritten)) + " has half of a surrogate pair"
	}
}

// fault notes what is wrong at a place of the line. More than can be told are not looked for.
func (w *walk) fault(at place, format string, args ...any) {
	if w.stopped {
		return
	}
	w.faults = append(w.faults, &deployments.ImportViolation{Line: w.number, Field: at.String(), Message: fmt.Sprintf(format, args...)})
	w.stopped = len(w.faults) == deployments.MaxImportViolations
}

// faulty says whether a fault of this very field was noted.
func (w *walk) faulty(field string) bool {
	return slices.ContainsFunc(w.faults, func(f *deployments.ImportViolation) bool { return f.Field == field })
}

// malformed notes that the line is no JSON from here on; nothing can be said about the rest of it.
func (w *walk) malformed(at place, err error) {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		w.fault(at, "is not JSON: the line ends too early")
	case errors.As(err, &syntax) && syntax.Err != nil:
		w.fault(at, "is not JSON: %v, at byte %d of the line", syntax.Err, syntax.ByteOffset+1)
	default:
		w.fault(at, "is not JSON: %v", err)
	}
	w.stopped = true
}
