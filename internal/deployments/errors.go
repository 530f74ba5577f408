package deployments

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrUnavailable says that the database cannot be reached now; asking again later may help. It wraps the cause,
// which is for the log and not for clients.
var ErrUnavailable = errors.New("the database is unavailable")

// MaxImportViolations is how many faults of one file are told (I4).
const MaxImportViolations = 20

// ImportViolation is what is wrong with a line of an import.
type ImportViolation struct {
	// Line counts from 1.
	Line int
	// Field names the member at fault, as artifact.digest; empty if the whole line is.
	Field string
	// Message is a sentence without a full stop.
	Message string
}

func (f *ImportViolation) Error() string {
	if f.Field == "" {
		return fmt.Sprintf("line %d: %s", f.Line, f.Message)
	}
	return fmt.Sprintf("line %d: %s: %s", f.Line, f.Field, f.Message)
}

// ImportError refuses a file: nothing of it was loaded.
type ImportError struct {
	// Violations are in the order of their lines, MaxImportFaults at most.
	Violations []*ImportViolation
	// More says that reading stopped at MaxImportFaults, before the end of the file.
	More bool
}

// NewImportError orders the faults and keeps the first MaxImportFaults of them.
func NewImportError(faults []*ImportViolation) *ImportError {
	slices.SortStableFunc(faults, func(a, b *ImportViolation) int { return cmp.Compare(a.Line, b.Line) })
	if len(faults) < MaxImportViolations {
		return &ImportError{Violations: faults}
	}
	return &ImportError{Violations: faults[:MaxImportViolations], More: true}
}

func (e *ImportError) Error() string {
	lines := make([]string, 0, len(e.Violations)+1)
	for _, f := range e.Violations {
		lines = append(lines, f.Error())
	}
	if e.More {
		lines = append(lines, "there may be more: reading stopped here")
	}
	return strings.Join(lines, "\n")
}

// ErrConflict says that other writers were in the way as often as it was tried; nothing was done. It wraps the cause,
// which is for the log and not for clients. An import is tried once, since its entries can be read once: it ends so if
// it and a recorder wait for each other, or if an import into another organization gives the same ids at the same moment.
var ErrConflict = errors.New("other writers were in the way, try again")

// ErrKeyReused says that an idempotency key came again with another request.
var ErrKeyReused = errors.New("the idempotency key was used for another request")
