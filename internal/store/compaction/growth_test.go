package compaction

import "testing"

func TestCountersAreDueAtFirstAndAfterEnoughDeltas(t *testing.T) {
	g := growth{enough: 10}
	due := func(step string, organizationID int64, want bool) {
		t.Helper()
		if got := g.isDue(organizationID); got != want {
			t.Errorf("%s: organization %d is due: %t", step, organizationID, got)
		}
	}
	g.add(1, 5)
	due("at first", 1, true)
	due("without a successful reading", 1, true)
	g.reset(1)
	due("after reading", 1, false)
	due("another one", 2, true)
	g.add(1, 9)
	due("after 9 deltas", 1, false)
	g.add(1, 1)
	due("after 10 deltas", 1, true)
	g.reset(1)
	g.setDue(1)
	due("without milestones", 1, true)
}
