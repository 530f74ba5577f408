package cli

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/deployrecords/deployrecords/internal/config"
	"github.com/deployrecords/deployrecords/internal/store"
)

type migrateCommand struct {
	config.Database
}

// Help is printed by migrate --help.
func (migrateCommand) Help() string {
	return `Serve and import do the same at their start. Run it on its own, as the owner of the schema, when the server's own role may not change the schema.`
}

func (c *migrateCommand) Run(ctx context.Context, streams Streams) error {
	if err := databaseFaults(&c.Database); err != nil {
		return err
	}
	migration, err := migrate(ctx, &c.Database, slog.New(slog.NewTextHandler(streams.Err, nil)))
	if err != nil {
		return err
	}
	if migration.From == migration.To {
		fmt.Fprintf(streams.Out, "schema version %d: nothing to do\n", migration.To)
		return nil
	}
	fmt.Fprintf(streams.Out, "schema version %d, from %d\n", migration.To, migration.From)
	return nil
}

func databaseFaults(database *config.Database) error {
	if err := config.Join(append(database.Faults(), store.CheckURL(database.URL))...); err != nil {
		return usageError{err}
	}
	return nil
}
