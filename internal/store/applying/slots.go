package applying

import (
	"slices"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/history"
	"github.com/deployrecords/deployrecords/internal/store/quotas"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// lockAndRead locks the slots and artifacts of the batch, then reads the clock and the DEPLOYED records. A snapshot also locks
// the slots that it omits.
func (w *work) lockAndRead() (err error) {
	var slots []schema.Slot
	for _, item := range w.valid() {
		slots = append(slots, item.slot())
	}
	for identity := range w.omitted {
		slots = append(slots, schema.Slot{EnvironmentID: w.names.EnvironmentID(identity.EnvironmentName), DeploymentName: identity.DeploymentName})
	}
	slots = schema.SortSlots(slots)
	if err := schema.LockSlots(w.tx, w.organizationID, slots); err != nil {
		return err
	}
	if err := w.readArtifacts(); err != nil {
		return err
	}
	now, err := w.Clock(w.tx)
	if err != nil {
		return err
	}
	observed, violation := w.batch.Observation(now)
	if violation != nil {
		return &deployments.BatchError{Violations: []deployments.Violation{*violation}}
	}
	w.observed = observed
	if err := w.readSlots(slots); err != nil {
		return err
	}
	return w.readNewest()
}

// checkSlotQuota rejects the items that would add more slots than the quota allows, and removes the lock rows of rejected ones.
func (w *work) checkSlotQuota() error {
	var rejected []schema.Slot
	for _, item := range w.valid() {
		slot := item.slot()
		if _, hasRecords := w.latestCreatedAt[slot]; hasRecords {
			continue
		}
		if err := w.checkQuota(item, []quotas.Name{{Kind: quotas.Deployments, Parent: slot.EnvironmentID, Text: slot.DeploymentName}}); err != nil {
			return err
		}
		if len(item.Violations) > 0 {
			rejected = append(rejected, slot)
		}
	}
	return schema.UnlockSlots(w.tx, w.organizationID, schema.SortSlots(rejected))
}

// readSlots reads the DEPLOYED records of the slots, and when their latest records were created.
func (w *work) readSlots(slots []schema.Slot) error {
	if len(slots) == 0 {
		return nil
	}
	deployed, err := w.history.Deployed(slots)
	if err != nil {
		return err
	}
	slices.SortFunc(deployed, newestFirst)
	for _, record := range deployed {
		identity := history.IdentityOf(record)
		w.deployed[identity] = append(w.deployed[identity], record)
	}
	w.latestCreatedAt, err = w.history.Latest(slots)
	return err
}
