package httpserver

import (
	"fmt"
	"io"
)

// maxTokenBytes limits a name or a value in a body, with the white space before it. A valid name has at most 256 characters;
// escaped, they take 3 KiB.
const maxTokenBytes = 256 << 10

// firstBodyBytes is the size of the first buffer for a body.
const firstBodyBytes = 16 << 10

// bodySource reads a body and keeps its text. The text grows with what has arrived: a slow sender that declares a long body
// takes no memory for it.
type bodySource struct {
	from   io.Reader
	length int64 // declared, or -1
	// hold takes bytes of the budget for bodies, or returns an error.
	hold func(bytes int) error
	text []byte
	// tokenEnd is the end of the last token that was decoded.
	tokenEnd int64
	// err is the first error other than the end of the body.
	err error
	// long reports that a token has more than maxTokenBytes.
	long bool
}

// Read implements io.Reader for the decoder.
func (s *bodySource) Read(p []byte) (int, error) {
	pending := int(int64(len(s.text)) - s.tokenEnd)
	if s.long = pending > maxTokenBytes; s.long {
		return 0, fmt.Errorf("a name or value has more than %d bytes", maxTokenBytes)
	}
	n, err := s.from.Read(p[:min(len(p), maxTokenBytes+1-pending)])
	if err != nil && err != io.EOF {
		s.err = err
		return 0, err
	}
	if held := s.hold(n); held != nil {
		s.err = held
		return 0, held
	}
	s.keep(p[:n])
	return n, err
}

// keep appends to the text, whose buffer doubles up to the declared length.
func (s *bodySource) keep(p []byte) {
	if needed := len(s.text) + len(p); needed > cap(s.text) {
		size := max(needed, 2*cap(s.text), firstBodyBytes)
		if s.length >= int64(needed) {
			size = min(size, int(s.length))
		}
		s.text = append(make([]byte, 0, size), s.text...)
	}
	s.text = append(s.text, p...)
}
