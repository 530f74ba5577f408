package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/deployrecords/deployrecords/internal/demo"
)

// The great organization has nine tenths of the records; the small one is there to be kept apart from it.
const (
	great = "great"
	small = "small"
)

// historyEnd is when made-up histories end: in the past, for they are imported now.
var historyEnd = time.Date(2026, 11, 20, 17, 0, 0, 0, time.UTC)

// dataset is a database with made-up records.
type dataset struct {
	name    string
	records int    // of both organizations
	url     string // as the server takes it
	driver  string // of database/sql, with its name for the database
	source  string
}

// history is one of the great or the small organization, of so many records and as many slots as all of the
// benchmark's have.
func (l *lab) history(organization string, records int) demo.Options {
	if organization == great {
		return demo.Options{Records: records, Slots: l.slots, Seed: 1, End: historyEnd}
	}
	return demo.Options{Records: records, Slots: fewSlots(l.slots, 10), Seed: 2, End: historyEnd}
}

// fewSlots is so many slots for so many records each, as far as histories can be made.
func fewSlots(records, each int) int { return min(max(60, records/each), 20_000) }

// dataset is a PostgreSQL database with so many records.
func (l *lab) dataset(ctx context.Context, records int) (*dataset, error) {
	return l.datasetBy(ctx, l.program, "records", records)
}

// datasetBy is one that another release of the program may have made, made at the first call.
func (l *lab) datasetBy(ctx context.Context, program, prefix string, records int) (*dataset, error) {
	name := fmt.Sprintf("%s_%d", prefix, records)
	if d, ok := l.made[name]; ok {
		return d, nil
	}
	if err := l.exec(ctx, "postgres", "CREATE DATABASE "+name); err != nil {
		return nil, err
	}
	d := &dataset{name: name, records: records, url: l.url(name), driver: "pgx", source: l.url(name)}
	if err := l.fill(ctx, program, d); err != nil {
		return nil, err
	}
	// Measurements are not to meet what a long-lived database has behind it.
	if err := l.exec(ctx, name, "VACUUM ANALYZE"); err != nil {
		return nil, err
	}
	l.made[name] = d
	return d, l.exec(ctx, name, "CHECKPOINT")
}

// sqliteDataset is an SQLite database with so many records.
func (l *lab) sqliteDataset(ctx context.Context, records int) (*dataset, error) {
	path := filepath.Join(l.dir, "records.db")
	d := &dataset{name: "SQLite", records: records, url: "sqlite://" + path, driver: "sqlite", source: path}
	return d, l.fill(ctx, l.program, d)
}

// fill imports both organizations.
func (l *lab) fill(ctx context.Context, program string, d *dataset) error {
	ninetyPercent := d.records / 10 * 9
	for organization, records := range map[string]int{great: ninetyPercent, small: d.records - ninetyPercent} {
		l.say("importing %s records of the %s organization into %s", grouped(float64(records)), organization, d.name)
		reader, writer := io.Pipe()
		go func() { writer.CloseWithError(demo.Generate(writer, l.history(organization, records))) }()
		_, _, err := l.importInto(ctx, program, d.url, organization, reader)
		_ = reader.Close() // lets the generator end if the import did before
		if err != nil {
			return err
		}
	}
	return nil
}

// importInto runs the import command, and gives how many seconds it took and how many bytes of memory.
func (l *lab) importInto(ctx context.Context, program, databaseURL, organization string, lines io.Reader) (seconds float64, peak int, err error) {
	cmd := exec.CommandContext(ctx, program, "import", "--organization", organization, "-")
	cmd.Env = []string{"DATABASE_URL=" + databaseURL}
	cmd.Stdin = lines
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	seconds, err = timed(func() error {
		if err := cmd.Start(); err != nil {
			return err
		}
		stop := watchMemory(cmd.Process.Pid, &peak)
		defer stop()
		return cmd.Wait()
	})
	if err != nil {
		err = fmt.Errorf("import: %w\n%s", err, said.String())
	}
	return seconds, peak, err
}

// watchMemory keeps the peak of a process's memory up to date until it is stopped. A process that has ended has none
// to be asked for.
func watchMemory(pid int, peak *int) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			if bytes := peakMemory(pid); bytes > 0 {
				*peak = bytes
			}
			select {
			case <-end:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() { close(end); <-ended }
}

// peakMemory is the greatest resident set that a process has had, in bytes; 0 if that is not told. Not the one of
// getrusage: a child's begins with that of its parent.
func peakMemory(pid int) int {
	var kilobytes int
	_, _ = fmt.Sscanf(firstLine(fmt.Sprintf("/proc/%d/status", pid), "VmHWM:"), "%d", &kilobytes)
	return kilobytes << 10
}

// writeLines writes a made-up history to a file.
func writeLines(path string, write func(io.Writer) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := write(file); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}
