package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"github.com/jackc/pgx/v5"

	"github.com/deployrecords/deployrecords/internal/demo"
)

var imports = scenario{name: "import", measure: measureImport, description: `
How many records per second the import command loads from a file into a database with ten times as many. The baseline is
COPY of the same rows into a copy of the record table with its indexes. The ratio is the cost of validation, of look-ups
and of keeping counters and project sets.`}

func measureImport(ctx context.Context, t *testbed) ([]Result, error) {
	records := min(t.Records, 1_000_000)
	d, err := t.dataset(ctx, records)
	if err != nil {
		return nil, err
	}
	const name = "imports" // a copy: other scenarios need the original unchanged
	err = t.exec(ctx, "postgres", "DROP DATABASE IF EXISTS "+name, "CREATE DATABASE "+name+" TEMPLATE "+d.name+" STRATEGY file_copy")
	if err != nil {
		return nil, err
	}
	err = t.exec(ctx, name,
		"CREATE TABLE record_copy (LIKE deployment_records INCLUDING ALL)",
		"INSERT INTO record_copy SELECT * FROM deployment_records",
		"VACUUM ANALYZE record_copy",
		"CHECKPOINT") // now rather than during a measurement
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, t.url(name))
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))

	lines := max(1, records/10)
	var p pairs
	for n := range t.Pairs {
		t.logf("import: pair %d of %d, %s records", n+1, t.Pairs, grouped(float64(lines)))
		imported, err := t.importFile(ctx, t.url(name), lines, uint64(n+1))
		if err != nil {
			return nil, err
		}
		copied, err := copyNewRows(ctx, conn, lines) // the rows that the import wrote, so it always goes second
		if err != nil {
			return nil, err
		}
		p.add(float64(lines)/imported, float64(lines)/copied)
	}
	results := []Result{p.result(fmt.Sprintf("import of %s records into a database of %s, against COPY into a copy of the record table",
		grouped(float64(lines*t.Pairs)), grouped(float64(records))), perSecond, atLeast(0.65, 0.8))}

	t.logf("import: %s records at once, for the memory", grouped(float64(records)))
	more := pipe(func(w io.Writer) error { return t.writeNewRecords(w, records, uint64(t.Pairs+1)) })
	defer more.Close()
	_, peak, err := importRecords(ctx, t.program, t.url(name), largeOrganization, more)
	if err != nil {
		return results, err
	}
	return append(results, memoryResult(fmt.Sprintf("memory of an import of %s lines", grouped(float64(records))), peak)), nil
}

// importFile writes new records to a file and returns the seconds that importing it takes.
func (t *testbed) importFile(ctx context.Context, databaseURL string, lines int, seed uint64) (float64, error) {
	file, err := os.Create(filepath.Join(t.dir, "lines.ndjson"))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	if err := t.writeNewRecords(file, lines, seed); err != nil {
		return 0, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	duration, _, err := importRecords(ctx, t.program, databaseURL, largeOrganization, file)
	return duration, err
}

// environmentIDs are the members of a line that would clash with the ids of existing environments.
var environmentIDs = regexp.MustCompile(`"(logical_)?environment_id":"[^"]*",`)

// writeNewRecords writes another history of the large organization. Its environments have no ids, so that the import
// finds the existing ones by name.
func (t *testbed) writeNewRecords(w io.Writer, records int, seed uint64) error {
	options := t.history(largeOrganization, records)
	options.Seed = 1000 + seed
	history := pipe(func(w io.Writer) error { return demo.Generate(w, options) })
	defer history.Close()
	out := bufio.NewWriter(w)
	lines := bufio.NewScanner(history)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if _, err := out.Write(append(environmentIDs.ReplaceAll(lines.Bytes(), nil), '\n')); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return out.Flush()
}

// copyNewRows copies the rows that deployment_records has gained into record_copy and returns the seconds that loading
// them takes.
func copyNewRows(ctx context.Context, conn *pgx.Conn, want int) (float64, error) {
	var rows bytes.Buffer
	const missing = "SELECT * FROM deployment_records r WHERE NOT EXISTS (SELECT FROM record_copy c WHERE c.id = r.id)"
	tag, err := conn.PgConn().CopyTo(ctx, &rows, "COPY ("+missing+") TO STDOUT")
	if err == nil && tag.RowsAffected() != int64(want) {
		err = fmt.Errorf("%d records were imported, not %d", tag.RowsAffected(), want)
	}
	if err != nil {
		return 0, err
	}
	return timed(func() error {
		_, err := conn.PgConn().CopyFrom(ctx, &rows, "COPY record_copy FROM STDIN")
		return err
	})
}
