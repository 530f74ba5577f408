package applying

import (
	"slices"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/history"
	"github.com/deployrecords/deployrecords/internal/store/naming"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// item is an item of the batch together with the ids of its names.
type item struct {
	deployments.BatchItem
	ids    naming.IDs
	answer deployments.Record
}

func (i *item) slot() schema.Slot {
	return schema.Slot{EnvironmentID: i.ids.Environment, DeploymentName: i.DeploymentName}
}

func (i *item) identity() history.Identity {
	return history.Identity{Slot: i.slot(), LogicalEnvironmentID: i.ids.LogicalEnvironment, Kind: i.Kind}
}

// failOnViolations fails the batch if the step before added violations, unless the batch is partial.
func (w *work) failOnViolations() error {
	if w.batch.Partial {
		return nil
	}
	var violations []deployments.Violation
	for i, item := range w.items {
		for _, violation := range item.Violations {
			if !w.batch.Single {
				violation.Field = deployments.ItemField(i, violation.Field)
			}
			violations = append(violations, violation)
		}
	}
	if len(violations) > 0 {
		return &deployments.BatchError{Violations: violations}
	}
	return nil
}

// valid returns the items without violations.
func (w *work) valid() []*item {
	return slices.DeleteFunc(slices.Clone(w.items), func(item *item) bool { return len(item.Violations) > 0 })
}

// forEachValid calls do for each item without violations, until the request ends.
func (w *work) forEachValid(do func(*item)) error {
	ctx := w.tx.Statement.Context
	for _, item := range w.valid() {
		if err := ctx.Err(); err != nil {
			return err
		}
		do(item)
	}
	return nil
}
