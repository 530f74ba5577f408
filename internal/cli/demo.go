package cli

import (
	"context"
	"errors"
	"io"
	"syscall"
	"time"

	"github.com/deployrecords/deployrecords/internal/demo"
)

type demoCommand struct {
	Records int       `default:"400" placeholder:"N" help:"How many records (${default})."`
	Seed    uint64    `default:"116" placeholder:"N" help:"Another seed gives another history, with other ids (${default})."`
	End     time.Time `default:"2026-11-20T17:00:00Z" placeholder:"TIME" help:"When the history ends, in the form of RFC 3339 (${default})."`
}

// Help is printed by demo --help.
func (demoCommand) Help() string {
	return `The history of a company that does not exist, on standard output, as import reads it. The same flags give the same bytes, whenever and wherever; the defaults give testdata/demo.ndjson. The company grows with its records: 7 environments at first, 200 with about 20,000 slots from a million records on. The memory it takes goes by what is deployed at a time, not by how long the history is.

Examples:

  deployrecords demo --records 1000000 --seed 1 | deployrecords import --organization big -
  deployrecords demo --records 100000 --seed 2 | deployrecords import --organization small -`
}

func (c *demoCommand) Run(ctx context.Context, streams Streams) error {
	out := &lastingWriter{ctx: ctx, w: streams.Out}
	err := demo.Generate(out, demo.Options{Records: c.Records, Seed: c.Seed, End: c.End})
	switch {
	case out.err == nil && err != nil:
		return usageError{err} // of the options
	case errors.Is(err, syscall.EPIPE):
		return nil // whoever reads has enough, as head has
	}
	return err
}

// lastingWriter writes as long as the context lasts, and tells a failure to write from others.
type lastingWriter struct {
	ctx context.Context
	w   io.Writer
	err error
}

func (w *lastingWriter) Write(p []byte) (n int, err error) {
	if w.err = w.ctx.Err(); w.err == nil {
		n, w.err = w.w.Write(p)
	}
	return n, w.err
}
