// Package importer reads deployment records from NDJSON files, one JSON object per line, and writes such lines. Reading
// a file of any size needs the memory of one line.
//
// Numbers such as I1 and I4 refer to the rules in docs/semantics.md.
package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Entries yields the entries of r for deployments.Store.Import. The text is UTF-8, or UTF-16 with a byte order mark, plain or gzipped.
// The sequence can be ranged over once. Beyond the current entry, it holds a few buffers of 64 KiB. No time of an entry may be more than
// deployments.MaxAhead after the clock when its line is read (I1).
//
// An error comes with a zero entry. There are three types. A *deployments.ImportViolation is one violation of a line (I1,
// I4); a line yields up to deployments.MaxImportViolations of them instead of its entry, and reading continues with the
// next line. A *ReadError, or a *FormatError for a file of another format, ends the sequence.
func Entries(r io.Reader, clock func() time.Time) iter.Seq2[deployments.ImportEntry, error] {
	return func(yield func(deployments.ImportEntry, error) bool) {
		in := newLines(r)
		p := newParser(clock)
		for {
			text, err := in.next()
			var entry deployments.ImportEntry
			var violations []*deployments.ImportViolation
			switch {
			case errors.Is(err, io.EOF):
				return
			case errors.Is(err, errLongLine):
				violations = append(violations, &deployments.ImportViolation{Line: in.number, Message: fmt.Sprintf("has more than %d bytes", maxLine)})
			case errors.As(err, new(*FormatError)):
				yield(deployments.ImportEntry{}, err)
				return
			case err != nil:
				yield(deployments.ImportEntry{}, &ReadError{Line: in.number, Cause: err})
				return
			case len(bytes.TrimLeft(text, " \t\r")) == 0:
				continue
			default:
				entry, violations = p.line(in.number, text)
			}
			if len(violations) == 0 && !yield(entry, nil) {
				return
			}
			for _, violation := range violations {
				if !yield(deployments.ImportEntry{}, violation) {
					return
				}
			}
		}
	}
}

// ReadError is a failure to read or to decompress the file.
type ReadError struct {
	// Line is the line that could not be read, counted from 1.
	Line int
	// Cause is the error of reading.
	Cause error
}

func (e *ReadError) Error() string {
	return fmt.Sprintf("line %d could not be read: %v", e.Line, e.Cause)
}

// Unwrap returns the cause.
func (e *ReadError) Unwrap() error { return e.Cause }
