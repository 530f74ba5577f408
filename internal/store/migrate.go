package store

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// SchemaError says that the database's schema is not the one that this program works with.
type SchemaError struct {
	// Have is the version of the database's schema, 0 for an empty database; Want is the program's.
	Have, Want int64
}

func (e *SchemaError) Error() string {
	if e.Have > e.Want {
		return fmt.Sprintf("the database's schema is version %d and this program knows only %d: use a newer program", e.Have, e.Want)
	}
	return fmt.Sprintf("the database's schema is version %d and this program needs %d: run deployrecords migrate", e.Have, e.Want)
}

// Migration tells what Migrate did.
type Migration struct {
	// From and To are versions of the schema; they are equal if there was nothing to do.
	From, To int64
}

// Migrate brings the database's schema to the version of this program. Any number of programs may do so at once;
// one of them does the work and the others find it done. If there is nothing to do, it only reads: a role without
// the right to change the schema is then enough. A schema newer than the program is a *SchemaError.
func Migrate(ctx context.Context, databaseURL string) (Migration, error) {
	// No statement timeout: building an index over a long history takes what it takes.
	pool, engine, err := openPool(Options{URL: databaseURL, MaxConnections: 2})
	if err != nil {
		return Migration{}, err
	}
	defer pool.Close()
	migration, err := migratePool(ctx, pool, engine)
	if err != nil {
		return migration, err
	}
	return migration, foldMigrated(ctx, databaseURL)
}

func migratePool(ctx context.Context, pool *sql.DB, engine engine) (Migration, error) {
	from, err := schemaVersion(ctx, pool, engine)
	if err != nil {
		return Migration{}, databaseError(ctx, err)
	}
	err = checkSchema(from, engine)
	if schemaErr, ok := err.(*SchemaError); !ok || schemaErr.Have > schemaErr.Want {
		return Migration{From: from, To: from}, err
	}
	if err := migrateUp(ctx, pool, engine); err != nil {
		return Migration{}, databaseError(ctx, err)
	}
	to, err := schemaVersion(ctx, pool, engine)
	if err != nil {
		return Migration{}, databaseError(ctx, err)
	}
	return Migration{From: from, To: to}, checkSchema(to, engine)
}

// foldMigrated folds what a migration has left to be folded, this one or one that was interrupted, and sets milestones
// where there are none, before a server lists with it.
func foldMigrated(ctx context.Context, databaseURL string) error {
	s, err := Open(Options{URL: databaseURL, MaxConnections: 1})
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err = s.Compact(ctx); err != nil {
		return err
	}
	return s.setMissing(ctx)
}

func migrateUp(ctx context.Context, pool *sql.DB, engine engine) error {
	if engine == postgreSQL {
		if err := checkEncoding(ctx, pool); err != nil {
			return err
		}
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 600)) // asks once a second for ten minutes
		if err != nil {
			return err
		}
		return gooseUp(ctx, pool, engine, goose.WithSessionLocker(locker))
	}
	// SQLite has no lock that outlives a transaction. Each migration is a transaction of its own together with its
	// version, so of two programs one fails at what the other has just done, and finds it done when it looks again.
	var err error
	for attempt := range 10 {
		if err = gooseUp(ctx, pool, engine); err == nil || ctx.Err() != nil {
			return err
		}
		if have, versionErr := schemaVersion(ctx, pool, engine); versionErr == nil && checkSchema(have, engine) == nil {
			return nil
		}
		time.Sleep(time.Duration(attempt+1) * 20 * time.Millisecond)
	}
	return err
}

func gooseUp(ctx context.Context, pool *sql.DB, engine engine, options ...goose.ProviderOption) error {
	options = append(options, goose.WithLogger(goose.NopLogger()))
	provider, err := goose.NewProvider(engine.dialect(), pool, engine.migrations(), options...)
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// checkEncoding refuses a database that could not hold every name, before there is anything in it.
func checkEncoding(ctx context.Context, pool *sql.DB) error {
	var encoding string
	if err := pool.QueryRowContext(ctx, "SHOW server_encoding").Scan(&encoding); err != nil {
		return err
	}
	if encoding != "UTF8" {
		return fmt.Errorf("the database's encoding is %s and must be UTF8: create it with ENCODING 'UTF8' TEMPLATE template0", encoding)
	}
	return nil
}

// schemaVersion reads the version without goose, which would create its table where there is none.
func schemaVersion(ctx context.Context, pool *sql.DB, engine engine) (int64, error) {
	var exists bool
	if err := pool.QueryRowContext(ctx, engine.hasTable(), goose.DefaultTablename).Scan(&exists); err != nil || !exists {
		return 0, err
	}
	var version sql.NullInt64
	err := pool.QueryRowContext(ctx, "SELECT max(version_id) FROM "+goose.DefaultTablename).Scan(&version)
	return version.Int64, err
}

func checkSchema(have int64, engine engine) error {
	if want := latestMigration(engine); have != want {
		return &SchemaError{Have: have, Want: want}
	}
	return nil
}

func latestMigration(engine engine) int64 {
	names, err := fs.Glob(engine.migrations(), "*.sql")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	var latest int64
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			panic(err) // the files are embedded, and a test migrates with them
		}
		latest = max(latest, version)
	}
	return latest
}
