package database

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

// requiredSettings returns the session parameters that the statements of this program rely on. They take precedence over
// the defaults of the server, the database and the role, and over the database URL. search_path is not one of them: it
// selects the schema of the tables, as the URL selects the database.
func requiredSettings(statementTimeout time.Duration) []setting {
	return []setting{
		// Writers lock what they read and see what others have committed before (W5). A snapshot of the whole transaction
		// would make every second writer of a slot fail.
		{"default_transaction_isolation", "read committed"},
		{"default_transaction_read_only", "off"},
		{"default_transaction_deferrable", "off"},
		// The deadline of a request ends its waits for locks; imports and migrations wait as long as it takes.
		{"lock_timeout", "0"},
		{"statement_timeout", strconv.FormatInt(statementTimeout.Milliseconds(), 10)},
		// An import reads its file within a transaction, and the pool closes idle connections itself.
		{"idle_in_transaction_session_timeout", "0"},
		{"idle_session_timeout", "0"},
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
func setAtStartup(config *pgx.ConnConfig, statementTimeout time.Duration) {
	for _, s := range preferredSettings() {
		if !hasParameter(config, s.name) {
			config.RuntimeParams[s.name] = s.value
		}
	}
	for _, s := range requiredSettings(statementTimeout) {
		// PostgreSQL ignores the case of names, and applies the parameter "options" of the URL before named parameters.
		maps.DeleteFunc(config.RuntimeParams, func(name, _ string) bool { return strings.EqualFold(name, s.name) })
		config.RuntimeParams[s.name] = s.value
	}
}

func hasParameter(config *pgx.ConnConfig, name string) bool {
	for given := range config.RuntimeParams {
		if strings.EqualFold(given, name) {
			return true
		}
	}
	return false
}

// disableTransactionTimeout disables transaction_timeout, which PostgreSQL has since version 17. Older versions reject
// a startup message with an unknown parameter.
func disableTransactionTimeout(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout'",
		pgx.QueryExecModeSimpleProtocol)
	return err
}
