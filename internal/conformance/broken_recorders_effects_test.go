package conformance_test

import (
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// changeEffect changes what a recording does before it is done, or changes the store afterwards.
func changeEffect(change func(deployments.Recording, *deployments.Change, time.Time), after ...func(*recordingStore, *deployments.Change)) func(*recordingStore) {
	return func(m *recordingStore) {
		m.apply = func(r deployments.Recording, h deployments.IdentityHistory, o deployments.Observation) (deployments.Change, *deployments.Violation) {
			c, violation := r.Apply(h, o)
			if violation == nil && !c.Stale && change != nil {
				change(r, &c, o.Time())
			}
			for _, f := range after {
				f(m, &c)
			}
			return c, violation
		}
	}
}

// changeRecords changes the records that a recording gives a status.
func changeRecords(status deployments.Status, change func(*deployments.Record, time.Time)) func(*recordingStore) {
	return changeEffect(func(_ deployments.Recording, c *deployments.Change, now time.Time) {
		for i := range c.Updated {
			if c.Updated[i].Status == status {
				change(&c.Updated[i], now)
			}
		}
	})
}

// changeRecording changes recordings before the rules apply to them. New records are as they were sent.
func changeRecording(change func(*deployments.Recording)) func(*recordingStore) {
	return func(m *recordingStore) {
		m.apply = func(r deployments.Recording, h deployments.IdentityHistory, o deployments.Observation) (deployments.Change, *deployments.Violation) {
			change(&r)
			return r.Apply(h, o)
		}
	}
}

// onRepeat changes the effect of recordings that repeat a deployed record.
func onRepeat(change func(c *deployments.Change, was deployments.Record)) func(*recordingStore) {
	return func(m *recordingStore) {
		m.apply = func(r deployments.Recording, h deployments.IdentityHistory, o deployments.Observation) (deployments.Change, *deployments.Violation) {
			c, violation := r.Apply(h, o)
			if r.Status == deployments.Deployed && !c.Add && !c.Stale {
				change(&c, h.Deployed[0])
			}
			return c, violation
		}
	}
}

// onRepeatOf changes the artifact of the record that a recording repeats.
func onRepeatOf(change func(deployments.Recording, *deployments.Artifact)) func(*recordingStore) {
	return changeEffect(func(r deployments.Recording, c *deployments.Change, _ time.Time) {
		if r.Status == deployments.Deployed && !c.Add {
			change(r, &c.Answer.Artifact)
			c.Updated = []deployments.Record{c.Answer}
		}
	})
}

// onSecondEnd changes the effect of ends of what is not deployed.
func onSecondEnd(change func(*deployments.Change, time.Time)) func(*recordingStore) {
	return func(m *recordingStore) {
		m.apply = func(r deployments.Recording, h deployments.IdentityHistory, o deployments.Observation) (deployments.Change, *deployments.Violation) {
			c, violation := r.Apply(h, o)
			if r.Status == deployments.Decommissioned && len(h.Deployed) == 0 && len(c.Updated) == 1 {
				change(&c, o.Time())
			}
			return c, violation
		}
	}
}

func mergeIdentities(merge func(*deployments.Identity)) func(*recordingStore) {
	return func(m *recordingStore) {
		m.identity = func(i deployments.Identity) deployments.Identity {
			merge(&i)
			return i
		}
	}
}

// changeScope changes which records a snapshot decommissions.
func changeScope(change func(*deployments.SnapshotScope)) func(*recordingStore) {
	return func(m *recordingStore) {
		m.covers = func(s deployments.Snapshot, i deployments.Identity) bool {
			change(&s.Scope)
			return s.EnvironmentName == i.EnvironmentName && s.Scope.Covers(i)
		}
	}
}

func coversByPrefix(hasPrefix func(prefix, name string) bool) func(*recordingStore) {
	return func(m *recordingStore) {
		m.covers = func(s deployments.Snapshot, i deployments.Identity) bool {
			prefix := s.Scope.DeploymentNamePrefix
			s.Scope.DeploymentNamePrefix = ""
			return s.EnvironmentName == i.EnvironmentName && s.Scope.Covers(i) && hasPrefix(prefix, i.DeploymentName)
		}
	}
}
