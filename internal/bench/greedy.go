package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/deployrecords/deployrecords/internal/contract"
)

// This file has the data and the requests of the greedy organization in the scenario fairness.

// greedyDigest is the digest of every record of the greedy organization.
var greedyDigest = "sha256:" + strings.Repeat("a", 64)

// greedyDataset creates a database with one artifact that is deployed that many times.
func (t *testbed) greedyDataset(ctx context.Context, records int) (*dataset, error) {
	d, err := t.emptyDataset(ctx, "fairness")
	if err != nil {
		return nil, err
	}
	d.records = records
	t.logf("importing %s records of one artifact", grouped(float64(records)))
	history := pipe(func(w io.Writer) error {
		for i := range records {
			if _, err := io.WriteString(w, greedyLine(i, fmt.Sprint("env-", i%50), fmt.Sprint("app-", i/50%100))); err != nil {
				return err
			}
		}
		return nil
	})
	defer history.Close()
	if _, _, err := importRecords(ctx, t.program, d.url, greedyOrganization, history); err != nil {
		return nil, err
	}
	return d, t.exec(ctx, d.name, "VACUUM ANALYZE", "CHECKPOINT")
}

// greedyLine returns a line of an import.
func greedyLine(i int, environment, deployment string) string {
	return fmt.Sprintf(`{"id":"%08x-0000-4000-8000-%012x","environment_name":%q,"deployment_name":%q,"status":"SUPERSEDED","created_at":%q,"artifact":{"kind":"CONTAINER_IMAGE","name":"greedy","version":"1","digest":%q}}`+"\n",
		len(environment), i, environment, deployment, historyEnd.Add(-time.Duration(i)*time.Second).Format(time.RFC3339), greedyDigest)
}

// greedyBatch returns a batch that records the same slots each time.
func greedyBatch(items int) string {
	var body bytes.Buffer
	for i := range items {
		if i > 0 {
			body.WriteByte(',')
		}
		body.WriteString(recordingBody("batch", fmt.Sprint("app-", i)))
	}
	return `{"deployments":[` + body.String() + `]}`
}

// recordIntoImport starts an import that adds an environment and then waits for more lines, and clients that record into it.
func (t *testbed) recordIntoImport(ctx context.Context, s *server) (stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	environment := fmt.Sprint("import-", time.Now().UnixNano())
	reader, writer := io.Pipe()
	imported := make(chan error, 1)
	go func() {
		_, _, err := importRecords(ctx, t.program, s.url, greedyOrganization, reader)
		_ = reader.CloseWithError(context.Canceled)
		imported <- err
	}()
	end := func() {
		cancel()
		_ = writer.Close()
		<-imported //nolint:errcheck // the import is interrupted
	}
	for i := range 20_000 {
		if _, err := io.WriteString(writer, greedyLine(i, environment, "app")); err != nil {
			end()
			return nil, fmt.Errorf("the import ended: %w", err)
		}
	}
	f := s.startFlood(ctx, 12, s.request(http.MethodPost, contract.RecordingPath, recordingBody(environment, "app")))
	return func() { end(); f.stop() }, waitForLock(ctx, s.source)
}

// waitForLock waits until a session of the database waits for a lock.
func waitForLock(ctx context.Context, source string) error {
	conn, err := pgx.Connect(ctx, source)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		var waiting int
		if err := conn.QueryRow(ctx, `SELECT count(*) FROM pg_locks WHERE NOT granted`).Scan(&waiting); err != nil || waiting > 0 {
			return err
		}
	}
	return fmt.Errorf("no recording waits for the import")
}
