package importing

import (
	"context"
	"errors"
	"iter"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// batch is a run of consecutive entries, and the violations of the entries between them that could not be read.
type batch struct {
	items      []*item
	violations []*deployments.ImportViolation
	// err is the error that ends the entries, or nil.
	err error
}

// item is an entry of a batch.
type item struct {
	deployments.ImportEntry
	rejected bool
}

// batches groups entries into batches of a size. It ends with an error, or with as many violations as an import reports.
func batches(entries iter.Seq2[deployments.ImportEntry, error], size int) iter.Seq[batch] {
	return func(yield func(batch) bool) {
		var next batch
		for entry, err := range entries {
			var violation *deployments.ImportViolation
			switch {
			case errors.As(err, &violation):
				next.violations = append(next.violations, violation)
			case err != nil:
				yield(batch{err: err})
				return
			default:
				next.items = append(next.items, &item{ImportEntry: entry})
			}
			if len(next.violations) >= deployments.MaxImportViolations {
				break
			}
			if len(next.items) == size {
				if !yield(next) {
					return
				}
				next = batch{}
			}
		}
		yield(next)
	}
}

// readAhead yields the values of seq and computes the next one meanwhile: the file is read while the database works. It
// returns after seq has ended, or at once when ctx ends: seq may wait for its next value for as long as its writer lives.
func readAhead[Value any](ctx context.Context, seq iter.Seq[Value]) iter.Seq[Value] {
	return func(yield func(Value) bool) {
		values, stop := make(chan Value), make(chan struct{})
		go func() {
			defer close(values)
			for value := range seq {
				select {
				case values <- value:
				case <-stop:
					return
				}
			}
		}()
		defer func() {
			close(stop)
			for ctx.Err() == nil {
				select {
				case _, more := <-values:
					if !more {
						return
					}
				case <-ctx.Done():
				}
			}
		}()
		for {
			select {
			case value, more := <-values:
				if !more || !yield(value) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}
