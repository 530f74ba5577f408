package importer

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// utf16Reader decodes UTF-16 to UTF-8, as shells and editors on Windows write files. It turns half of a surrogate pair into
// bytes that are not UTF-8: the parser then reports the field.
type utf16Reader struct {
	in    *bufio.Reader
	order binary.ByteOrder
	// text holds decoded bytes that Read has not returned yet, and err the error after them.
	text []byte
	err  error
	// unit is a code unit that was read ahead.
	unit    uint16
	hasUnit bool
}

func (r *utf16Reader) Read(p []byte) (int, error) {
	for len(r.text) < len(p) && r.err == nil {
		r.decode()
	}
	n := copy(p, r.text)
	r.text = append(r.text[:0], r.text[n:]...)
	if len(r.text) > 0 {
		return n, nil
	}
	return n, r.err
}

// decode appends the next character to the text, or sets the error.
func (r *utf16Reader) decode() {
	first, err := r.next()
	if err != nil {
		r.err = err
		return
	}
	if !utf16.IsSurrogate(rune(first)) {
		r.text = utf8.AppendRune(r.text, rune(first))
		return
	}
	second, err := r.next()
	if err == nil {
		if character := utf16.DecodeRune(rune(first), rune(second)); character != utf8.RuneError {
			r.text = utf8.AppendRune(r.text, character)
			return
		}
		r.unit, r.hasUnit = second, true
	}
	r.text = append(r.text, 0xe0|byte(first>>12), 0x80|byte(first>>6&0x3f), 0x80|byte(first&0x3f))
	r.err = err
}

// next returns the next code unit.
func (r *utf16Reader) next() (uint16, error) {
	if r.hasUnit {
		r.hasUnit = false
		return r.unit, nil
	}
	first, err := r.in.ReadByte()
	if err != nil {
		return 0, err
	}
	second, err := r.in.ReadByte()
	if errors.Is(err, io.EOF) {
		err = errors.New("the UTF-16 text ends within a character")
	}
	return r.order.Uint16([]byte{first, second}), err
}
