package demo_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/demo"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// made caches the histories, since generating and reading the long one takes most of the time.
var made = map[demo.Options][]deployments.ImportEntry{}

// histories have several sizes and seeds.
func histories(t *testing.T, test func(t *testing.T, o demo.Options, all []deployments.ImportEntry)) {
	t.Helper()
	for _, o := range []demo.Options{
		theDemo,
		{Records: 0, Seed: 1, End: theDemo.End},
		{Records: 1, Seed: 1, End: theDemo.End},
		{Records: 10, Seed: 2, End: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)},       // a Sunday
		{Records: 500, Seed: 1 << 63, End: time.Date(2024, 2, 26, 6, 0, 0, 1, time.UTC)}, // a Monday before work
		{Records: 3000, Slots: 700, Seed: 9, End: theDemo.End},
		{Records: 5000, Seed: 3, End: time.Date(2026, 11, 19, 22, 0, 0, 0, time.UTC)},
		{Records: 100_000, Seed: 4, End: theDemo.End},
	} {
		t.Run(fmt.Sprintf("%d records, seed %d", o.Records, o.Seed), func(t *testing.T) {
			if _, ok := made[o]; !ok {
				made[o] = entries(t, generate(t, o), o.End)
			}
			test(t, o, made[o])
		})
	}
}

func TestAHistoryHasItsRecordsWithinItsTime(t *testing.T) {
	histories(t, func(t *testing.T, o demo.Options, all []deployments.ImportEntry) {
		if len(all) != o.Records {
			t.Errorf("%d records", len(all))
		}
		start := o.End.AddDate(0, 0, -7*27)
		if o.Records >= 100_000 || o.Slots != 0 {
			start = o.End.AddDate(0, 0, -7*157)
		}
		ids := make(map[string]bool)
		for _, e := range all {
			r := e.Record
			for _, at := range []time.Time{r.CreatedAt, r.UpdatedAt, r.LastSeenAt} {
				if at.Before(start) || at.After(o.End) || at.Hour() < 8 || at.Hour() >= 18 || at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
					t.Errorf("line %d: nobody works at %v", e.Line, at)
				}
			}
			if r.UpdatedAt.Before(r.LastSeenAt) {
				t.Errorf("line %d: lastSeen after the last update", e.Line)
			}
			if ids[r.ID] {
				t.Errorf("line %d: %s again", e.Line, r.ID)
			}
			ids[r.ID] = true
			if r.EnvironmentID == "" || r.ArtifactID == "" || r.Artifact.Name == "" || r.Artifact.Version == "" || (r.LogicalEnvironmentID == "") != (r.LogicalEnvironmentName == "") {
				t.Errorf("line %d lacks what the API gives: %+v", e.Line, r)
			}
		}
	})
}

// identity identifies the records that supersede each other (W1).
type identity struct {
	slot             deployments.Slot
	logicalName      string
	kind             deployments.Kind
	environmentNamed string
}

func identityOf(r deployments.Record) identity {
	return identity{r.Slot(), r.LogicalEnvironmentName, r.Artifact.Kind, r.EnvironmentName}
}

// byIdentity returns the records of each identity, the oldest first.
func byIdentity(all []deployments.ImportEntry) map[identity][]deployments.Record {
	records := make(map[identity][]deployments.Record)
	for _, e := range all {
		records[identityOf(e.Record)] = append(records[identityOf(e.Record)], e.Record)
	}
	for _, of := range records {
		slices.SortFunc(of, func(a, b deployments.Record) int { return a.CreatedAt.Compare(b.CreatedAt) })
	}
	return records
}

func TestW2_W3_W4_RecordingCouldHaveProducedAHistory(t *testing.T) {
	histories(t, func(t *testing.T, _ demo.Options, all []deployments.ImportEntry) {
		for _, records := range byIdentity(all) {
			for i, r := range records {
				last := i == len(records)-1
				var next deployments.Record
				if !last {
					next = records[i+1]
				}
				switch r.Status {
				case deployments.Deployed:
					if !last {
						t.Errorf("%+v is deployed still, and %+v came after it", r, next)
					}
				case deployments.Superseded:
					if last || !r.UpdatedAt.Equal(next.CreatedAt) || r.Artifact.Digest == next.Artifact.Digest {
						t.Errorf("%+v is not superseded by %+v", r, next)
					}
				case deployments.Decommissioned:
					if !last && !r.UpdatedAt.Before(next.CreatedAt) {
						t.Errorf("%+v was decommissioned after %+v came", r, next)
					}
				}
			}
		}
	})
}

func TestW6_CreatedAtGrowsWithinASlot(t *testing.T) {
	histories(t, func(t *testing.T, _ demo.Options, all []deployments.ImportEntry) {
		type moment struct {
			slot deployments.Slot
			at   time.Time
		}
		lastSeen := make(map[moment]bool)
		for _, e := range all {
			m := moment{e.Record.Slot(), e.Record.CreatedAt}
			if lastSeen[m] {
				t.Errorf("line %d: another record of its slot has that time", e.Line)
			}
			lastSeen[m] = true
		}
	})
}

// The benchmark compares histories of one and ten times the length, so that only the length may differ.
func TestSlotsDoNotDependOnTheLengthOfTheHistory(t *testing.T) {
	type names struct{ environments, deployments, slots map[string]bool }
	of := func(records int) (found names, start, end time.Time) {
		found = names{map[string]bool{}, map[string]bool{}, map[string]bool{}}
		o := demo.Options{Records: records, Slots: 500, Seed: 12, End: theDemo.End}
		for _, e := range entries(t, generate(t, o), o.End) {
			r := e.Record
			found.environments[r.EnvironmentName] = true
			found.deployments[r.DeploymentName] = true
			found.slots[r.EnvironmentName+"\x00"+r.DeploymentName] = true
			if start.IsZero() || r.CreatedAt.Before(start) {
				start = r.CreatedAt
			}
			if r.CreatedAt.After(end) {
				end = r.CreatedAt
			}
		}
		return found, start, end
	}
	short, shortStart, shortEnd := of(10_000)
	long, longStart, longEnd := of(100_000)
	if !maps.Equal(short.environments, long.environments) || len(long.environments) < 7 {
		t.Errorf("environments: %d and %d", len(short.environments), len(long.environments))
	}
	for slot := range short.slots {
		if !long.slots[slot] {
			t.Errorf("the longer history lacks %q", slot)
		}
	}
	if few, many := len(short.slots), len(long.slots); few < 440 || many < 450 || many > 550 || few*100 < many*97 {
		t.Errorf("slots: %d and %d", few, many)
	}
	if a, b := len(short.deployments), len(long.deployments); a*100 < b*97 {
		t.Errorf("deployment names: %d and %d", a, b)
	}
	if week := 7 * 24 * time.Hour; shortStart.Sub(longStart).Abs() > week || shortEnd.Sub(longEnd).Abs() > week || longEnd.Sub(longStart) < 150*week {
		t.Errorf("from %v to %v, and from %v to %v", shortStart, shortEnd, longStart, longEnd)
	}
}

// Ended records are in the order of their ends; deployed records follow in the order of their creation.
func TestLinesAreInTimeOrder(t *testing.T) {
	histories(t, func(t *testing.T, _ demo.Options, all []deployments.ImportEntry) {
		var last time.Time
		running := false
		for _, e := range all {
			at := e.Record.UpdatedAt
			switch deployed := e.Record.Status == deployments.Deployed; {
			case deployed && !running:
				running, last = true, time.Time{}
				fallthrough
			case deployed:
				at = e.Record.CreatedAt
			case running:
				t.Fatalf("line %d: what has ended comes after what goes on", e.Line)
			}
			if at.Before(last) {
				t.Fatalf("line %d: %v comes after %v", e.Line, at, last)
			}
			last = at
		}
	})
}
