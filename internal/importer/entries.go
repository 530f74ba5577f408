// Package importer reads deployment records from a file, one JSON object a line (NDJSON), and writes such lines. A
// file of any size is read in the memory of one line: nothing is kept but the line at hand.
//
// The numbers of rules (I1, I4 ...) are those of docs/semantics.md.
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

// Entries reads the entries of r, which may be compressed with gzip, for deployments.Store.Import. They can be
// ranged over once; r is read no further than the entry at hand, give or take a buffer of 64 KiB (and what gzip
// needs). now is the time by which a created_at is too far ahead (I1: more than a day).
//
// Errors come instead of an entry, which is then the zero value. A *deployments.ImportFault says one thing that is
// wrong with a line (I1, I4); a line with several faults gives several, up to deployments.MaxImportFaults, and none
// of its entry; reading goes on with the next line. A *ReadError says that reading broke off, and is the last thing
// that comes. There are no others.
func Entries(r io.Reader, now time.Time) iter.Seq2[deployments.ImportEntry, error] {
	return func(yield func(deployments.ImportEntry, error) bool) {
		in := newLines(r)
		w := newWalk(now)
		for {
			text, err := in.next()
			switch {
			case errors.Is(err, io.EOF):
				return
			case errors.Is(err, errLongLine):
				fault := &deployments.ImportViolation{Line: in.number, Message: fmt.Sprintf("has more than %d bytes", maxLine)}
				if !yield(deployments.ImportEntry{}, fault) {
					return
				}
				continue
			case err != nil:
				yield(deployments.ImportEntry{}, &ReadError{Line: in.number, Cause: err})
				return
			}
			if len(bytes.TrimLeft(text, " \t\r")) == 0 {
				continue
			}
			entry, faults := w.line(in.number, text)
			if len(faults) == 0 {
				if !yield(entry, nil) {
					return
				}
				continue
			}
			for _, fault := range faults {
				if !yield(deployments.ImportEntry{}, fault) {
					return
				}
			}
		}
	}
}

// ReadError says that the file could not be read to its end, or that its compressed form is broken.
type ReadError struct {
	// Line is the one that could not be read, counted from 1.
	Line int
	// Cause is what reading failed with.
	Cause error
}

func (e *ReadError) Error() string {
	return fmt.Sprintf("line %d could not be read: %v", e.Line, e.Cause)
}

// Unwrap gives what reading failed with.
func (e *ReadError) Unwrap() error { return e.Cause }
