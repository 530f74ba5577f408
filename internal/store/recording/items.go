package recording

import (
	"cmp"
	"slices"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/history"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// item is an item of the batch together with the ids of its names.
type item struct {
	deployments.BatchItem
	environmentID        string
	logicalEnvironmentID string
	versionIDs           []int64
	answer               deployments.Record
}

func (i *item) slot() schema.Slot {
	return schema.Slot{EnvironmentID: i.environmentID, DeploymentName: i.DeploymentName}
}

func (i *item) identity() history.Identity {
	return history.Identity{Slot: i.slot(), LogicalEnvironmentID: i.logicalEnvironmentID, Kind: i.Kind}
}

// checkItems fails the batch if the step before added violations, unless the batch is partial.
func (w *work) checkItems() error {
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

// resolveNames sets the ids of the names in the items. It creates unknown names if the batch allows that, and otherwise
// adds violations to the items that have them.
func (w *work) resolveNames() error {
	var environments, logical []schema.NameRef
	var versions []deployments.ProjectVersion
	for _, item := range w.valid() {
		environments = append(environments, schema.NameRef{Name: item.EnvironmentName})
		if item.LogicalEnvironmentName != "" {
			logical = append(logical, schema.NameRef{Name: item.LogicalEnvironmentName})
		}
		versions = append(versions, item.ProjectVersions...)
	}
	snapshot := w.batch.Snapshot
	if snapshot != nil {
		environments = append(environments, schema.NameRef{Name: snapshot.EnvironmentName})
	}
	if err := w.resolve(w.environments, environments); err != nil {
		return err
	}
	if snapshot != nil {
		if _, ok := w.environments.ByName[snapshot.EnvironmentName]; !ok {
			return &deployments.BatchError{Violations: []deployments.Violation{unknown("environment_name", snapshot.EnvironmentName)}}
		}
	}
	if err := w.resolve(w.logical, logical); err != nil {
		return err
	}
	if err := w.projects.Find(versions, w.batch.AutoCreate); err != nil {
		return err
	}
	return w.forEachValid(w.setIDs)
}

func (w *work) resolve(names *schema.NameCache, refs []schema.NameRef) error {
	if !w.batch.AutoCreate {
		return names.Find(refs)
	}
	slices.SortFunc(refs, func(a, b schema.NameRef) int { return cmp.Compare(a.Name, b.Name) })
	return names.Ensure(refs)
}

func (w *work) setIDs(item *item) {
	reject := func(field, name string) { item.Violations = append(item.Violations, unknown(field, name)) }
	if row, ok := w.environments.ByName[item.EnvironmentName]; ok {
		item.environmentID = row.ID
	} else {
		reject("environment_name", item.EnvironmentName)
	}
	if item.LogicalEnvironmentName != "" {
		if row, ok := w.logical.ByName[item.LogicalEnvironmentName]; ok {
			item.logicalEnvironmentID = row.ID
		} else {
			reject("logical_environment_name", item.LogicalEnvironmentName)
		}
	}
	for _, pv := range item.ProjectVersions {
		if w.projects.Projects[pv.ProjectName] == 0 {
			reject("project_versions.project_name", pv.ProjectName)
			continue
		}
		versionID, ok := w.projects.VersionID(pv)
		if !ok {
			reject("project_versions.project_version_name", pv.VersionName)
		}
		item.versionIDs = append(item.versionIDs, versionID)
	}
}

func unknown(field, name string) deployments.Violation {
	return deployments.Violation{Field: field, Message: deployments.Quote(name) + " is not known"}
}
