package cli

import (
	"context"
	"errors"
	"io"
	"syscall"

	"github.com/deployrecords/deployrecords/internal/config"
	"github.com/deployrecords/deployrecords/internal/demo"
)

type demoCommand struct {
	config.Demo
}

// Help is printed by demo --help.
func (demoCommand) Help() string {
	return `Writes the deployment history of an imaginary company to standard output, as import reads it. The same flags generate the same bytes on every machine; the defaults generate testdata/demo.ndjson. The company grows with its records, from 7 environments to 200 environments with about 20,000 slots at a million records and more. Memory depends on the number of slots, not on the length of the history.

Examples:

  deployrecords demo --records 1000000 --seed 1 |
    deployrecords import --organization big -
  deployrecords demo --records 100000 --seed 2 |
    deployrecords import --organization small -`
}

func (c *demoCommand) Run(ctx context.Context, streams Streams) error {
	if err := config.Join(c.Validate()...); err != nil {
		return usageError{err}
	}
	out := &contextWriter{ctx: ctx, w: streams.Out}
	err := demo.Generate(out, demo.Options{Records: int(c.Records.Value), Seed: uint64(c.Seed.Value), End: c.End.Value})
	switch {
	case out.err == nil && err != nil:
		return usageError{err} // Generate rejected the options
	case errors.Is(err, syscall.EPIPE):
		return nil // the reader stopped, as head does
	}
	return err
}

// contextWriter fails once its context is done. err is its last error.
type contextWriter struct {
	ctx context.Context
	w   io.Writer
	err error
}

func (w *contextWriter) Write(p []byte) (n int, err error) {
	if w.err = w.ctx.Err(); w.err == nil {
		n, w.err = w.w.Write(p)
	}
	return n, w.err
}
