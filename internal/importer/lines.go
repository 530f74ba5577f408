package importer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// maxLine is the greatest length of a line in bytes, without its line break (I4).
const maxLine = 1 << 20

// errLongLine says that the line has more than maxLine bytes. Its text is gone; the next line can be read.
var errLongLine = errors.New("long line")

// lines cuts a stream into lines and never holds more than one.
type lines struct {
	in *bufio.Reader
	// number is that of the line at hand, counted from 1.
	number int
	text   []byte
	opened bool
	zipped bool
}

func newLines(r io.Reader) *lines {
	return &lines{in: bufio.NewReaderSize(r, 64<<10)}
}

// next reads a line; its text, without the line break, is good until the call after. Errors: errLongLine; io.EOF
// after the last line; or what reading failed with, after which nothing more can be read. A line that reading breaks
// off in is no line: its beginning could look like one.
func (l *lines) next() ([]byte, error) {
	l.number++
	if !l.opened {
		l.opened = true
		if err := l.open(); err != nil {
			return nil, l.explain(err)
		}
	}
	l.text = l.text[:0]
	long, some := false, false
	for {
		chunk, err := l.in.ReadSlice('\n')
		some = some || len(chunk) > 0
		// Two bytes more for the line break.
		if long = long || len(l.text)+len(chunk) > maxLine+2; !long {
			l.text = append(l.text, chunk...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && !some:
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

// open finds out whether the stream is compressed, and passes over a byte order mark. The mark is allowed, though
// JSON has none: editors and shells on Windows write it unasked, it means nothing in UTF-8, and what they made would
// be refused for a byte that nobody can see.
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

// peek looks at the next n bytes, or fewer if the stream ends before.
func (l *lines) peek(n int) ([]byte, error) {
	bytes, err := l.in.Peek(n)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return bytes, err
}

// explain makes an error of reading one that can't be taken for the end of the file, and says where gzip's own
// words are too few.
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
