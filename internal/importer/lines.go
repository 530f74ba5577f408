package importer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// maxLine is the maximum length of a line in bytes, without its line break (I4).
const maxLine = 1 << 20

// errLongLine is a line of more than maxLine bytes. The next line can be read.
var errLongLine = errors.New("long line")

// lines splits a stream into lines and holds one line at a time.
type lines struct {
	in     *bufio.Reader
	number int // of the current line, counted from 1
	text   []byte
	opened bool
	zipped bool
}

func newLines(r io.Reader) *lines {
	return &lines{in: bufio.NewReaderSize(r, 64<<10)}
}

// next returns a line without its line break. The text is valid until the next call. Errors are errLongLine, io.EOF after
// the last line, and the error of reading, which is final. A line that breaks off with such an error is not returned,
// since its beginning could look complete.
func (l *lines) next() ([]byte, error) {
	l.number++
	if !l.opened {
		l.opened = true
		if err := l.open(); err != nil {
			return nil, l.explain(err)
		}
	}
	l.text = l.text[:0]
	long, started := false, false
	for {
		chunk, err := l.in.ReadSlice('\n')
		started = started || len(chunk) > 0
		// Two more bytes are for the line break.
		if long = long || len(l.text)+len(chunk) > maxLine+2; !long {
			l.text = append(l.text, chunk...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && !started:
			return nil, io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return nil, l.explain(err)
		}
		text := bytes.TrimSuffix(bytes.TrimSuffix(l.text, []byte("\n")), []byte("\r"))
		if long || len(text) > maxLine {
			return nil, errLongLine
		}
		return text, nil
	}
}

// open detects gzip and skips a byte order mark. JSON has no byte order mark, but editors and shells on Windows write
// one, it means nothing in UTF-8, and nobody can see the byte that a rejection would be about.
func (l *lines) open() error {
	magic, err := l.peek(2)
	if err != nil {
		return err
	}
	if bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		l.zipped = true
		unzipped, err := gzip.NewReader(l.in)
		if err != nil {
			return err
		}
		l.in = bufio.NewReaderSize(unzipped, 64<<10)
	}
	mark, err := l.peek(3)
	if err != nil {
		return err
	}
	if string(mark) == "\ufeff" {
		_, err = l.in.Discard(len(mark))
	}
	return err
}

// peek returns the next n bytes, or fewer at the end of the stream.
func (l *lines) peek(n int) ([]byte, error) {
	bytes, err := l.in.Peek(n)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return bytes, err
}

// explain returns an error that is not io.EOF, and that explains gzip's terse errors.
func (l *lines) explain(err error) error {
	switch {
	case l.zipped && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)):
		return fmt.Errorf("the gzip stream breaks off: %w", io.ErrUnexpectedEOF)
	case l.zipped && errors.Is(err, gzip.ErrHeader):
		return fmt.Errorf("the gzip stream is followed by something else, or has a bad header: %w", err)
	default:
		return err
	}
}
