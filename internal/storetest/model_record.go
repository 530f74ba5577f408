package storetest

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Record implements deployments.Store. It validates items by the domain (Batch.AddViolations), and has the rules of recording of
// its own.
func (m *Model) Record(_ context.Context, organization string, batch deployments.Batch) (deployments.BatchResult, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	batch.AddViolations()
	o := m.organization(organization).clone()
	now, observedAt := m.Now(), batch.ObservedAt
	if batch.Snapshot != nil {
		observedAt = batch.Snapshot.ObservedAt
	}
	if observedAt.Sub(now) > time.Minute {
		return deployments.BatchResult{}, &deployments.BatchError{Violations: []deployments.Violation{{Field: "observed_at", Message: "is ahead"}}}
	}
	at, late := observed(observedAt, now)
	var (
		result     deployments.BatchResult
		violations []deployments.Violation
		judged     []deployments.BatchItem
	)
	for i, item := range batch.Items {
		record, refused := deployments.Record{}, item.Violations
		if len(refused) == 0 {
			record, refused = o.record(item.Recording, late, at, m.NewID(i))
		}
		violations = append(violations, refused...)
		item.Violations = refused
		judged = append(judged, item)
		result.Items = append(result.Items, deployments.ItemResult{Record: record, Violations: refused})
	}
	if len(violations) > 0 && !batch.Partial {
		return deployments.BatchResult{}, &deployments.BatchError{Violations: violations}
	}
	if batch.Snapshot != nil {
		violations := m.addPart(organization, o, *batch.Snapshot, batch.Items, judged, now, &result)
		if len(violations) > 0 {
			return deployments.BatchResult{}, &deployments.BatchError{Violations: violations}
		}
	}
	for i, item := range result.Items {
		if len(item.Violations) == 0 {
			result.Items[i].Record = o.records[item.Record.ID]
		}
	}
	m.organizations[organization] = o
	return result, nil
}

// observed returns the time at which recordings take effect, and a function that reports whether they come too late to change
// what was stored at a time (W7).
func observed(observedAt, now time.Time) (at time.Time, late func(stored time.Time) bool) {
	if observedAt.IsZero() {
		return now, func(time.Time) bool { return false }
	}
	observedAt = observedAt.UTC().Truncate(time.Microsecond)
	// A stored time that lies ahead counts as now, which is before an observation that lies ahead, too.
	return observedAt, func(stored time.Time) bool { return !observedAt.After(now) && !observedAt.After(stored) }
}

// RecordIdempotent implements deployments.Store. Keys do not expire.
func (m *Model) RecordIdempotent(ctx context.Context, organization string, key deployments.IdempotencyKey, batch deployments.Batch) (deployments.Record, error) {
	id := modelKey{organization, key.Subject, key.Key}
	m.mu.Lock()
	use, used := m.keys[id]
	var stored deployments.Record
	if used {
		stored = m.organizations[organization].records[use.recordID]
	}
	m.mu.Unlock()
	switch {
	case used && use.request != key.Request:
		return deployments.Record{}, deployments.ErrKeyReused
	case used:
		return stored, nil
	}
	result, err := m.Record(ctx, organization, batch)
	if err != nil {
		return deployments.Record{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys[id] = modelUse{key.Request, result.Items[0].Record.ID}
	return result.Items[0].Record, nil
}

func (o *modelOrganization) clone() *modelOrganization {
	c := &modelOrganization{records: maps.Clone(o.records), projects: map[deployments.Artifact]map[deployments.ProjectVersion]bool{}}
	for artifact, versions := range o.projects {
		c.projects[artifact] = maps.Clone(versions)
	}
	return c
}

func (o *modelOrganization) record(r deployments.Recording, late func(time.Time) bool, now time.Time, id string) (deployments.Record, []deployments.Violation) {
	var (
		history      deployments.IdentityHistory
		changed      *deployments.Record // the newest of the identity that the recording comes too late for
		known        deployments.Record  // the newest of the organization with this content
		slotLatest   time.Time
		newestFirst  = o.newestFirst()
		matches      = func(a deployments.Record) bool { return r.Digest == "" || a.Artifact.Digest == r.Digest }
		sameContents = func(a deployments.Record) bool { return a.Artifact.Kind == r.Kind && a.Artifact.Digest == r.Digest }
	)
	for _, record := range newestFirst {
		if record.EnvironmentName == r.EnvironmentName && record.DeploymentName == r.DeploymentName && slotLatest.IsZero() {
			slotLatest = record.CreatedAt
		}
		if sameContents(record) && known.ID == "" {
			known = record
		}
		if record.Identity() != r.Identity() {
			continue
		}
		if record.Status == deployments.Deployed {
			history.Deployed = append(history.Deployed, record)
		}
		if changed == nil && (late(record.UpdatedAt) || late(record.LastSeenAt)) {
			changed = &record
		}
		if matches(record) && history.Newest == nil {
			history.Newest = &record
		}
	}
	if len(history.Deployed) > 0 {
		history.Newest = nil
	}
	// W1 to W4 and W7, implemented a second time from docs/semantics.md.
	for _, d := range history.Deployed {
		if late(d.LastSeenAt) && (r.Status == deployments.Decommissioned || !matches(d)) {
			return d, nil
		}
	}
	if len(history.Deployed) == 0 && changed != nil {
		return *changed, nil
	}
	set := func(record deployments.Record, status deployments.Status, seen bool) deployments.Record {
		record.Status, record.UpdatedAt = status, latest(record.UpdatedAt, now)
		if seen {
			record.LastSeenAt = latest(record.LastSeenAt, now)
		}
		o.records[record.ID] = record
		return record
	}
	var (
		answer deployments.Record
		add    bool
		others int // DEPLOYED records of another artifact
	)
	for i, d := range history.Deployed {
		switch {
		case r.Status == deployments.Deployed && i == 0 && matches(d):
			answer = o.fill(set(d, deployments.Deployed, true), r)
		case r.Status == deployments.Deployed:
			set(d, deployments.Superseded, false)
		case matches(d):
			if ended := set(d, deployments.Decommissioned, false); answer.ID == "" || !matches(answer) {
				answer = o.fill(ended, r)
			}
		default:
			if others++; others > 1 {
				set(d, deployments.Superseded, false)
			} else if answer.ID == "" {
				answer = d
			}
		}
	}
	switch {
	case answer.ID != "":
	case r.Status == deployments.Deployed:
		add = true
	case history.Newest != nil:
		answer = *history.Newest
		answer.LastSeenAt = latest(answer.LastSeenAt, now)
		o.records[answer.ID] = answer
	case r.Digest == "":
		return deployments.Record{}, []deployments.Violation{deployments.DigestRequired}
	default:
		add = true
	}
	if add {
		created := now
		if !slotLatest.Before(now) { // W6
			created = slotLatest.Add(time.Microsecond)
		}
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
			break // they belong to an artifact that the answer does not have
		}
		o.belongs(answer.Artifact, pv)
	}
	return answer, nil
}

// fill gives the record the parts of its artifact that are empty and that the recording has (W3).
func (o *modelOrganization) fill(record deployments.Record, r deployments.Recording) deployments.Record {
	if r.Digest == "" {
		return record
	}
	filled := record.Artifact
	for _, part := range []struct{ stored, given *string }{{&filled.Name, r.Name}, {&filled.Version, r.Version}} {
		switch {
		case part.given == nil || *part.given == "":
		case *part.stored == "":
			*part.stored = *part.given
		case *part.stored != *part.given:
			return record
		}
	}
	for pv := range o.projects[record.Artifact] {
		o.belongs(filled, pv)
	}
	record.Artifact = filled
	o.records[record.ID] = record
	return record
}

func (o *modelOrganization) newestFirst() []deployments.Record {
	return slices.SortedFunc(maps.Values(o.records), func(a, b deployments.Record) int {
		if a.NewerThan(b) {
			return -1
		}
		return 1
	})
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
