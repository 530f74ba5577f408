package store

import (
	"errors"
	"iter"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// entryBatch are entries that stand together in a file, and what was wrong with others between them.
type entryBatch struct {
	items  []*importItem
	faults []*deployments.ImportViolation
	// err is what the entries ended in.
	err error
}

// importItem is an entry on its way into the tables.
type importItem struct {
	deployments.ImportEntry
	fault bool
}

// inBatches gives the entries in batches of this size. It ends with an error, or with as many faults as are told.
func inBatches(entries iter.Seq2[deployments.ImportEntry, error], size int) iter.Seq[entryBatch] {
	return func(yield func(entryBatch) bool) {
		var batch entryBatch
		for entry, err := range entries {
			var fault *deployments.ImportViolation
			switch {
			case errors.As(err, &fault):
				batch.faults = append(batch.faults, fault)
			case err != nil:
				yield(entryBatch{err: err})
				return
			default:
				batch.items = append(batch.items, &importItem{ImportEntry: entry})
			}
			if len(batch.faults) >= deployments.MaxImportViolations {
				break
			}
			if len(batch.items) == size {
				if !yield(batch) {
					return
				}
				batch = entryBatch{}
			}
		}
		yield(batch)
	}
}

// ahead gives the values of seq, and has it make the next one meanwhile: a file is read while the database works. When
// the range over the values is over, so is that over seq.
func ahead[Value any](seq iter.Seq[Value]) iter.Seq[Value] {
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
			for range values {
			}
		}()
		for value := range values {
			if !yield(value) {
				return
			}
		}
	}
}
