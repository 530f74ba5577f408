// Package migration upgrades the schema of a database by SQL files. Any number of programs may do so at once.
package migration

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/deployrecords/deployrecords/internal/store/database"
)

// SchemaError reports that the database's schema is not the one that this program works with.
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

// Result reports the schema versions before and after a migration; they are equal if there was nothing to do.
type Result struct{ From, To int64 }

// Migrator applies migrations, each a SQL file, to a database.
type Migrator struct {
	db    *database.DB
	files fs.FS
}

// New returns a migrator of the database by these files.
func New(db *database.DB, files fs.FS) *Migrator { return &Migrator{db, files} }

// Migrate upgrades the schema to the latest version. Any number of programs may do so at once: one does the work and the
// others find it done. If there is nothing to do it only reads, so a role that may not change the schema is then enough.
// A schema newer than the program is a *SchemaError.
func (m *Migrator) Migrate(ctx context.Context) (Result, error) {
	from, err := m.version(ctx)
	if err != nil {
		return Result{}, m.db.MapError(ctx, err)
	}
	err = m.compare(from)
	if schemaErr, ok := errors.AsType[*SchemaError](err); !ok || schemaErr.Have > schemaErr.Want {
		return Result{From: from, To: from}, err
	}
	if err := m.up(ctx); err != nil {
		return Result{}, m.migrationError(ctx, err)
	}
	to, err := m.version(ctx)
	if err != nil {
		return Result{}, m.db.MapError(ctx, err)
	}
	return Result{From: from, To: to}, m.compare(to)
}

// migrationError maps an error of a migration. A role that may not change the schema gets advice instead of the steps of
// goose.
func (m *Migrator) migrationError(ctx context.Context, err error) error {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	var connectErr *pgconn.ConnectError
	if ok && database.IsForbidden(pgErr) && !errors.As(err, &connectErr) {
		return fmt.Errorf("%w: run deployrecords migrate as the owner of the schema", pgErr)
	}
	return m.db.MapError(ctx, err)
}

// Check returns a *SchemaError unless the database has the latest version. A database whose file is not usable is a
// deployments.ErrUnavailable.
func (m *Migrator) Check(ctx context.Context) error {
	if err := m.db.File().Check(); err != nil {
		return err
	}
	have, err := m.version(ctx)
	if database.IsBroken(ctx, err) {
		have, err = m.version(ctx)
	}
	if err != nil {
		return m.db.MapError(ctx, err)
	}
	return m.compare(have)
}

// To upgrades an empty database to a version.
func (m *Migrator) To(ctx context.Context, version int64) error {
	provider, err := m.provider()
	if err == nil {
		_, err = provider.UpTo(ctx, version)
	}
	return err
}

func (m *Migrator) up(ctx context.Context) error {
	if m.db.Dialect == database.PostgreSQL {
		if err := m.checkEncoding(ctx); err != nil {
			return err
		}
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 600)) // tries once a second for ten minutes
		if err != nil {
			return err
		}
		return m.runGoose(ctx, goose.WithSessionLocker(locker))
	}
	// SQLite has no lock that outlives a transaction. Each migration commits together with its version, so of two
	// programs one fails at a step that the other has just done, and finds it done when it looks again.
	var err error
	for attempt := range 10 {
		if err = m.runGoose(ctx); err == nil || ctx.Err() != nil {
			return err
		}
		if m.Check(ctx) == nil {
			return nil
		}
		time.Sleep(time.Duration(attempt+1) * 20 * time.Millisecond)
	}
	return err
}

func (m *Migrator) runGoose(ctx context.Context, options ...goose.ProviderOption) error {
	provider, err := m.provider(options...)
	if err == nil {
		_, err = provider.Up(ctx)
	}
	return err
}

func (m *Migrator) provider(options ...goose.ProviderOption) (*goose.Provider, error) {
	dialect := goose.DialectPostgres
	if m.db.Dialect == database.SQLite {
		dialect = goose.DialectSQLite3
	}
	return goose.NewProvider(dialect, m.db.Pool, m.files, append(options, goose.WithLogger(goose.NopLogger()))...)
}

// checkEncoding rejects a database that cannot hold every name, while it is still empty.
func (m *Migrator) checkEncoding(ctx context.Context) error {
	var encoding string
	if err := m.db.Pool.QueryRowContext(ctx, "SHOW server_encoding").Scan(&encoding); err != nil {
		return err
	}
	if encoding != "UTF8" {
		return fmt.Errorf("the database's encoding is %s and must be UTF8: create it with ENCODING 'UTF8' TEMPLATE template0", encoding)
	}
	return nil
}

// version reads the schema version without goose, which would create its table where there is none.
func (m *Migrator) version(ctx context.Context) (int64, error) {
	hasTable := "SELECT to_regclass($1) IS NOT NULL"
	if m.db.Dialect == database.SQLite {
		hasTable = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?)"
	}
	var exists bool
	if err := m.db.Pool.QueryRowContext(ctx, hasTable, goose.DefaultTablename).Scan(&exists); err != nil || !exists {
		return 0, err
	}
	var version sql.NullInt64
	err := m.db.Pool.QueryRowContext(ctx, "SELECT max(version_id) FROM "+goose.DefaultTablename).Scan(&version)
	return version.Int64, err
}

// compare returns a *SchemaError unless the version is that of the last file.
func (m *Migrator) compare(have int64) error {
	names, err := fs.Glob(m.files, "*.sql")
	if err != nil {
		return err
	}
	var want int64
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return err
		}
		want = max(want, version)
	}
	if have != want {
		return &SchemaError{Have: have, Want: want}
	}
	return nil
}
