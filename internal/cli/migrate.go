package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"

	"github.com/deployrecords/deployrecords/internal/config"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
)

type migrateCommand struct {
	config.Database
	ServerRole string `name:"server-role" placeholder:"ROLE" group:"Database" help:"Role of PostgreSQL that servers use: after the migration, grant it the rights that they need, and no more. The role must exist."`
}

// Help is printed by migrate --help.
func (migrateCommand) Help() string {
	return `The commands serve and import migrate the schema when they start. Run migrate as the owner of the schema if the server's role may not change the schema, with --server-role, since a migration may add tables.

Example:

  export DATABASE_URL=postgres://deployrecords_owner@db.internal/deployrecords
  deployrecords migrate --server-role deployrecords_server`
}

func (c *migrateCommand) Run(ctx context.Context, streams Streams) error {
	if err := validateDatabase(&c.Database, c.checkServerRole()); err != nil {
		return err
	}
	migration, err := migrate(ctx, &c.Database, slog.New(slog.NewTextHandler(streams.Err, nil)))
	if err != nil {
		return err
	}
	if migration.From == migration.To {
		fmt.Fprintf(streams.Out, "schema version %d: nothing to do\n", migration.To)
	} else {
		fmt.Fprintf(streams.Out, "schema version %d, from %d\n", migration.To, migration.From)
	}
	if c.ServerRole == "" {
		return nil
	}
	if err := store.GrantServer(ctx, c.URL, c.ServerRole); err != nil {
		return fmt.Errorf("grant %s the rights of a server: %w", deployments.Quote(c.ServerRole), err)
	}
	fmt.Fprintf(streams.Out, "granted %s the rights of a server\n", deployments.Quote(c.ServerRole))
	return nil
}

// checkServerRole returns the violation of --server-role.
func (c *migrateCommand) checkServerRole() error {
	switch {
	case c.ServerRole != "" && strings.HasPrefix(c.URL, "sqlite:"):
		return fmt.Errorf("--server-role: the database %s is of SQLite, and only PostgreSQL has roles", config.QuoteURL(c.URL))
	case strings.IndexFunc(c.ServerRole, unicode.IsControl) >= 0:
		return errors.New("--server-role: has a control character")
	}
	return nil
}

// validateDatabase returns a usage error with the violations of the settings and those that the command found itself.
func validateDatabase(database *config.Database, violations ...error) error {
	violations = append(append(database.Validate(), checkDatabaseURL(database.URL)), violations...)
	if err := config.Join(violations...); err != nil {
		return usageError{err}
	}
	return nil
}

func checkDatabaseURL(databaseURL string) error {
	if err := store.CheckURL(databaseURL); err != nil {
		return fmt.Errorf("--database-url: %s %w", config.QuoteURL(databaseURL), err)
	}
	return nil
}

// checkReplicaURL returns the violation of --database-replica-url.
func checkReplicaURL(database *config.Database, replicas *config.Replicas) error {
	if replicas.ReplicaURL == "" {
		return nil
	}
	if strings.HasPrefix(database.URL, "sqlite:") {
		return fmt.Errorf("--database-replica-url: the database %s is of SQLite, and only PostgreSQL has standbys", config.QuoteURL(database.URL))
	}
	if err := store.CheckReplicaURL(replicas.ReplicaURL); err != nil {
		return fmt.Errorf("--database-replica-url: %s %w", config.QuoteURL(replicas.ReplicaURL), err)
	}
	return nil
}

// openStore waits for the database, migrates it and opens the store.
func openStore(ctx context.Context, database *config.Database, o store.Options, logger *slog.Logger) (*store.Store, error) {
	migration, err := migrate(ctx, database, logger)
	if err != nil {
		return nil, err
	}
	switch migration.From {
	case migration.To:
	case 0:
		logger.Info("created the database", "database", config.RedactURL(database.URL), "version", migration.To)
	default:
		logger.Info("migrated the database", "from", migration.From, "to", migration.To)
	}
	o.URL, o.MaxConnections = database.URL, int(database.MaxConnections.Value)
	return store.Open(o)
}

// openExisting waits for the database and opens the store. It creates and migrates nothing.
func openExisting(ctx context.Context, database *config.Database, o store.Options, logger *slog.Logger) (*store.Store, error) {
	o.URL, o.MaxConnections, o.MustExist = database.URL, int(database.MaxConnections.Value), true
	s, err := store.Open(o)
	if err != nil {
		return nil, err
	}
	err = whenReachable(ctx, database, logger, func() error {
		if err := s.Ready(ctx); !errors.Is(err, deployments.ErrReadOnly) {
			return err
		}
		return nil
	})
	if schema, ok := errors.AsType[*store.SchemaError](err); ok && schema.Have == 0 {
		err = fmt.Errorf("the database %s has no tables of deployrecords", config.RedactURL(database.URL))
	}
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// migrate migrates the database once it is reachable.
func migrate(ctx context.Context, database *config.Database, logger *slog.Logger) (migration store.Migration, err error) {
	err = whenReachable(ctx, database, logger, func() (err error) {
		migration, err = store.Migrate(ctx, database.URL)
		return err
	})
	return migration, err
}

// whenReachable calls prepare with growing pauses while the database is unreachable, for as long as the settings allow.
func whenReachable(ctx context.Context, database *config.Database, logger *slog.Logger, prepare func() error) error {
	deadline := time.Now().Add(database.Wait.Value)
	for pause := 250 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := prepare()
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, deployments.ErrUnavailable) || store.IsPermanent(err) || ctx.Err() != nil:
			return fmt.Errorf("prepare the database %s: %w", config.RedactURL(database.URL), err)
		case !time.Now().Before(deadline):
			return fmt.Errorf("gave up on the database %s after %s: %w", config.RedactURL(database.URL), database.Wait.Value, err)
		}
		pause = min(pause, time.Until(deadline))
		logger.Warn("the database is unreachable", "retry_in", pause.Round(10*time.Millisecond).String(), "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}
