package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// inSQLite is what the server does on an SQLite file: whether its answers are those of PostgreSQL with the same records,
// and without a bar how fast they are.
func inSQLite(ctx context.Context, l *lab) ([]Figure, error) {
	records := min(l.records, 1_000_000)
	d, err := l.sqliteDataset(ctx, records)
	if err != nil {
		return nil, err
	}
	s, err := l.serve(ctx, l.program, d.url)
	if err != nil {
		return nil, err
	}
	var figures []Figure
	for _, size := range []int{20, 100} {
		served := servedRate(l, s, size)
		var rates []float64
		for n := range l.effort.Pairs + 1 {
			l.say("sqlite, %d a page: run %d of %d", size, n, l.effort.Pairs)
			rate, err := served(ctx)
			if err != nil {
				s.stop()
				return figures, err
			}
			if n > 0 { // the first is to warm up
				rates = append(rates, rate)
			}
		}
		figures = append(figures, Figure{
			What:     fmt.Sprintf("SQLite, %s records: default listing, %d connections, %d a page", grouped(float64(records)), connections, size),
			Measured: perSecond(median(rates)),
		})
	}
	same, differs := l.sameAsPostgreSQL(ctx, s, records)
	s.stop()
	figures = append(figures, same)
	pages, err := l.deepPages(ctx, d, nil) // wrong answers have a speed, too
	for _, f := range pages {
		f.What = "SQLite: " + f.What
		figures = append(figures, f)
	}
	return figures, errors.Join(differs, err)
}

// sameAsPostgreSQL has the program's conform ask both databases the same. Where there is an error, the figure is a failed
// one.
func (l *lab) sameAsPostgreSQL(ctx context.Context, s *server, records int) (Figure, error) {
	f := Figure{
		What:  fmt.Sprintf("SQLite, %s records: answers to conform --strict that are PostgreSQL's, of all that were compared", grouped(float64(records))),
		Limit: &Limit{Bar: 1},
	}
	report, err := l.conform(ctx, s, records)
	if err == nil {
		err = report.fault()
	}
	if err != nil {
		return failed(f.What, err), err
	}
	asked, same := float64(report.Comparison.Asked), float64(report.Comparison.Asked-report.Comparison.Different)
	f.Measured, f.Against, f.Value = grouped(same), grouped(asked), same/asked
	return f, nil
}

// conformReport is what is looked at of a report of conform.
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

// fault says why the answers that are the same prove nothing. Those that differ are no fault: they are counted.
func (r *conformReport) fault() error {
	compared := fmt.Sprintf("%s of %s answers differ from PostgreSQL's", grouped(float64(r.Comparison.Different)), grouped(float64(r.Comparison.Asked)))
	var broken []string
	for _, rule := range r.Rules {
		if rule.Faults > 0 {
			broken = append(broken, rule.ID)
		}
	}
	switch {
	case len(broken) > 0:
		return fmt.Errorf("conform: SQLite breaks %s; %s", strings.Join(broken, ", "), compared)
	case r.Broken != "":
		return fmt.Errorf("conform could not judge all: %s; %s", r.Broken, compared)
	case r.Comparison.Asked == 0:
		return errors.New("conform compared no answers")
	}
	return nil
}

func (l *lab) conform(ctx context.Context, s *server, records int) (*conformReport, error) {
	d, err := l.dataset(ctx, records)
	if err != nil {
		return nil, err
	}
	b, err := d.busiest(ctx)
	if err != nil {
		return nil, err
	}
	other, err := l.serve(ctx, l.program, d.url)
	if err != nil {
		return nil, err
	}
	defer other.stop()
	token := filepath.Join(l.dir, "token")
	if err := os.WriteFile(token, []byte(s.token), 0o600); err != nil {
		return nil, err
	}
	l.say("sqlite: the same questions to PostgreSQL")
	cmd := exec.CommandContext(ctx, l.program, "conform", "--strict", "--output", "json", "--requests", "6000",
		"--value", "project_name="+b.project, "--value", "project_version_name="+b.projectVersion,
		"--url", "http://"+s.address, "--token-file", token, "--compare", "http://"+other.address, "--compare-token-file", token)
	cmd.Env = []string{}
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	var ended *exec.ExitError
	if err != nil && (!errors.As(err, &ended) || ended.ExitCode() != 1) { // 1: there is something to report
		return nil, fmt.Errorf("conform: %w: %s%s", err, said.String(), out)
	}
	report := new(conformReport)
	if err := json.Unmarshal(out, report); err != nil {
		return nil, fmt.Errorf("conform: %w: %s%s", err, said.String(), out)
	}
	return report, nil
}
