package applying

import (
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/snapshots"
)

// openSnapshot locks the snapshot that the batch is a part of.
func (w *work) openSnapshot() error {
	if w.batch.Snapshot == nil {
		return nil
	}
	now, err := w.Clock(w.tx)
	if err != nil {
		return err
	}
	w.snapshot, err = snapshots.Open(w.tx, w.organizationID, *w.batch.Snapshot, now)
	return err
}

// readOmitted reads the identities that the snapshot omits (W8). Their slots are not locked yet.
func (w *work) readOmitted() error {
	if w.snapshot == nil {
		return nil
	}
	items := make([]deployments.BatchItem, len(w.items))
	for i, item := range w.items {
		items[i] = item.BatchItem
	}
	if err := w.snapshot.Add(w.batch.Items, items); err != nil {
		return err
	}
	var err error
	w.omitted, err = w.snapshot.Omitted(w.names.EnvironmentID(w.snapshot.EnvironmentName))
	if err != nil {
		return err
	}
	return w.replanFor(len(w.omitted))
}

// decommissionOmitted decommissions the DEPLOYED records of the omitted identities, unless they were seen since the snapshot,
// and returns their number.
func (w *work) decommissionOmitted() int {
	decommissioned := 0
	for _, deployed := range w.deployed {
		for _, record := range deployed {
			if ended, omitted := w.observed.Omit(record); omitted && w.omitted[record.Identity()] {
				w.write(ended)
				decommissioned++
			}
		}
	}
	return decommissioned
}

// finishSnapshot sets what only the final part of a snapshot reports.
func (w *work) finishSnapshot(result *deployments.BatchResult) error {
	if w.snapshot == nil {
		return nil
	}
	return w.snapshot.Finish(result)
}
