package session

import (
	"context"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// setting is a session parameter of PostgreSQL.
type setting struct{ name, value string }

// Timeouts are limits that PostgreSQL enforces; 0 is no limit.
type Timeouts struct {
	// Statement ends a statement whose client is gone or has given up.
	Statement time.Duration
	// Lock ends one wait for the lock of another transaction, so that others can use the connection until the next try.
	Lock time.Duration
	// Idle ends a transaction between two statements, as one of a server that has vanished. Its locks are free then. An import
	// needs none: it reads its file within a transaction.
	Idle time.Duration
}

// requiredSettings returns the session parameters that the statements of this program rely on. They take precedence over
// the defaults of the server, the database and the role, and over the database URL. search_path is not one of them: it
// selects the schema of the tables, as the URL selects the database.
func requiredSettings(t Timeouts) []setting {
	return []setting{
		// Writers lock what they read and see what others have committed before (W5). A snapshot of the whole transaction
		// would make every second writer of a slot fail.
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_deferrable", "off"},
		{"lock_timeout", milliseconds(t.Lock)},
		{"statement_timeout", milliseconds(t.Statement)},
		{"idle_in_transaction_session_timeout", milliseconds(t.Idle)},
		{"idle_session_timeout", "0"}, // the pool closes idle connections itself
		// The text formats that the driver reads and writes.
		{"client_encoding", "UTF8"},
		{"standard_conforming_strings", "on"},
		{"bytea_output", "hex"},
		{"TimeZone", "UTC"},
		{"DateStyle", "ISO, MDY"},
		{"IntervalStyle", "postgres"},
		// With it, "column = NULL" would match.
		{"transform_null_equals", "off"},
	}
}

// keepaliveSettings let PostgreSQL notice within a minute that the machine of a server or the network is gone. Its own default is
// two hours, in which the transaction holds its locks. They have no effect on a Unix socket.
var keepaliveSettings = []setting{
	{"tcp_keepalives_idle", "30"},
	{"tcp_keepalives_interval", "10"},
	{"tcp_keepalives_count", "3"},
	{"tcp_user_timeout", "60000"},
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// preferredSettings returns session parameters that make the server faster. The database URL can change them.
func preferredSettings() []setting {
	return []setting{
		{"application_name", "deployrecords"},
		// With a parameter in OFFSET, PostgreSQL would plan the statement again each time it runs.
		{"plan_cache_mode", "force_generic_plan"},
		// Every query has an index. A plan made while a table was empty would scan the whole table once it is no longer
		// empty; list_changes, for one, fills and empties all the time.
		{"enable_seqscan", "off"},
		// Compiling a plan takes longer than any of these small statements runs.
		{"jit", "off"},
	}
}

// setAtStartup adds the settings to the startup message of each connection.
func setAtStartup(config *pgx.ConnConfig, t Timeouts) {
	for _, s := range preferredSettings() {
		if !hasParameter(config.RuntimeParams, s.name) {
			config.RuntimeParams[s.name] = s.value
		}
	}
	for _, s := range append(requiredSettings(t), keepaliveSettings...) {
		setParameter(config.RuntimeParams, s)
	}
}

// setParameter sets a parameter in place of any that the URL gives. PostgreSQL ignores the case of names, and applies the
// parameter "options" of the URL before named parameters.
func setParameter(parameters map[string]string, s setting) {
	maps.DeleteFunc(parameters, func(name, _ string) bool { return strings.EqualFold(name, s.name) })
	parameters[s.name] = s.value
}

func hasParameter(parameters map[string]string, name string) bool {
	for given := range parameters {
		if strings.EqualFold(given, name) {
			return true
		}
	}
	return false
}

// disableTransactionTimeout disables transaction_timeout, which PostgreSQL has since version 17. Older versions reject
// a startup message with an unknown parameter.
func disableTransactionTimeout(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	_, err := conn.Exec(ctx, "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout'",
		pgx.QueryExecModeSimpleProtocol)
	return err
}
