package conformance_test

import (
	"slices"
	"strings"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// brokenRecorders are servers that record wrongly.
var brokenRecorders = []struct {
	name   string
	rule   string
	mutate func(*recordingStore)
}{
	{"nothing is superseded", "record.one-deployed", changeEffect(func(r deployments.Recording, c *deployments.Change, _ time.Time) {
		if c.Add && r.Status == deployments.Deployed {
			c.Updated = nil
		}
	})},
	{"a superseded record was seen", "record.supersede", changeRecords(deployments.Superseded, func(r *deployments.Record, now time.Time) { r.LastSeenAt = now })},
	{"a superseded record was not updated", "record.supersede", changeRecords(deployments.Superseded, func(r *deployments.Record, _ time.Time) { r.UpdatedAt = r.LastSeenAt })},
	{"a superseded record is decommissioned", "record.supersede", changeRecords(deployments.Superseded, func(r *deployments.Record, _ time.Time) { r.Status = deployments.Decommissioned })},
	{"a superseded record gets another digest", "record.history", changeRecords(deployments.Superseded, func(r *deployments.Record, _ time.Time) { r.Artifact.Digest = "sha256:" + strings.Repeat("0", 64) })},
	{"a superseded record is created anew", "record.history", changeRecords(deployments.Superseded, func(r *deployments.Record, now time.Time) { r.CreatedAt = now })},
	{"superseded records are not kept", "record.history", func(m *recordingStore) {
		m.set = func(all []deployments.ImportEntry, q *deployments.Query) []deployments.ImportEntry {
			kept := slices.DeleteFunc(slices.Clone(all), func(e deployments.ImportEntry) bool { return e.Record.Status == deployments.Superseded })
			return correctSet(kept, q)
		}
	}},
	{"a rollback takes the earlier record again", "record.rollback", func(m *recordingStore) {
		changeEffect(func(r deployments.Recording, c *deployments.Change, now time.Time) {
			for _, e := range m.entries {
				if old := e.Record; c.Add && old.Status == deployments.Superseded && old.Artifact.Digest == r.Digest && identityOfRecord(old) == r.Identity() {
					old.Status, old.UpdatedAt, old.LastSeenAt = deployments.Deployed, now, now
					c.Add, c.Answer, c.Updated = false, old, append(c.Updated, old)
					return
				}
			}
		})(m)
	}},
	{"kinds are one identity", "record.other-identities", mergeIdentities(func(i *deployments.Identity) { i.Kind = deployments.ContainerImage })},
	{"logical environments are one identity", "record.other-identities", mergeIdentities(func(i *deployments.Identity) { i.LogicalEnvironmentName = "" })},
	{"deployment names are one whatever their case", "record.other-identities", mergeIdentities(func(i *deployments.Identity) { i.DeploymentName = strings.ToLower(i.DeploymentName) })},
	{"environments are one identity", "record.other-identities", mergeIdentities(func(i *deployments.Identity) { i.EnvironmentName = "" })},
	{"a repeat adds a record", "record.repeat", func(m *recordingStore) {
		m.apply = func(r deployments.Recording, h deployments.IdentityHistory, o deployments.Observation) (deployments.Change, *deployments.Violation) {
			other := r
			if r.Status == deployments.Deployed {
				other.Digest = "sha256:" + strings.Repeat("0", 64)
			}
			return other.Apply(h, o)
		}
	}},
	{"a repeat moves nothing", "record.repeat", onRepeat(func(c *deployments.Change, was deployments.Record) { c.Updated, c.Answer = nil, was })},
	{"a repeat does not move updated_at", "record.repeat", onRepeat(func(c *deployments.Change, was deployments.Record) {
		c.Answer.UpdatedAt = was.UpdatedAt
		c.Updated = []deployments.Record{c.Answer}
	})},
	{"a repeat moves times back", "record.never-back", changeEffect(func(_ deployments.Recording, c *deployments.Change, now time.Time) {
		for i := range c.Updated {
			if c.Updated[i].Status == deployments.Deployed {
				c.Updated[i].LastSeenAt, c.Updated[i].UpdatedAt = now, now
			}
		}
	})},
	{"nothing is filled", "record.fill", changeRecording(func(r *deployments.Recording) { r.Name, r.Version = nil, nil })},
	{"an end fills nothing", "record.fill", changeRecording(func(r *deployments.Recording) {
		if r.Status == deployments.Decommissioned {
			r.Name, r.Version = nil, nil
		}
	})},
	{"a part that differs is replaced", "record.keep", onRepeatOf(func(r deployments.Recording, a *deployments.Artifact) {
		if r.Name != nil && r.Version != nil {
			a.Name, a.Version = *r.Name, *r.Version
		}
	})},
	{"a repeat without a version removes it", "record.keep", onRepeatOf(func(r deployments.Recording, a *deployments.Artifact) {
		if r.Version == nil {
			a.Version = ""
		}
	})},
	{"an empty part is filled though the other differs", "record.fill", onRepeatOf(func(r deployments.Recording, a *deployments.Artifact) {
		if r.Version != nil && a.Version == "" {
			a.Version = *r.Version
		}
	})},
	{"all records of an artifact are filled", "record.fill", changeEffect(nil, func(m *recordingStore, c *deployments.Change) {
		for i, e := range m.entries {
			if c.Filled && e.Record.Artifact.Digest == c.Answer.Artifact.Digest {
				m.entries[i].Record.Artifact = c.Answer.Artifact
			}
		}
	})},
	{"nothing is inherited", "record.inherit", func(m *recordingStore) {
		m.inherits = func(deployments.Recording, deployments.Record) bool { return false }
	}},
	{"a chart inherits from an image", "record.inherit", func(m *recordingStore) {
		m.inherits = func(r deployments.Recording, known deployments.Record) bool { return known.Artifact.Digest == r.Digest }
	}},
	{"an end needs a digest", "record.valid", func(m *recordingStore) {
		m.apply = func(r deployments.Recording, h deployments.IdentityHistory, o deployments.Observation) (deployments.Change, *deployments.Violation) {
			if r.Digest == "" {
				return deployments.Change{}, &deployments.DigestRequired
			}
			return r.Apply(h, o)
		}
	}},
	{"an end ends another artifact", "record.end-other", changeRecording(func(r *deployments.Recording) {
		if r.Status == deployments.Decommissioned {
			r.Digest = ""
		}
	})},
	{"an ended record was seen", "record.end", changeRecords(deployments.Decommissioned, func(r *deployments.Record, now time.Time) { r.LastSeenAt = now })},
	{"an ended record was not updated", "record.end", changeRecords(deployments.Decommissioned, func(r *deployments.Record, _ time.Time) { r.UpdatedAt = r.LastSeenAt })},
	{"an ended record is superseded", "record.end", changeRecords(deployments.Decommissioned, func(r *deployments.Record, _ time.Time) { r.Status = deployments.Superseded })},
	{"a second end updates the record", "record.end-none", onSecondEnd(func(c *deployments.Change, now time.Time) { c.Updated[0].UpdatedAt = now })},
	{"a second end moves nothing", "record.end-none", onSecondEnd(func(c *deployments.Change, _ time.Time) { c.Updated = nil })},
	{"a second end adds a record", "record.end-none", onSecondEnd(func(c *deployments.Change, _ time.Time) { c.Updated, c.Add = nil, true })},
	{"the end of an unknown artifact adds nothing", "record.end-none", func(m *recordingStore) {
		m.apply = func(r deployments.Recording, h deployments.IdentityHistory, o deployments.Observation) (deployments.Change, *deployments.Violation) {
			change, violation := r.Apply(h, o)
			if change.Add && r.Status == deployments.Decommissioned {
				return deployments.Change{}, &deployments.DigestRequired
			}
			return change, violation
		}
	}},
	{"created_at is the clock's time", "record.created", func(m *recordingStore) { m.createdAt = func(_, now time.Time) time.Time { return now } }},
	{"created_at is not observed_at", "record.observed", func(m *recordingStore) {
		m.createdAt = func(latest, _ time.Time) time.Time { return deployments.CreatedAt(latest, m.now()) }
	}},
	{"observed_at is ignored", "record.observed", func(m *recordingStore) {
		m.observation = func(b deployments.Batch, now time.Time) (deployments.Observation, *deployments.Violation) {
			_, violation := b.Observation(now)
			return deployments.Observation{Now: now}, violation
		}
	}},
	{"late recordings take effect", "record.late", func(m *recordingStore) {
		m.observation = func(b deployments.Batch, now time.Time) (deployments.Observation, *deployments.Violation) {
			o, violation := b.Observation(now)
			return deployments.Observation{Now: o.Time()}, violation
		}
	}},
	{"a recording of the same time is not late", "record.late", func(m *recordingStore) {
		m.apply = func(r deployments.Recording, h deployments.IdentityHistory, o deployments.Observation) (deployments.Change, *deployments.Violation) {
			if len(h.Deployed) > 0 && h.Deployed[0].LastSeenAt.Equal(o.At) {
				o = deployments.Observation{Now: o.At}
			}
			return r.Apply(h, o)
		}
	}},
	{"what was ended since is deployed again", "record.late", func(m *recordingStore) {
		m.apply = func(r deployments.Recording, h deployments.IdentityHistory, o deployments.Observation) (deployments.Change, *deployments.Violation) {
			h.Changed = nil
			return r.Apply(h, o)
		}
	}},
	{"a time ahead is accepted", "record.future", func(m *recordingStore) {
		m.observation = func(b deployments.Batch, now time.Time) (deployments.Observation, *deployments.Violation) {
			if b.Snapshot != nil {
				return deployments.Observation{At: b.Snapshot.ObservedAt, Now: now}, nil
			}
			return deployments.Observation{At: b.ObservedAt.UTC().Truncate(time.Microsecond), Now: now}, nil
		}
	}},
	{"a rejected batch keeps its valid items", "batch.atomic", func(m *recordingStore) { m.keepValid = true }},
	{"the second artifact of an identity counts", "batch.contradiction", func(m *recordingStore) {
		m.validate = func(b *deployments.Batch) {
			for i := range b.Items {
				one := deployments.Batch{Items: b.Items[i : i+1], Snapshot: b.Snapshot}
				one.AddViolations()
			}
		}
	}},
	{"a snapshot covers every environment", "snapshot.complete", func(m *recordingStore) {
		m.covers = func(s deployments.Snapshot, i deployments.Identity) bool { return s.Scope.Covers(i) }
		m.omit = func(_ deployments.Observation, r deployments.Record) (deployments.Record, bool) {
			r.Status = deployments.Decommissioned
			return r, true
		}
	}},
	{"a late snapshot ends what was seen since", "snapshot.late", func(m *recordingStore) {
		m.omit = func(o deployments.Observation, r deployments.Record) (deployments.Record, bool) {
			r.Status, r.UpdatedAt = deployments.Decommissioned, o.Time()
			return r, true
		}
	}},
	{"a snapshot ends what was seen at its time", "snapshot.late", func(m *recordingStore) {
		m.omit = func(o deployments.Observation, r deployments.Record) (deployments.Record, bool) {
			o.At = o.At.Add(time.Microsecond)
			return o.Omit(r)
		}
	}},
	{"what a snapshot ends was seen", "snapshot.complete", func(m *recordingStore) {
		m.omit = func(o deployments.Observation, r deployments.Record) (deployments.Record, bool) {
			r, omitted := o.Omit(r)
			if omitted {
				r.LastSeenAt = o.Time()
			}
			return r, omitted
		}
	}},
	{"a scope's prefix is ignored", "snapshot.scope", changeScope(func(s *deployments.SnapshotScope) { s.DeploymentNamePrefix = "" })},
	{"a scope's kinds are ignored", "snapshot.scope", changeScope(func(s *deployments.SnapshotScope) { s.Kinds = nil })},
	{"a scope's logical environment is ignored", "snapshot.scope", changeScope(func(s *deployments.SnapshotScope) { s.LogicalEnvironmentName = nil })},
	{"an empty logical environment is every one", "snapshot.scope", changeScope(func(s *deployments.SnapshotScope) {
		if name := s.LogicalEnvironmentName; name != nil && *name == "" {
			s.LogicalEnvironmentName = nil
		}
	})},
	{"a scope's prefix has wildcards", "snapshot.scope", coversByPrefix(func(prefix, name string) bool { return like(prefix+"%", name) })},
	{"a scope's prefix has any case", "snapshot.scope", coversByPrefix(func(prefix, name string) bool {
		return strings.HasPrefix(strings.ToLower(name), strings.ToLower(prefix))
	})},
	{"a final part waits for no other", "snapshot.parts", func(m *recordingStore) {
		m.part = func(s *snapshotParts, p deployments.SnapshotPart) {
			for number := 1; number <= p.Parts; number++ {
				if s.items[number] == nil {
					s.items[number] = []deployments.Identity{}
				}
			}
		}
	}},
	{"a final part that is sent again decommissions again", "snapshot.part-again", func(m *recordingStore) {
		m.part = func(s *snapshotParts, _ deployments.SnapshotPart) { s.completed = nil }
	}},
	{"the time of a part may differ", "snapshot.part-differs", func(m *recordingStore) {
		m.differences = func(a, b deployments.Snapshot) []deployments.Violation {
			a.ObservedAt = b.ObservedAt
			return a.Differences(b)
		}
	}},
	{"the scope of a part may differ", "snapshot.part-differs", func(m *recordingStore) {
		m.differences = func(a, b deployments.Snapshot) []deployments.Violation {
			a.Scope = b.Scope
			return a.Differences(b)
		}
	}},
	{"a part that is sent again may differ", "snapshot.part-differs", func(m *recordingStore) {
		m.part = func(s *snapshotParts, p deployments.SnapshotPart) { delete(s.contents, p.Number) }
	}},
	{"a key has any content", "key.reused", func(m *recordingStore) { m.sameRequest = func(_, _ [32]byte) bool { return true } }},
	{"a rejected request takes its key", "key.rejected", func(m *recordingStore) {
		m.failed = func(m *recordingStore, key deployments.IdempotencyKey) {
			m.keys[key.Key] = usedKey{request: key.Request}
		}
	}},
}
