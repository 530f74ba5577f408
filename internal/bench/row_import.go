package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"

	"github.com/deployrecords/deployrecords/internal/demo"
	"github.com/deployrecords/deployrecords/internal/importer"
)

// imports is how many records a second the import command loads into a database that holds many, against COPY of the
// same rows into a copy of the record table. A tenth of as many records as there were is loaded for each
// pair; one more import loads as many as there were at once, for its memory.
func imports(ctx context.Context, l *lab) ([]Figure, error) {
	records := min(l.records, 1_000_000)
	d, err := l.dataset(ctx, records)
	if err != nil {
		return nil, err
	}
	// A copy, since other rows ask the first.
	const name = "imports"
	if err := l.exec(ctx, "postgres", "DROP DATABASE IF EXISTS "+name); err != nil {
		return nil, err
	}
	if err := l.exec(ctx, "postgres", "CREATE DATABASE "+name+" TEMPLATE "+d.name+" STRATEGY file_copy"); err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, l.url(name))
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, sql := range []string{
		"CREATE TABLE record_copy (LIKE deployment_records INCLUDING ALL)",
		"INSERT INTO record_copy SELECT * FROM deployment_records",
		"VACUUM ANALYZE record_copy",
		"CHECKPOINT", // not one while something is measured
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return nil, err
		}
	}

	lines := max(1, records/10)
	file := filepath.Join(l.dir, "lines.ndjson")
	defer os.Remove(file)
	n := uint64(0)
	// The second of a pair needs the rows of the first, so the import always goes first.
	var imported, copied, ratios []float64
	for range l.effort.Pairs {
		n++
		l.say("import: pair %d of %d, %s records", n, l.effort.Pairs, grouped(float64(lines)))
		if err := writeLines(file, func(w io.Writer) error { return l.more(w, lines, n) }); err != nil {
			return nil, err
		}
		took, err := l.importFile(ctx, conn, file)
		if err != nil {
			return nil, err
		}
		tookCopy, err := copyNewRows(ctx, conn, lines)
		if err != nil {
			return nil, err
		}
		a, b := float64(lines)/took, float64(lines)/tookCopy
		imported, copied, ratios = append(imported, a), append(copied, b), append(ratios, a/b)
	}
	figures := []Figure{{
		What:     fmt.Sprintf("import of %s records into a database of %s, against COPY into a copy of the record table", grouped(float64(lines*l.effort.Pairs)), grouped(float64(records))),
		Measured: perSecond(median(imported)), Against: perSecond(median(copied)), Value: median(ratios), Limit: atLeast(0.4, 0.8), Pairs: len(ratios),
	}}
	l.say("import: %s records at once, for the memory", grouped(float64(records)))
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(l.more(writer, records, n+1)) }()
	_, peak, err := l.importInto(ctx, l.program, l.url(name), great, reader)
	_ = reader.Close()
	if err != nil {
		return figures, err
	}
	return append(figures, memoryFigure(fmt.Sprintf("memory of an import of %s lines", grouped(float64(records))), peak)), nil
}

// more writes new records of the great organization: another history in its environments, which are found by name.
func (l *lab) more(w io.Writer, records int, number uint64) error {
	o := l.history(great, records)
	o.Seed = 1000 + number
	reader, writer := io.Pipe()
	defer reader.Close() // lets the generator end if writing fails
	go func() { writer.CloseWithError(demo.Generate(writer, o)) }()
	var line []byte
	for entry, err := range importer.Entries(reader, o.End) {
		if err != nil {
			return err
		}
		entry.Record.EnvironmentID, entry.Record.LogicalEnvironmentID = "", ""
		if line, err = importer.AppendLine(line[:0], entry); err != nil {
			return err
		}
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) importFile(ctx context.Context, conn *pgx.Conn, name string) (float64, error) {
	file, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	seconds, _, err := l.importInto(ctx, l.program, conn.Config().ConnString(), great, file)
	return seconds, err
}

// copyNewRows copies what has come into deployment_records since the last time, and gives the seconds that it took to
// load it.
func copyNewRows(ctx context.Context, conn *pgx.Conn, want int) (float64, error) {
	var rows bytes.Buffer
	const fresh = "SELECT * FROM deployment_records r WHERE NOT EXISTS (SELECT FROM record_copy c WHERE c.id = r.id)"
	tag, err := conn.PgConn().CopyTo(ctx, &rows, "COPY ("+fresh+") TO STDOUT")
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
