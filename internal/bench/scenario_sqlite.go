package bench

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

var sqlite = scenario{name: "sqlite", measure: measureSQLite, description: `
Whether the command conform finds the answers of a server on an SQLite file equal to those of a server on PostgreSQL with
the same records. The ratio is the share of equal answers. The rate of default listings is compared with that of the hand-written
join of listing by the driver alone, in one process. Durations on SQLite are only reported, besides the time of the matrix as in the
scenario matrix.`}

func measureSQLite(ctx context.Context, t *testbed) ([]Result, error) {
	records := min(t.Records, 1_000_000)
	d, err := t.sqliteDataset(ctx, records)
	if err != nil {
		return nil, err
	}
	s, err := t.serve(ctx, t.program, d)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	var results []Result
	for _, pageSize := range []int{20, 100} {
		what := fmt.Sprintf("SQLite, %s records: default listing, %d connections, %d a page, against the driver", grouped(float64(records)), connections, pageSize)
		result, err := t.compareDriver(ctx, what, s, pageSize)
		if err != nil {
			return results, err
		}
		results = append(results, result)
	}
	matrices, err := t.compareMatrix(ctx, s, "SQLite: ")
	results = append(results, matrices...)
	if err != nil {
		return results, err
	}
	equal, errEqual := t.equalAnswers(ctx, s)
	results = append(results, equal)
	v, err := s.frequentValues(ctx)
	if err != nil {
		return results, err
	}
	pages, err := t.deepPages(ctx, s, append(v.deepQueries(), v.deepPairs()...))
	for _, r := range pages {
		r.What, r.Threshold = "SQLite: "+r.What, nil
		results = append(results, r)
	}
	return results, errors.Join(errEqual, err)
}

// compareDriver compares the rate of default listings with that of handwrittenPage by the driver of database/sql, in this process
// and with a connection for each processor.
func (t *testbed) compareDriver(ctx context.Context, what string, s *server, pageSize int) (Result, error) {
	db, err := sql.Open(s.driver, s.source)
	if err != nil {
		return Result{}, err
	}
	defer db.Close()
	db.SetMaxOpenConns(runtime.NumCPU())
	db.SetMaxIdleConns(runtime.NumCPU())
	organization, err := s.organizationID(ctx)
	if err != nil {
		return Result{}, err
	}
	page, err := db.PrepareContext(ctx, strings.ReplaceAll(fmt.Sprintf(handwrittenPage, pageSize), ":organization", "?"))
	if err != nil {
		return Result{}, err
	}
	defer page.Close()
	read := func() error { return readAll(ctx, page, organization) }
	bare := &clients{send: slices.Repeat([]func() error{read}, connections)}
	driver := func(ctx context.Context) (float64, error) { return bare.saturate(ctx, t.Duration) }
	return t.compareRates(ctx, what, t.listingRate(s, pageSize), driver, atLeast(0.6, 0.8))
}

// readAll scans the rows of a statement.
func readAll(ctx context.Context, statement *sql.Stmt, args ...any) error {
	rows, err := statement.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values := make([]any, len(columns))
	for i := range values {
		values[i] = new(any)
	}
	for rows.Next() {
		if err := rows.Scan(values...); err != nil {
			return err
		}
	}
	return rows.Err()
}

// equalAnswers returns the share of answers that both databases have in common.
func (t *testbed) equalAnswers(ctx context.Context, s *server) (Result, error) {
	r := Result{
		What:      fmt.Sprintf("SQLite, %s records: answers to conform --strict that equal PostgreSQL's", grouped(float64(s.records))),
		Threshold: atLeast(1, 0),
	}
	report, err := t.conform(ctx, s)
	if err == nil {
		err = report.err()
	}
	if err != nil {
		return errorResult(r.What, err), err
	}
	asked, equal := float64(report.Comparison.Asked), float64(report.Comparison.Asked-report.Comparison.Different)
	r.Measured, r.Baseline, r.Value = grouped(equal), grouped(asked), equal/asked
	return r, nil
}

// conformReport is the part of a conform report that the comparison needs.
type conformReport struct {
	Rules []struct {
		ID     string `json:"id"`
		Faults int    `json:"faults"`
	} `json:"rules"`
	Broken     string `json:"broken"`
	Comparison struct {
		Asked     int `json:"asked"`
		Different int `json:"different"`
	} `json:"comparison"`
}

// err returns why equal answers prove nothing: both servers may break the same rules. Differing answers are no error.
func (r *conformReport) err() error {
	differ := fmt.Sprintf("%s of %s answers differ from PostgreSQL's", grouped(float64(r.Comparison.Different)), grouped(float64(r.Comparison.Asked)))
	var broken []string
	for _, rule := range r.Rules {
		if rule.Faults > 0 {
			broken = append(broken, rule.ID)
		}
	}
	switch {
	case len(broken) > 0:
		return fmt.Errorf("conform: SQLite breaks %s; %s", strings.Join(broken, ", "), differ)
	case r.Broken != "":
		return fmt.Errorf("conform is incomplete: %s; %s", r.Broken, differ)
	case r.Comparison.Asked == 0:
		return errors.New("conform compared no answers")
	}
	return nil
}

// conform runs the command on the server and on a PostgreSQL server with the same records.
func (t *testbed) conform(ctx context.Context, s *server) (*conformReport, error) {
	other, err := t.serveRecords(ctx, s.records)
	if err != nil {
		return nil, err
	}
	defer other.stop()
	v, err := other.frequentValues(ctx)
	if err != nil {
		return nil, err
	}
	token := filepath.Join(t.dir, "token")
	if err := os.WriteFile(token, []byte(s.token), 0o600); err != nil {
		return nil, err
	}
	args, err := unsupportedFlags()
	if err != nil {
		return nil, err
	}
	t.logf("sqlite: the same requests to PostgreSQL")
	args = append([]string{
		"conform", "--strict", "--output", "json", "--requests", strconv.Itoa(min(6000, t.Records)),
		"--value", "project_name=" + v.project, "--value", "project_version_name=" + v.projectVersion,
		"--url", "http://" + s.address, "--token-file", token, "--compare", "http://" + other.address, "--compare-token-file", token,
	}, args...)
	cmd := exec.CommandContext(ctx, t.program, args...)
	cmd.Env = []string{}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	report := new(conformReport)
	if exit := new(exec.ExitError); err == nil || errors.As(err, &exit) && exit.ExitCode() == 1 { // 1: the report has findings
		err = json.Unmarshal(out, report)
	}
	if err != nil {
		return nil, fmt.Errorf("conform: %w: %s%s", err, &stderr, out)
	}
	return report, nil
}
