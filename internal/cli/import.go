package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/deployrecords/deployrecords/internal/config"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/importer"
	"github.com/deployrecords/deployrecords/internal/metrics"
	"github.com/deployrecords/deployrecords/internal/store"
)

type importCommand struct {
	config.Database
	config.Organizations
	Organization string   `required:"" placeholder:"KEY" help:"Organization of the records. It is created if it does not exist."`
	MetricsFile  string   `name:"metrics-file" placeholder:"FILE" help:"After a success, replace this file by metrics of the import for the textfile collector of Prometheus's node_exporter; its name ends with .prom."`
	Files        []string `arg:"" name:"file" help:"NDJSON files in UTF-8 or, with a byte order mark, UTF-16, plain or gzipped; - is standard input."`
}

// Help is printed by import --help.
func (importCommand) Help() string {
	return `Each line is a record as GET /v1/deployments returns it, with an optional project_versions: [{"project_name": "web", "project_version_name": "v1.2"}]. The id of the record is required. environment_id, logical_environment_id and artifact_id may be left out: the import finds them by name (an artifact by kind, name, version and digest) or creates them. updated_at and last_seen_at default to created_at. It loads a whole file or nothing, and reports errors by line and field. A second import of the same file changes nothing. Files are imported in order; the first one that fails ends the command.

Examples:

  deployrecords import --organization acme records.ndjson more.ndjson.gz
  zcat records.ndjson.gz | deployrecords import --organization acme -`
}

func (c *importCommand) Run(ctx context.Context, streams Streams) error {
	violations := checkOrganizations(&c.Organizations)
	if err := deployments.CheckOrganization(c.Organization); err != nil {
		violations = append(violations, fmt.Errorf("--organization: %w", err))
	} else if !c.Includes(c.Organization) {
		violations = append(violations, fmt.Errorf("--organization: %s is not one of --organizations", deployments.Quote(c.Organization)))
	}
	if err := validateDatabase(&c.Database, violations...); err != nil {
		return err
	}
	for i, file := range c.Files {
		if err := checkReadable(file); err != nil {
			return importError(file, slices.Concat(c.Files[:i], c.Files[i+1:]), err)
		}
	}
	collectOften()
	// Without a statement timeout: a large import may take long.
	s, err := openStore(ctx, &c.Database, store.Options{}, slog.New(slog.NewTextHandler(streams.Err, nil)))
	if err != nil {
		return err
	}
	defer s.Close()
	clock, err := s.Clock(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	var sum deployments.ImportSummary
	for i, file := range c.Files {
		summary, err := importFile(ctx, s, clock, c.Organization, file, streams)
		if err != nil {
			return importError(file, c.Files[i+1:], err)
		}
		fmt.Fprintf(streams.Out, "%s: %d added, %d changed, %d unchanged\n", file, summary.Added, summary.Changed, summary.Unchanged)
		sum.Added += summary.Added
		sum.Changed += summary.Changed
		sum.Unchanged += summary.Unchanged
	}
	if c.MetricsFile == "" {
		return nil
	}
	if err := metrics.WriteImport(c.MetricsFile, sum, time.Now(), time.Since(began)); err != nil {
		return fmt.Errorf("the files were loaded, and --metrics-file could not be written: %w", err)
	}
	return nil
}

// checkReadable returns an error for a file that can't be read, before a mistyped name creates a database. It opens regular
// files only, since a pipe can be opened once.
func checkReadable(name string) error {
	if name == "-" {
		return nil
	}
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return errors.New("is a directory")
	case !info.Mode().IsRegular():
		return nil
	}
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	return file.Close()
}

// progressFrom is the size in bytes of the smallest file whose import shows its progress. A bar of a second only flickers.
const progressFrom = 8 << 20

func importFile(ctx context.Context, s deployments.Store, clock func() time.Time, organization, name string, streams Streams) (deployments.ImportSummary, error) {
	input, size, stderr := streams.In, int64(-1), streams.Err
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
		if size >= 0 && size < progressFrom {
			stderr = nil
		}
	}
	if bar := newProgressBar(stderr, size, name, progressbar.OptionShowBytes(true)); bar != nil {
		defer func() { _ = bar.Clear() }()
		reader := progressbar.NewReader(input, bar)
		input = &reader
	}
	return s.Import(ctx, organization, importer.Entries(bufio.NewReaderSize(input, 1<<16), clock))
}

// importError adds the names of the files that were not loaded: this one and those after it.
func importError(name string, after []string, err error) error {
	if invalid, ok := errors.AsType[*deployments.ImportError](err); ok {
		err = fmt.Errorf("%s has faults; nothing was loaded:\n  %s", name, strings.ReplaceAll(invalid.Error(), "\n", "\n  "))
	} else {
		err = fmt.Errorf("%s: nothing was loaded: %w", name, err)
	}
	if len(after) > 0 {
		err = fmt.Errorf("%w\nnot read: %s", err, strings.Join(after, ", "))
	}
	return err
}
