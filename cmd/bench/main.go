// Command bench is make bench. It is no part of the server.
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
	o := bench.Options{Progress: os.Stderr, Effort: bench.DefaultEffort()}
	flag.IntVar(&o.Records, "records", 1_000_000, "how many records a database has")
	flag.StringVar(&o.Row, "row", "", "the one row to run: "+strings.Join(bench.Rows(), ", "))
	flag.StringVar(&o.Tree, "tree", ".", "the root of the project")
	page := flag.String("page", "docs/performance.md", "where to write the page; it is not written for one row alone")
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
	report, failed := bench.Run(ctx, o)
	if err := report.WriteTable(os.Stdout); err != nil {
		return errors.Join(failed, err)
	}
	// A row that failed, or that the run did not come to, says so on the page: what the others gave took long to find.
	if len(report.Rows) == 0 || o.Row != "" {
		return failed
	}
	file, err := os.Create(page)
	if err != nil {
		return errors.Join(failed, err)
	}
	return errors.Join(failed, report.WritePage(file), file.Close())
}
