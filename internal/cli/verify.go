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
	Organization []string `placeholder:"KEY" help:"Only these organizations; all by default. Repeat it for several."`
	Repair       bool     `help:"Make what is wrong anew from the records, and verify again."`
}

// Help is printed by verify --help.
func (verifyCommand) Help() string {
	return `Every total that the server answers with, the places from which it finds pages of long lists, and which record is the latest of its slot are kept beside the records. This counts them anew from the records, in one snapshot, and compares. Servers go on meanwhile.

The exit code is 0 if everything is as the records say (or was repaired), 1 if not.`
}

func (c *verifyCommand) Run(ctx context.Context, streams Streams) error {
	if err := databaseFaults(&c.Database); err != nil {
		return err
	}
	// No statement timeout: reading a long history takes what it takes.
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
	wrong := 0
	for _, organization := range c.Organization {
		right, err := c.one(ctx, s, organization, streams)
		if err != nil {
			return fmt.Errorf("organization %s: %w", deployments.Quote(organization), err)
		}
		if !right {
			wrong++
		}
	}
	if wrong > 0 {
		return errors.New("the records are as they were written, and what is kept beside them is not as they say: run deployrecords verify --repair, and report how it came to be")
	}
	return nil
}

// one verifies an organization, repairs it if that is asked for and needed, and tells whether it is right then.
func (c *verifyCommand) one(ctx context.Context, s *store.Store, organization string, streams Streams) (bool, error) {
	found, err := s.Verify(ctx, organization)
	if err != nil {
		return false, err
	}
	if found == nil {
		return false, errors.New("is not known")
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
	fmt.Fprintf(streams.Out, "%s: %d records, %d slots, %d totals, %d milestones, %d changes to be folded: ",
		v.Organization, v.Records, v.Slots, v.Totals, v.Milestones, v.Pending)
	if v.Found == 0 {
		fmt.Fprintln(streams.Out, "all as the records say")
		return
	}
	fmt.Fprintf(streams.Out, "%d wrong\n", v.Found)
	for _, fault := range v.Faults {
		fmt.Fprintln(streams.Out, "  "+fault)
	}
	if more := v.Found - int64(len(v.Faults)); more > 0 {
		fmt.Fprintf(streams.Out, "  and %d more\n", more)
	}
}
