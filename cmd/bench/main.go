// Command bench is make bench. It is not part of the server.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/deployrecords/deployrecords/internal/bench"
)

func main() {
	o := bench.DefaultOptions()
	o.Progress = os.Stderr
	flag.IntVar(&o.Records, "records", o.Records, "number of records in a database")
	flag.StringVar(&o.Scenario, "scenario", "", "run one scenario only: "+strings.Join(bench.Scenarios(), ", "))
	flag.StringVar(&o.Tree, "tree", ".", "root of the project")
	page := flag.String("page", "docs/performance.md", "file to write the page to, unless only one scenario runs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o, *page)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o bench.Options, page string) error {
	report, runErr := bench.Run(ctx, o)
	if err := report.WriteTable(os.Stdout); err != nil {
		return errors.Join(runErr, err)
	}
	// After an error the page is written too: the other results took long to measure.
	if len(report.Scenarios) == 0 || o.Scenario != "" {
		return runErr
	}
	file, err := os.Create(page)
	if err != nil {
		return errors.Join(runErr, err)
	}
	return errors.Join(runErr, report.WritePage(file), file.Close())
}
