package deployments

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The sentinel errors of a Store. ErrUnavailable and ErrConflict wrap their cause, which is for the log and not for
// clients.
var (
	// ErrUnavailable reports that the database cannot be reached; a later attempt may succeed.
	ErrUnavailable = errors.New("the database is unavailable")
	// ErrConflict reports that every attempt failed because of other writers, and that nothing was written. Import makes
	// one attempt only, because its entries can be read once. It returns ErrConflict if it deadlocks with a recording, or
	// if an import into another organization adds the same ids at the same moment.
	ErrConflict = errors.New("other writers were in the way, try again")
	// ErrKeyReused reports that an idempotency key came with a second, different request.
	ErrKeyReused = errors.New("the idempotency key was used for another request")
	// ErrReadOnly reports that the store answers lists and takes no recordings.
	ErrReadOnly = errors.New("recordings are not possible here")
)

// OverloadError reports that an operation was rejected before it began, because it would have waited too long for others.
type OverloadError struct {
	// OwnShare is true if the operations of the same organization fill its share.
	OwnShare bool
	// RetryAfter is the time after which a later attempt may succeed.
	RetryAfter time.Duration
}

func (e *OverloadError) Error() string {
	if e.OwnShare {
		return "too many requests of this organization are waiting, try again"
	}
	return "too many requests are waiting, try again"
}

// QuotaError rejects a recording that would add more than a quota of the organization allows. Nothing was recorded.
type QuotaError struct {
	// Field names the part of the request that would add something, as in Violation, and Name is its value if it is a name.
	Field, Name string
	// Quota is what is limited, in the plural, as environments.
	Quota string
	// Used is how many there are, with those that the same request adds before. Limit is how many there may be.
	Used, Limit int64
}

// Violation returns the error as the violation of an item in a partial batch.
func (e *QuotaError) Violation() Violation {
	message := fmt.Sprintf("exceeds the quota of %s: the organization has %d, and the limit is %d", e.Quota, e.Used, e.Limit)
	if e.Name != "" {
		message = Quote(e.Name) + " " + message
	}
	return Violation{e.Field, message}
}

func (e *QuotaError) Error() string { return e.Violation().String() }

// Violation describes one thing that is wrong with an input.
type Violation struct {
	// Field names the part of the input, in the words of the recording document, as artifact_digest.
	Field string
	// Message completes the sentence that Field begins, as "is missing".
	Message string
}

func (v Violation) String() string { return v.Field + ": " + v.Message }

// MaxImportViolations is the maximum number of violations that are reported for one file (I4).
const MaxImportViolations = 20

// ImportViolation describes one thing that is wrong with a line of an import.
type ImportViolation struct {
	// Line counts from 1.
	Line int
	// Field is the path of the member, as artifact.digest; empty for the whole line.
	Field string
	// Message is a sentence without a full stop.
	Message string
}

func (v *ImportViolation) Error() string {
	if v.Field == "" {
		return fmt.Sprintf("line %d: %s", v.Line, v.Message)
	}
	return fmt.Sprintf("line %d: %s: %s", v.Line, v.Field, v.Message)
}

// ImportError rejects a file: nothing was imported.
type ImportError struct {
	// Violations has at most MaxImportViolations elements, in the order of their lines.
	Violations []*ImportViolation
	// More reports that reading stopped at MaxImportViolations, before the end of the file.
	More bool
}

// NewImportError sorts the violations by line and keeps the first MaxImportViolations.
func NewImportError(violations []*ImportViolation) *ImportError {
	slices.SortStableFunc(violations, func(a, b *ImportViolation) int { return cmp.Compare(a.Line, b.Line) })
	if len(violations) < MaxImportViolations {
		return &ImportError{Violations: violations}
	}
	return &ImportError{Violations: violations[:MaxImportViolations], More: true}
}

func (e *ImportError) Error() string {
	lines := make([]string, 0, len(e.Violations)+1)
	for _, v := range e.Violations {
		lines = append(lines, v.Error())
	}
	if e.More {
		lines = append(lines, "there may be more: reading stopped here")
	}
	return strings.Join(lines, "\n")
}
