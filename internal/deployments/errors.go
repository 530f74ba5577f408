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

// MaxImportFaults is how many faults of one file are told (I4).
const MaxImportFaults = 20

// ImportFault is what is wrong with a line of an import.
type ImportFault struct {
	// Line counts from 1.
	Line int
	// Field names the member at fault, as artifact.digest; empty if the whole line is.
	Field string
	// Problem is a sentence without a full stop.
	Problem string
}

func (f *ImportFault) Error() string {
	if f.Field == "" {
		return fmt.Sprintf("line %d: %s", f.Line, f.Problem)
	}
	return fmt.Sprintf("line %d: %s: %s", f.Line, f.Field, f.Problem)
}

// ImportError refuses a file: nothing of it was loaded.
type ImportError struct {
	// Faults are in the order of their lines, MaxImportFaults at most.
	Faults []*ImportFault
	// More says that reading stopped at MaxImportFaults, before the end of the file.
	More bool
}

// NewImportError orders the faults and keeps the first MaxImportFaults of them.
func NewImportError(faults []*ImportFault) *ImportError {
	slices.SortStableFunc(faults, func(a, b *ImportFault) int { return cmp.Compare(a.Line, b.Line) })
	if len(faults) < MaxImportFaults {
		return &ImportError{Faults: faults}
	}
	return &ImportError{Faults: faults[:MaxImportFaults], More: true}
}

func (e *ImportError) Error() string {
	lines := make([]string, 0, len(e.Faults)+1)
	for _, f := range e.Faults {
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
