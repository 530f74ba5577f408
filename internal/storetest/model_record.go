package storetest

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Record does what deployments.Store promises.
func (m *Model) Record(_ context.Context, organization string, batch deployments.Batch) (deployments.BatchResult, error) {
	batch.Check()
	o := m.organization(organization).clone()
	now := m.Now()
	var (
		result deployments.BatchResult
		faults []deployments.Fault
		named  = map[deployments.Identity]bool{}
	)
	var unclear []deployments.BatchItem // refused items of a snapshot
	for i, item := range batch.Items {
		record, refused := deployments.Record{}, item.Faults
		if len(refused) == 0 {
			record, refused = o.record(item.Recording, batch.Snapshot, now, m.NewID(i))
		}
		faults = append(faults, refused...)
		if len(refused) == 0 {
			named[item.Identity()] = true
		} else {
			item.Faults = refused
			unclear = append(unclear, item)
		}
		result.Items = append(result.Items, deployments.ItemResult{Record: record, Faults: refused})
	}
	if len(faults) > 0 && !batch.Partial {
		return deployments.BatchResult{}, &deployments.BatchError{Faults: faults}
	}
	if s := batch.Snapshot; s != nil {
		for id, r := range o.records {
			mayBe := slices.ContainsFunc(unclear, func(item deployments.BatchItem) bool { return item.MayBeAbout(identity(r)) })
			if r.Status == deployments.Deployed && r.EnvironmentName == s.EnvironmentName && !named[identity(r)] && !mayBe && s.Misses(r) {
				o.records[id] = s.Decommission(r, now)
				result.Decommissioned++
			}
		}
	}
	for i, item := range result.Items {
		if len(item.Faults) == 0 {
			result.Items[i].Record = o.records[item.Record.ID]
		}
	}
	m.organizations[organization] = o
	return result, nil
}

func (o *modelOrganization) clone() *modelOrganization {
	c := &modelOrganization{records: maps.Clone(o.records), projects: map[deployments.Artifact]map[deployments.ProjectVersion]bool{}}
	for artifact, versions := range o.projects {
		c.projects[artifact] = maps.Clone(versions)
	}
	return c
}

func identity(r deployments.Record) deployments.Identity {
	return deployments.Identity{
		EnvironmentName: r.EnvironmentName, LogicalEnvironmentName: r.LogicalEnvironmentName,
		DeploymentName: r.DeploymentName, Kind: r.Artifact.Kind,
	}
}

func (o *modelOrganization) record(r deployments.Recording, snapshot *deployments.Snapshot, now time.Time, id string) (deployments.Record, []deployments.Fault) {
	var (
		history      deployments.IdentityHistory
		newest       *deployments.Record // of the identity
		known        deployments.Record  // the newest of the organization with this content
		slotLatest   time.Time
		newestFirst  = o.newestFirst()
		isOf         = func(a deployments.Record) bool { return r.Digest == "" || a.Artifact.Digest == r.Digest }
		sameContents = func(a deployments.Record) bool { return a.Artifact.Kind == r.Kind && a.Artifact.Digest == r.Digest }
	)
	for _, record := range newestFirst {
		if record.EnvironmentName == r.EnvironmentName && record.DeploymentName == r.DeploymentName && slotLatest.IsZero() {
			slotLatest = record.CreatedAt
		}
		if sameContents(record) && known.ID == "" {
			known = record
		}
		if identity(record) != r.Identity() {
			continue
		}
		if record.Status == deployments.Deployed {
			history.Deployed = append(history.Deployed, record)
		}
		if newest == nil {
			newest = &record
		}
		if isOf(record) && history.Newest == nil {
			history.Newest = &record
		}
	}
	if len(history.Deployed) > 0 {
		history.Newest = nil
	}
	if snapshot != nil {
		if record, late := snapshot.TooLateFor(r, history, newest); late {
			return record, nil
		}
	}
	change, fault := r.Apply(history, now)
	if fault != nil {
		return deployments.Record{}, []deployments.Fault{*fault}
	}
	for _, record := range change.Updated {
		o.records[record.ID] = record
	}
	answer := change.Answer
	if change.Add {
		created := deployments.CreatedAt(slotLatest, now)
		a := known.Artifact
		a.Kind, a.Digest = r.Kind, r.Digest
		if r.Name != nil {
			a.Name = *r.Name
		}
		if r.Version != nil {
			a.Version = *r.Version
		}
		answer = deployments.Record{
			ID: id, EnvironmentName: r.EnvironmentName, LogicalEnvironmentName: r.LogicalEnvironmentName,
			DeploymentName: r.DeploymentName, Artifact: a, Status: r.Status, CreatedAt: created, UpdatedAt: created, LastSeenAt: created,
		}
		o.records[answer.ID] = answer
	}
	for _, pv := range r.ProjectVersions {
		if r.Digest == "" || answer.Artifact.Digest != r.Digest {
			break // they are of an artifact that the answer does not have
		}
		o.belongs(answer.Artifact, pv)
	}
	return answer, nil
}

func (o *modelOrganization) newestFirst() []deployments.Record {
	return slices.SortedFunc(maps.Values(o.records), func(a, b deployments.Record) int {
		if a.NewerThan(b) {
			return -1
		}
		return 1
	})
}
