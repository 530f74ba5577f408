package bench

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/deployrecords/deployrecords/internal/demo"
)

// The large organization has nine tenths of the records. The small one adds records that every query must exclude.
const (
	largeOrganization = "large"
	smallOrganization = "small"
)

// historyEnd is the end of generated histories. It is in the past because the import command rejects later times.
var historyEnd = time.Date(2026, 11, 20, 17, 0, 0, 0, time.UTC)

// dataset is a database with generated records.
type dataset struct {
	name    string
	records int    // of both organizations
	url     string // for the server
	driver  string // of database/sql
	source  string // for the driver
}

// ofLargeOrganization returns how many of the records belong to the large organization.
func ofLargeOrganization(records int) int { return records / 10 * 9 }

// history returns the generator's options for an organization.
func (t *testbed) history(organization string, records int) demo.Options {
	if organization == largeOrganization {
		return demo.Options{Records: records, Slots: t.slots, Seed: 1, End: historyEnd}
	}
	return demo.Options{Records: records, Slots: slotCount(t.slots, 10), Seed: 2, End: historyEnd}
}

// slotCount returns how many slots a history has, within the generator's limits.
func slotCount(records, recordsPerSlot int) int { return min(max(60, records/recordsPerSlot), 20_000) }

// dataset returns a PostgreSQL database with that many records. The first call creates it.
func (t *testbed) dataset(ctx context.Context, records int) (*dataset, error) {
	return t.importDataset(ctx, t.program, "records", records)
}

// importDataset returns a database that the given release of the program has filled.
func (t *testbed) importDataset(ctx context.Context, program, prefix string, records int) (*dataset, error) {
	return t.filledDataset(ctx, fmt.Sprintf("%s_%d", prefix, records), records, func(d *dataset) error { return t.fill(ctx, program, d) })
}

// filledDataset returns the database of that name. The first call creates it and calls fill.
func (t *testbed) filledDataset(ctx context.Context, name string, records int, fill func(*dataset) error) (*dataset, error) {
	if d, ok := t.datasets[name]; ok {
		return d, nil
	}
	d, err := t.emptyDataset(ctx, name)
	if err != nil {
		return nil, err
	}
	d.records = records
	if err := fill(d); err != nil {
		return nil, err
	}
	t.datasets[name] = d
	// A database in use for some time has been vacuumed and checkpointed.
	return d, t.exec(ctx, name, "VACUUM ANALYZE", "CHECKPOINT")
}

// emptyDataset creates a PostgreSQL database.
func (t *testbed) emptyDataset(ctx context.Context, name string) (*dataset, error) {
	d := &dataset{name: name, url: t.url(name), driver: "pgx", source: t.url(name)}
	return d, t.exec(ctx, "postgres", "CREATE DATABASE "+name)
}

// sqliteDataset creates an SQLite database with that many records.
func (t *testbed) sqliteDataset(ctx context.Context, records int) (*dataset, error) {
	d := t.sqliteFile("records")
	d.records = records
	return d, t.fill(ctx, t.program, d)
}

// sqliteFile returns an SQLite database that a server creates.
func (t *testbed) sqliteFile(name string) *dataset {
	path := filepath.Join(t.dir, name+".db")
	return &dataset{name: "SQLite", url: "sqlite://" + path, driver: "sqlite", source: path}
}

// fill imports the records of both organizations.
func (t *testbed) fill(ctx context.Context, program string, d *dataset) error {
	large := ofLargeOrganization(d.records)
	for organization, records := range map[string]int{largeOrganization: large, smallOrganization: d.records - large} {
		t.logf("importing %s records of the %s organization into %s", grouped(float64(records)), organization, d.name)
		history := pipe(func(w io.Writer) error { return demo.Generate(w, t.history(organization, records)) })
		_, _, err := importRecords(ctx, program, d.url, organization, history)
		_ = history.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// pipe returns a reader of everything that write writes. Closing the reader makes write fail and end.
func pipe(write func(io.Writer) error) io.ReadCloser {
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(write(writer)) }()
	return reader
}

// importRecords runs the import command and returns its duration in seconds and its peak memory in bytes.
func importRecords(ctx context.Context, program, databaseURL, organization string, lines io.Reader) (seconds float64, peak int, err error) {
	cmd := exec.CommandContext(ctx, program, "import", "--organization", organization, "-")
	cmd.Env = []string{"DATABASE_URL=" + databaseURL}
	cmd.Stdin = lines
	var printed strings.Builder
	cmd.Stdout, cmd.Stderr = &printed, &printed
	seconds, err = timed(func() error {
		if err := cmd.Start(); err != nil {
			return err
		}
		defer watchMemory(cmd.Process.Pid, &peak)()
		return cmd.Wait()
	})
	if err != nil {
		err = fmt.Errorf("import: %w\n%s", err, &printed)
	}
	return seconds, peak, err
}

// watchMemory updates the peak memory of a process until stop is called: a process that has ended no longer has one.
func watchMemory(pid int, peak *int) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			*peak = max(*peak, peakMemory(pid))
			select {
			case <-end:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() { close(end); <-ended }
}

// peakMemory returns the largest resident set of a process in bytes, or 0 if the system does not report it. It does not
// use getrusage, where a child starts with its parent's peak.
func peakMemory(pid int) int { return procBytes(fmt.Sprintf("/proc/%d/status", pid), "VmHWM:") }
