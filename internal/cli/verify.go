package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/deployrecords/deployrecords/internal/config"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
)

type verifyCommand struct {
	config.Database
	Organization []string `sep:"none" placeholder:"KEY" help:"Only these organizations; without it, all of them. Repeatable."`
	Repair       bool     `help:"Rebuild what differs from the records, lower times that lie ahead, and verify again."`
}

// Help is printed by verify --help.
func (verifyCommand) Help() string {
	return `The server keeps the totals of lists, the milestones that locate pages of long lists, and the latest record of each slot beside the records. This command recomputes them from the records, in one snapshot, and compares. Servers keep running meanwhile. It neither creates nor migrates a database.

It also reports records with times more than a minute ahead of the database's clock, which earlier versions imported. --repair sets their updated_at and last_seen_at to now, or to created_at if that is later. It leaves created_at, and a created_at ahead does not change the exit code.

The exit code is 0 if everything matches the records, or was repaired, and 1 if not.`
}

func (c *verifyCommand) Run(ctx context.Context, streams Streams) error {
	if err := validateDatabase(&c.Database); err != nil {
		return err
	}
	// Without a statement timeout: a long history takes long to read.
	s, err := openExisting(ctx, &c.Database, store.Options{}, slog.New(slog.NewTextHandler(streams.Err, nil)))
	if err != nil {
		return err
	}
	defer s.Close()
	if len(c.Organization) == 0 {
		if c.Organization, err = s.Organizations(ctx); err != nil {
			return err
		}
	}
	if len(c.Organization) == 0 {
		_, err := fmt.Fprintln(streams.Out, "0 organizations")
		return err
	}
	var derived, ahead int64
	for _, organization := range c.Organization {
		found, err := c.verify(ctx, s, organization, streams)
		if err != nil {
			return fmt.Errorf("organization %s: %w", deployments.Quote(organization), err)
		}
		derived += found.Found - found.Ahead
		ahead += found.Ahead
	}
	switch {
	case derived > 0:
		return errors.New("data kept beside the records differs from them; the records themselves are intact: run deployrecords verify --repair, and report a bug")
	case ahead > 0:
		return fmt.Errorf("%s with times ahead of the clock: run deployrecords verify --repair, which sets them to now", count(ahead, "record"))
	}
	return nil
}

// verify verifies an organization, and repairs it if necessary and wanted. It returns the last verification.
func (c *verifyCommand) verify(ctx context.Context, s *store.Store, organization string, streams Streams) (*store.Verification, error) {
	found, err := s.Verify(ctx, organization)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, errors.New("does not exist")
	}
	printVerification(found, streams)
	if found.Found == 0 || !c.Repair {
		return found, nil
	}
	if err := s.Repair(ctx, organization); err != nil {
		return nil, err
	}
	if found, err = s.Verify(ctx, organization); err != nil {
		return nil, err
	}
	fmt.Fprint(streams.Out, "repaired; ")
	printVerification(found, streams)
	return found, nil
}

func printVerification(v *store.Verification, streams Streams) {
	fmt.Fprintf(streams.Out, "%s: %s, %s, %s, %s, %s: ", visible(v.Organization), count(v.Records, "record"), count(v.Slots, "slot"),
		count(v.Totals, "total"), count(v.Milestones, "milestone"), count(v.Pending, "pending change"))
	if v.Found == 0 {
		fmt.Fprintln(streams.Out, "consistent")
	} else {
		fmt.Fprintln(streams.Out, count(v.Found, "difference"))
	}
	printSome(v.Faults, v.Found, streams)
	printSome(v.Notices, v.Noticed, streams)
}

// count returns a number with its noun: 1 record, 2 records.
func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// printSome prints lines and how many more there are.
func printSome(lines []string, all int64, streams Streams) {
	for _, line := range lines {
		fmt.Fprintln(streams.Out, "  "+visible(line))
	}
	if more := all - int64(len(lines)); more > 0 {
		fmt.Fprintf(streams.Out, "  and %d more\n", more)
	}
}
