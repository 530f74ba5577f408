package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
				return nil, err
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
	same, err := l.sameAsPostgreSQL(ctx, s, records)
	s.stop()
	if err != nil {
		return nil, err
	}
	figures = append(figures, same)
	pages, err := l.deepPages(ctx, d, nil)
	for _, f := range pages {
		f.What = "SQLite: " + f.What
		figures = append(figures, f)
	}
	return figures, err
}

// sameAsPostgreSQL has the program's conform ask both databases the same.
func (l *lab) sameAsPostgreSQL(ctx context.Context, s *server, records int) (Figure, error) {
	d, err := l.dataset(ctx, records)
	if err != nil {
		return Figure{}, err
	}
	b, err := d.busiest(ctx)
	if err != nil {
		return Figure{}, err
	}
	other, err := l.serve(ctx, l.program, d.url)
	if err != nil {
		return Figure{}, err
	}
	defer other.stop()
	token := filepath.Join(l.dir, "token")
	if err := os.WriteFile(token, []byte(s.token), 0o600); err != nil {
		return Figure{}, err
	}
	l.say("sqlite: the same questions to PostgreSQL")
	cmd := exec.CommandContext(ctx, l.program, "conform", "--strict", "--output", "json", "--requests", "6000",
		"--value", "project_name="+b.project, "--value", "project_version_name="+b.projectVersion,
		"--url", "http://"+s.address, "--token-file", token, "--compare", "http://"+other.address, "--compare-token-file", token)
	cmd.Env = []string{}
	out, err := cmd.Output()
	var ended *exec.ExitError
	if err != nil && (!errors.As(err, &ended) || ended.ExitCode() != 1) { // 1: there is something to report
		return Figure{}, fmt.Errorf("conform: %w\n%s", err, out)
	}
	var report struct {
		Rules []struct {
			ID     string `json:"id"`
			Faults int    `json:"faults"`
		} `json:"rules"`
		Comparison struct {
			Asked     int `json:"asked"`
			Different int `json:"different"`
		} `json:"comparison"`
	}
	if err := json.Unmarshal(out, &report); err != nil {
		return Figure{}, fmt.Errorf("conform: %w", err)
	}
	asked, same := float64(report.Comparison.Asked), float64(report.Comparison.Asked-report.Comparison.Different)
	for _, rule := range report.Rules {
		if rule.Faults > 0 {
			return Figure{}, fmt.Errorf("conform: on SQLite, the rule %s is broken", rule.ID)
		}
	}
	return Figure{
		What:     fmt.Sprintf("SQLite, %s records: answers to conform --strict that are PostgreSQL's, of all that were compared", grouped(float64(records))),
		Measured: grouped(same), Against: grouped(asked), Value: same / asked, Limit: &Limit{Bar: 1},
	}, nil
}
