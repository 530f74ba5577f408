package importer

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
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

// open decompresses gzip, decodes UTF-16 that has a byte order mark, and skips the mark of UTF-8. JSON has no mark, but editors
// and shells on Windows write one, and nobody can see the byte that a rejection would be about. open returns a *FormatError
// for other formats.
func (l *lines) open() error {
	head, err := l.peek(headSize)
	if err != nil {
		return err
	}
	if bytes.HasPrefix(head, []byte{0x1f, 0x8b}) {
		l.zipped = true
		unzipped, err := gzip.NewReader(l.in)
		if err != nil {
			return err
		}
		l.in = bufio.NewReaderSize(unzipped, 64<<10)
		if head, err = l.peek(headSize); err != nil {
			return err
		}
	}
	if format := detect(head); format != nil {
		return format
	}
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(head, []byte("\ufeff")):
		_, err = l.in.Discard(len("\ufeff"))
		return err
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	default:
		return nil
	}
	if _, err := l.in.Discard(2); err != nil {
		return err
	}
	l.in = bufio.NewReaderSize(&utf16Reader{in: l.in, order: order}, 64<<10)
	if head, err = l.peek(headSize); err != nil {
		return err
	}
	if format := detect(head); format != nil {
		return format
	}
	return nil
}

// peek returns the next n bytes, or fewer before the end of the stream or an error. The error is reported when its line is read:
// readers return an error again.
func (l *lines) peek(n int) ([]byte, error) {
	head, err := l.in.Peek(n)
	if len(head) > 0 || errors.Is(err, io.EOF) {
		err = nil
	}
	return head, err
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
