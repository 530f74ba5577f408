package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/deployrecords/deployrecords/internal/config"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/importer"
	"github.com/deployrecords/deployrecords/internal/store"
)

type importCommand struct {
	config.Database
	Organization string   `required:"" placeholder:"KEY" help:"The organization that the records belong to; it is made if it is new."`
	Files        []string `arg:"" name:"file" help:"Files of NDJSON, gzipped or not; - is standard input."`
}

// Help is printed by import --help.
func (importCommand) Help() string {
	return `Each line is a record as GET /v1/deployments gives it, with an optional project_versions: [{"project_name": "web", "project_version_name": "v1.2"}]. Ids that are missing are found by name, or made. A file is loaded whole or not at all: what is wrong with it is told by line and field. Loading a file again changes nothing. Files are loaded in their order; the first that fails ends the command.

Examples:

  deployrecords import --organization acme records.ndjson more.ndjson.gz
  zcat records.ndjson.gz | deployrecords import --organization acme -`
}

func (c *importCommand) Run(ctx context.Context, streams Streams) error {
	if err := databaseFaults(&c.Database); err != nil {
		return err
	}
	if err := deployments.CheckOrganization(c.Organization); err != nil {
		return usageError{fmt.Errorf("--organization: %w", err)}
	}
	// No statement timeout: a large import takes what it takes.
	s, err := openStore(ctx, &c.Database, store.Options{}, slog.New(slog.NewTextHandler(streams.Err, nil)))
	if err != nil {
		return err
	}
	defer s.Close()
	for i, file := range c.Files {
		summary, err := importFile(ctx, s, c.Organization, file, streams)
		if err != nil {
			return importFailure(file, c.Files[i+1:], err)
		}
		fmt.Fprintf(streams.Out, "%s: %d added, %d changed, %d unchanged\n", file, summary.Added, summary.Changed, summary.Unchanged)
	}
	return nil
}

func importFile(ctx context.Context, s deployments.Store, organization, name string, streams Streams) (deployments.ImportSummary, error) {
	input, size := streams.In, int64(-1)
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return deployments.ImportSummary{}, err
		}
		defer file.Close()
		input = file
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			size = info.Size()
		}
	}
	if bar := progressBar(streams.Err, size, name); bar != nil {
		defer bar.Clear()
		reader := progressbar.NewReader(input, bar)
		input = &reader
	}
	return s.Import(ctx, organization, importer.Entries(bufio.NewReaderSize(input, 1<<16), time.Now()))
}

// progressBar is nil unless a person looks.
func progressBar(w io.Writer, size int64, name string) *progressbar.ProgressBar {
	terminal, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(terminal.Fd())) {
		return nil
	}
	return progressbar.NewOptions64(size,
		progressbar.OptionSetDescription(name),
		progressbar.OptionSetWriter(w),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionFullWidth(),
		progressbar.OptionUseANSICodes(true),
	)
}

// importFailure says what was not loaded: this file, and those after it.
func importFailure(name string, after []string, err error) error {
	var refused *deployments.ImportError
	if errors.As(err, &refused) {
		err = fmt.Errorf("%s has faults, and nothing of it was loaded:\n  %s", name, strings.ReplaceAll(refused.Error(), "\n", "\n  "))
	} else {
		err = fmt.Errorf("%s: nothing of it was loaded: %w", name, err)
	}
	if len(after) > 0 {
		err = fmt.Errorf("%w\nnot read: %s", err, strings.Join(after, ", "))
	}
	return err
}
