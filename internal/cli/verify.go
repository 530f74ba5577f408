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
	Organization []string `placeholder:"KEY" help:"Only these organizations; without it, all of them. Repeatable."`
	Repair       bool     `help:"Rebuild what differs from the records, and verify again."`
}

// Help is printed by verify --help.
func (verifyCommand) Help() string {
	return `The server keeps the totals of lists, the milestones that locate pages of long lists, and the latest record of each slot beside the records. This command recomputes them from the records, in one snapshot, and compares. Servers keep running meanwhile.

The exit code is 0 if everything matches the records, or was repaired, and 1 if not.`
}

func (c *verifyCommand) Run(ctx context.Context, streams Streams) error {
	if err := validateDatabase(&c.Database); err != nil {
		return err
	}
	// Without a statement timeout: a long history takes long to read.
	s, err := openStore(ctx, &c.Database, store.Options{}, slog.New(slog.NewTextHandler(streams.Err, nil)))
	if err != nil {
		return err
	}
	defer s.Close()
	if len(c.Organization) == 0 {
		if c.Organization, err = s.Organizations(ctx); err != nil {
			return err
		}
	}
	consistent := true
	for _, organization := range c.Organization {
		ok, err := c.verify(ctx, s, organization, streams)
		if err != nil {
			return fmt.Errorf("organization %s: %w", deployments.Quote(organization), err)
		}
		consistent = consistent && ok
	}
	if !consistent {
		return errors.New("data kept beside the records differs from them; the records themselves are intact: run deployrecords verify --repair, and report a bug")
	}
	return nil
}

// verify verifies an organization, repairs it if necessary and wanted, and reports whether it is consistent then.
func (c *verifyCommand) verify(ctx context.Context, s *store.Store, organization string, streams Streams) (bool, error) {
	found, err := s.Verify(ctx, organization)
	if err != nil {
		return false, err
	}
	if found == nil {
		return false, errors.New("does not exist")
	}
	printVerification(found, streams)
	if found.Found == 0 || !c.Repair {
		return found.Found == 0, nil
	}
	if err := s.Repair(ctx, organization); err != nil {
		return false, err
	}
	if found, err = s.Verify(ctx, organization); err != nil {
		return false, err
	}
	fmt.Fprint(streams.Out, "repaired; ")
	printVerification(found, streams)
	return found.Found == 0, nil
}

func printVerification(v *store.Verification, streams Streams) {
	fmt.Fprintf(streams.Out, "%s: %d records, %d slots, %d totals, %d milestones, %d pending changes: ",
		v.Organization, v.Records, v.Slots, v.Totals, v.Milestones, v.Pending)
	if v.Found == 0 {
		fmt.Fprintln(streams.Out, "consistent")
		return
	}
	fmt.Fprintf(streams.Out, "%d differences\n", v.Found)
	for _, fault := range v.Faults {
		fmt.Fprintln(streams.Out, "  "+fault)
	}
	if more := v.Found - int64(len(v.Faults)); more > 0 {
		fmt.Fprintf(streams.Out, "  and %d more\n", more)
	}
}
