package applying

import (
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/naming"
	"github.com/deployrecords/deployrecords/internal/store/quotas"
)

// resolveNames sets the ids of the names in the items. It creates unknown names if the batch allows that and the quotas do,
// and otherwise adds violations to the items that have them.
func (w *work) resolveNames() error {
	if err := w.names.Find(w.references()); err != nil {
		return err
	}
	if w.batch.AutoCreate {
		if err := w.checkNameQuotas(); err != nil {
			return err
		}
		if err := w.names.Create(w.references()); err != nil {
			return err
		}
	}
	if snapshot := w.batch.Snapshot; snapshot != nil && w.names.EnvironmentID(snapshot.EnvironmentName) == "" {
		return &deployments.BatchError{Violations: []deployments.Violation{naming.Unknown("environment_name", snapshot.EnvironmentName)}}
	}
	return w.forEachValid(func(item *item) { item.ids, item.Violations = w.names.IDs(item.Recording) })
}

// references returns the names of the snapshot and of the valid items.
func (w *work) references() (r naming.References) {
	if w.batch.Snapshot != nil {
		r.AddEnvironment(w.batch.Snapshot.EnvironmentName)
	}
	for _, item := range w.valid() {
		r.Add(item.Recording)
	}
	return r
}

// checkNameQuotas rejects the items that would add more names than the quotas allow.
func (w *work) checkNameQuotas() error {
	if snapshot := w.batch.Snapshot; snapshot != nil {
		exceeded, err := w.budget.Admit(w.names.UnknownEnvironment(snapshot.EnvironmentName))
		if err != nil {
			return err
		}
		if exceeded != nil {
			return exceeded
		}
	}
	for _, item := range w.valid() {
		if err := w.checkQuota(item, w.names.Unknown(item.Recording)); err != nil {
			return err
		}
	}
	return nil
}

// checkQuota rejects the item, or the batch unless it is partial, if the names that the item adds exceed a quota.
func (w *work) checkQuota(item *item, names []quotas.Name) error {
	exceeded, err := w.budget.Admit(names)
	switch {
	case err != nil || exceeded == nil:
		return err
	case !w.batch.Partial:
		return exceeded
	}
	item.Violations = []deployments.Violation{exceeded.Violation()}
	w.outcomes.Exceeded = append(w.outcomes.Exceeded, exceeded.Quota)
	return nil
}
