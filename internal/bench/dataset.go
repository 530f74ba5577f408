package bench

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

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

// history is one of the great or the small organization, of so many records in a company whose size does not depend
// on them.
func (l *lab) history(organization string, records int) demo.Options {
	if organization == great {
		return demo.Options{Records: records, Slots: l.slots, Seed: 1, End: historyEnd}
	}
	return demo.Options{Records: records, Slots: max(60, l.slots/10), Seed: 2, End: historyEnd}
}

// dataset is a PostgreSQL database with so many records, made at the first call.
func (l *lab) dataset(ctx context.Context, records int) (*dataset, error) {
	return l.datasetBy(ctx, l.program, fmt.Sprintf("records_%d", records), records)
}

// datasetBy is one that another release of the program may have made.
func (l *lab) datasetBy(ctx context.Context, program, name string, records int) (*dataset, error) {
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

// busiest are the values of the filters that most records of the great organization have: what is dearest to count
// and to skip.
type busiest struct {
	environment, logicalEnvironment, deployment, project, digest string
	// itsLogicalEnvironment is the environment's.
	itsLogicalEnvironment string
}

func (d *dataset) busiest(ctx context.Context) (b busiest, err error) {
	db, err := sql.Open(d.driver, d.source)
	if err != nil {
		return b, err
	}
	defer db.Close()
	const from = " FROM deployment_records r JOIN organizations o ON o.id = r.organization_id AND o.key = '" + great + "' "
	const most = " GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
	for text, value := range map[string]*string{
		"SELECT e.name" + from + "JOIN environments e ON e.id = r.environment_id" + most:                 &b.environment,
		"SELECT l.name" + from + "JOIN logical_environments l ON l.id = r.logical_environment_id" + most: &b.logicalEnvironment,
		"SELECT r.deployment_name" + from + most:                                                         &b.deployment,
		"SELECT a.digest" + from + "JOIN artifacts a ON a.id = r.artifact_id" + most:                     &b.digest,
		"SELECT p.name" + from + `JOIN project_version_artifacts pva ON pva.artifact_id = r.artifact_id
			JOIN project_versions pv ON pv.id = pva.project_version_id JOIN projects p ON p.id = pv.project_id` + most: &b.project,
	} {
		if err := db.QueryRowContext(ctx, text).Scan(value); err != nil {
			return b, fmt.Errorf("%s: %w", text, err)
		}
	}
	err = db.QueryRowContext(ctx, "SELECT l.name"+from+`JOIN environments e ON e.id = r.environment_id AND e.name = $1
		JOIN logical_environments l ON l.id = r.logical_environment_id`+most, b.environment).Scan(&b.itsLogicalEnvironment)
	return b, err
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

// organization is the number of the great organization.
func (d *dataset) organization(ctx context.Context) (id int64, err error) {
	db, err := sql.Open(d.driver, d.source)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, "SELECT id FROM organizations WHERE key = '"+great+"'").Scan(&id)
	return id, err
}
