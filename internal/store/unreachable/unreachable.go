// Package unreachable describes why PostgreSQL cannot be connected to.
package unreachable

import (
	"crypto/tls"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

const refusedTLS = "server refused TLS connection" // pgconn has no type for it

// unknownParameter is the answer of PgBouncer to a startup parameter that it does not know.
const unknownParameter = "unsupported startup parameter"

// Error is a failed attempt to connect to PostgreSQL, as one line: the driver's text has a line for each
// address, and several are often equal. "server refused TLS connection" is not the cause if the
// address was then tried without TLS.
type Error struct{ *pgconn.ConnectError }

func (e Error) Error() string {
	var lines []string
	for line := range strings.Lines(e.ConnectError.Error()) {
		line = strings.TrimSpace(line)
		// The first line may have a prefix for all of them.
		if !slices.ContainsFunc(lines, func(earlier string) bool { return strings.HasSuffix(earlier, line) }) {
			lines = append(lines, line)
		}
	}
	lines = slices.DeleteFunc(lines, func(line string) bool {
		address, refused := strings.CutSuffix(line, "tls error: "+refusedTLS)
		return refused && slices.ContainsFunc(lines, func(other string) bool { return other != line && strings.HasPrefix(other, address) })
	})
	text := strings.Replace(strings.Join(lines, "; "), ":; ", ": ", 1)
	if strings.Contains(text, unknownParameter) {
		text += ": a pooler needs serve --database-session-settings=transaction, and other commands a direct connection"
	}
	return text
}

func (e Error) Unwrap() error { return e.ConnectError }

// IsPermanent reports whether every address of the database rejected the connection for a reason that stays until a person
// changes it. Such reasons are the password, the role, the database, the certificate, or a server without TLS.
func IsPermanent(err error) bool {
	connectErr, ok := errors.AsType[*pgconn.ConnectError](err)
	if !ok {
		return false
	}
	attempts := []error{connectErr.Unwrap()}
	if joined, ok := errors.AsType[interface {
		error
		Unwrap() []error
	}](connectErr); ok {
		attempts = joined.Unwrap()
	}
	return !slices.ContainsFunc(attempts, func(attempt error) bool { return !isRejection(attempt) })
}

// isRejection reports whether one attempt failed for such a reason.
func isRejection(attempt error) bool {
	if pgErr, ok := errors.AsType[*pgconn.PgError](attempt); ok {
		switch state := pgErr.Code; {
		case strings.HasPrefix(state, "28"): // password, role, pg_hba.conf
			return true
		case state == "3D000", state == "42501": // no such database, no right to connect to it
			return true
		case state == "08P01": // PgBouncer's answer to a startup parameter that it does not know
			return true
		}
	}
	var (
		certificateErr *tls.CertificateVerificationError
		alert          tls.AlertError
		notTLS         tls.RecordHeaderError
	)
	return errors.As(attempt, &certificateErr) || errors.As(attempt, &alert) || errors.As(attempt, &notTLS) ||
		strings.HasSuffix(attempt.Error(), refusedTLS)
}
