package demo

import (
	"container/heap"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// release creates a release of a component and plans its rollouts: at once to the component's first target, and later to
// the others, unless the release is not promoted.
func (h *history) release(at int64) {
	c := h.company.randomComponent(h.random, at)
	r := h.company.nextRelease(h.random, c)
	promoted := h.chance(92)
	inProduction := promoted && h.chance(85)
	production := at + h.randomSpan(4*time.Hour, 20*time.Hour)
	c.inProductionAt = production
	for _, number := range c.targets {
		p := &h.company.targets[number]
		if p.first {
			h.plan(p, r, at)
			continue
		}
		goes, due := true, int64(0)
		switch h.company.environments[p.environment].kind {
		case development:
			due = at + h.randomSpan(2*time.Minute, 20*time.Minute)
		case staging:
			goes, due = promoted, at+h.randomSpan(30*time.Minute, 3*time.Hour)
		case live:
			goes, due = inProduction, production+h.randomSpan(time.Minute, 40*time.Minute)
		case edge:
			goes, due = inProduction && h.chance(75), production+h.randomSpan(5*time.Hour, 30*time.Hour)
		case sandbox:
			goes, due = h.chance(40), at+h.randomSpan(time.Hour, 15*time.Hour)
		}
		switch {
		case !goes || p.absentUntil > at:
		case p.due != 0 && p.plan.number > p.release.number:
			p.plan = r // the planned rollout deploys the newer release
		default:
			h.plan(p, r, due)
		}
	}
}

// plan replaces the planned rollout of the target.
func (h *history) plan(p *target, r release, due int64) {
	p.plan, p.due = r, due
	heap.Push(&h.queue, rollout{due: due, target: p})
}

// deploy carries out the planned rollout of the target, and reports whether it added a record.
func (h *history) deploy(p *target) bool {
	at := p.due
	if at > h.now {
		h.now = at
	} else {
		at = h.unplannedTime()
	}
	p.due = 0
	if p.running && p.release == p.plan { // W3
		p.updated, p.lastSeen = at, at
		return false
	}
	replaced := p.running
	if replaced { // W2
		p.updated = at
		h.write(p, deployments.Superseded)
		p.previous = p.release
	}
	p.running, p.release = true, p.plan
	p.created, p.updated, p.lastSeen = at, at, at
	h.company.newRecordID(h.random, p)
	if replaced && p.previous.number < p.release.number && h.chance(rollbackPercent[h.company.environments[p.environment].kind]) {
		h.fail(p)
	}
	return true
}

// fail plans a rollback to the previous release. It cancels the other rollouts of a release that failed in staging.
func (h *history) fail(p *target) {
	if h.company.environments[p.environment].kind == staging {
		for _, number := range h.company.components[p.component].targets {
			if other := &h.company.targets[number]; other.plan.number == p.release.number {
				other.due = 0
			}
		}
	}
	h.plan(p, p.previous, p.created+h.randomSpan(10*time.Minute, 75*time.Minute))
}

// confirm records a running release of a random target again (W3).
func (h *history) confirm() {
	if p := h.randomTarget(); p != nil {
		p.updated = h.unplannedTime()
		p.lastSeen = p.updated
	}
}

// decommission decommissions a random target for a while (W4), but never a component's first target, which receives its
// next release.
func (h *history) decommission() {
	p := h.randomTarget()
	if p == nil || p.first {
		return
	}
	p.updated = h.unplannedTime()
	h.write(p, deployments.Decommissioned)
	p.running, p.due = false, 0
	p.absentUntil = p.updated + h.randomSpan(10*hoursOfWork, 60*hoursOfWork)
}

// randomTarget returns a random running target, or nil if it finds none in four tries.
func (h *history) randomTarget() *target {
	for range 4 {
		if p := &h.company.targets[h.random.IntN(len(h.company.targets))]; p.running {
			return p
		}
	}
	return nil
}

// rollout is an entry of the queue: a target and the time of its planned rollout.
type rollout struct {
	due    int64
	target *target
}

// rollouts is a heap of rollouts, the earliest on top.
type rollouts []rollout

// next removes and returns the target with the earliest rollout, if that is not after until.
func (q *rollouts) next(until int64) (*target, bool) {
	for len(*q) > 0 && (*q)[0].due <= until {
		if r := heap.Pop(q).(rollout); r.target.due == r.due { // otherwise the plan has changed
			return r.target, true
		}
	}
	return nil, false
}

func (q rollouts) Len() int { return len(q) }

func (q rollouts) Less(i, j int) bool {
	if q[i].due != q[j].due {
		return q[i].due < q[j].due
	}
	return q[i].target.number < q[j].target.number
}

func (q rollouts) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

func (q *rollouts) Push(r any) { *q = append(*q, r.(rollout)) }

func (q *rollouts) Pop() any {
	last := len(*q) - 1
	r := (*q)[last]
	*q = (*q)[:last]
	return r
}
