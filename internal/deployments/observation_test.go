package deployments

import (
	"testing"
	"time"
)

func TestW7_ALateRecordingChangesNothing(t *testing.T) {
	ended := func(updated, seen int) *Record {
		r := deployed("a", 5)
		r.Status, r.UpdatedAt, r.LastSeenAt = Decommissioned, minute(updated), minute(seen)
		return &r
	}
	for name, c := range map[string]struct {
		status  Status
		digest  string
		history IdentityHistory
		now     int
		want    string
	}{
		"nothing known":                        {Deployed, "a", IdentityHistory{}, 60, "add"},
		"another artifact, seen since":         {Deployed, "a", IdentityHistory{Deployed: []Record{deployed("b", 11)}}, 60, "stale b11"},
		"another artifact, seen then":          {Deployed, "a", IdentityHistory{Deployed: []Record{deployed("b", 10)}}, 60, "stale b10"},
		"another artifact, seen before":        {Deployed, "a", IdentityHistory{Deployed: []Record{deployed("b", 9)}}, 60, "b9 SUPERSEDED U, add"},
		"the same artifact, seen since":        {Deployed, "a", IdentityHistory{Deployed: []Record{deployed("a", 11)}}, 60, "a11 DEPLOYED, answer a11"},
		"the same artifact, seen before":       {Deployed, "a", IdentityHistory{Deployed: []Record{deployed("a", 9)}}, 60, "a9 DEPLOYED U S, answer a9"},
		"ended what was seen since":            {Decommissioned, "a", IdentityHistory{Deployed: []Record{deployed("a", 11)}}, 60, "stale a11"},
		"ended whatever was seen since":        {Decommissioned, "", IdentityHistory{Deployed: []Record{deployed("a", 11)}}, 60, "stale a11"},
		"ended what was seen before":           {Decommissioned, "a", IdentityHistory{Deployed: []Record{deployed("a", 9)}}, 60, "a9 DECOMMISSIONED U, answer a9"},
		"deployed, and it has ended since":     {Deployed, "a", IdentityHistory{Changed: ended(12, 5)}, 60, "stale a5"},
		"ended, and another has ended since":   {Decommissioned, "b", IdentityHistory{Changed: ended(12, 5)}, 60, "stale a5"},
		"seen ahead, and now is later":         {Deployed, "a", IdentityHistory{Deployed: []Record{deployed("b", 99)}}, 11, "stale b99"},
		"seen ahead, and now is the same time": {Deployed, "a", IdentityHistory{Deployed: []Record{deployed("b", 99)}}, 10, "stale b99"},
		"seen ahead, which counts as now":      {Deployed, "a", IdentityHistory{Deployed: []Record{deployed("b", 99)}}, 9, "b99 SUPERSEDED, add"},
	} {
		r := Recording{Kind: ContainerImage, Digest: c.digest, Status: c.status}
		change, violation := r.Apply(c.history, Observation{At: minute(10), Now: minute(c.now)})
		got := show(change, minute(10))
		if change.Stale {
			got = "stale " + change.Answer.ID
		}
		if violation != nil || got != c.want {
			t.Errorf("%s: got %q %v, want %q", name, got, violation, c.want)
		}
	}
}

func TestW7_AnObservationComparesTheTimesOfARecord(t *testing.T) {
	observed := Observation{At: minute(10), Now: minute(60)}
	for _, c := range []struct {
		updated, seen int
		want          bool
	}{{9, 9, false}, {10, 9, true}, {9, 10, true}, {99, 9, true}} {
		r := deployed("a", 5)
		r.UpdatedAt, r.LastSeenAt = minute(c.updated), minute(c.seen)
		if got := observed.PrecedesChangeOf(r); got != c.want {
			t.Errorf("updated %d, seen %d: got %v", c.updated, c.seen, got)
		}
		if got := (Observation{Now: minute(60)}).PrecedesChangeOf(r); got {
			t.Errorf("updated %d, seen %d: without observed_at: got %v", c.updated, c.seen, got)
		}
	}
	if _, omitted := observed.Omit(deployed("a", 10)); omitted {
		t.Error("omitted what was seen at the time of the snapshot")
	}
	if ended, omitted := observed.Omit(deployed("a", 9)); !omitted || ended.Status != Decommissioned || !ended.UpdatedAt.Equal(minute(10)) {
		t.Errorf("got %+v, %v", ended, omitted)
	}
}

func TestW7_ObservedAtIsAtMostOneMinuteAhead(t *testing.T) {
	for ahead, valid := range map[time.Duration]bool{-time.Hour: true, time.Minute: true, time.Minute + time.Microsecond: false} {
		for name, batch := range map[string]Batch{
			"batch": {ObservedAt: minute(1).Add(ahead)}, "snapshot": {Snapshot: &Snapshot{ObservedAt: minute(1).Add(ahead)}},
		} {
			if observed, violation := batch.Observation(minute(1)); (violation == nil) != valid || valid && !observed.Time().Equal(minute(1).Add(ahead)) {
				t.Errorf("%s, %v ahead: got %+v, %v", name, ahead, observed, violation)
			}
		}
	}
	var batch Batch
	if observed, violation := batch.Observation(minute(1)); violation != nil || !observed.Time().Equal(minute(1)) {
		t.Errorf("without observed_at: got %+v, %v", observed, violation)
	}
}
