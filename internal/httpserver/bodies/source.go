package bodies

import (
	"fmt"
	"io"
)

// maxTokenBytes limits a name or a value in a body, with the white space before it. A valid name has at most 256 characters;
// escaped, they take 3 KiB.
const maxTokenBytes = 256 << 10

// firstBytes is the size of the first buffer for a body.
const firstBytes = 16 << 10

// receiveBytes is the most that one read of a body takes before the budget for bodies holds it.
const receiveBytes = 64 << 10

// textSource receives a body, keeps its text and feeds it to a decoder. The text grows with what has arrived: a slow sender
// that declares a long body takes no memory for it.
type textSource struct {
	from   io.Reader
	length int64 // declared, or -1
	// hold takes bytes of the budget for bodies, or returns an error.
	hold func(bytes int) error
	text []byte
	// ended reports that the text is complete.
	ended bool
	// fed is how much of the text the decoder has, and tokenEnd the end of the last token that was decoded.
	fed      int
	tokenEnd int64
	// err is the first error other than the end of the body.
	err error
	// long reports that a token has more than maxTokenBytes.
	long bool
}

// Read implements io.Reader for the decoder.
func (s *textSource) Read(p []byte) (int, error) {
	pending := int(int64(s.fed) - s.tokenEnd)
	if s.long = pending > maxTokenBytes; s.long {
		return 0, fmt.Errorf("a name or value has more than %d bytes", maxTokenBytes)
	}
	if s.receive(s.fed + 1); s.err != nil {
		return 0, s.err
	}
	n := copy(p[:min(len(p), maxTokenBytes+1-pending)], s.text[s.fed:])
	s.fed += n
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// receive waits until the text has that many bytes or is complete, or until there is an error.
func (s *textSource) receive(bytes int) {
	for len(s.text) < bytes && !s.ended && s.err == nil {
		s.reserve()
		n, err := s.from.Read(s.text[len(s.text):min(cap(s.text), len(s.text)+receiveBytes)])
		s.text = s.text[:len(s.text)+n]
		if s.err = s.hold(n); s.err != nil {
			return
		}
		if s.ended = err == io.EOF || int64(len(s.text)) == s.length; !s.ended {
			s.err = err
		}
	}
}

// reserve makes room for more text. The buffer doubles, up to the declared length.
func (s *textSource) reserve() {
	if len(s.text) < cap(s.text) {
		return
	}
	size := max(2*cap(s.text), firstBytes)
	if s.length > int64(len(s.text)) {
		size = min(size, int(s.length))
	}
	s.text = append(make([]byte, 0, size), s.text...)
}
