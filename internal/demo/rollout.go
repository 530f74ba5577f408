package demo

import (
	"container/heap"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// release makes a new artifact of a component and plans where it goes: at once to where the component goes first,
// and later, if all is well, to the other stages.
func (h *history) release(at int64) {
	c := h.company.busyComponent(h.random, at)
	r := h.company.nextRelease(h.random, c)
	promoted := h.chance(92)
	inProduction := promoted && h.chance(85)
	production := at + h.between(4*time.Hour, 20*time.Hour)
	c.settled = production
	for _, number := range c.places {
		p := &h.company.places[number]
		if p.first {
			h.plan(p, r, at)
			continue
		}
		goes, due := true, int64(0)
		switch h.company.environments[p.environment].stage {
		case development:
			due = at + h.between(2*time.Minute, 20*time.Minute)
		case staging:
			goes, due = promoted, at+h.between(30*time.Minute, 3*time.Hour)
		case live:
			goes, due = inProduction, production+h.between(time.Minute, 40*time.Minute)
		case edge:
			goes, due = inProduction && h.chance(75), production+h.between(5*time.Hour, 30*time.Hour)
		case sandbox:
			goes, due = h.chance(40), at+h.between(time.Hour, 15*time.Hour)
		}
		switch {
		case !goes || p.away > at:
		case p.due != 0 && p.plan.number > p.release.number:
			p.plan = r // what was planned before comes at its time, as the newer release
		default:
			h.plan(p, r, due)
		}
	}
}

// plan has the release deployed in the place when it is due, instead of whatever was planned there.
func (h *history) plan(p *place, r release, due int64) {
	p.plan, p.due = r, due
	heap.Push(&h.queue, rollout{due: due, place: p})
}

// deploy does what was planned in the place. It is false if that added no record.
func (h *history) deploy(p *place) bool {
	at := p.due
	if at > h.now {
		h.now = at
	} else {
		at = h.moment()
	}
	p.due = 0
	if p.running && p.release == p.plan { // W3
		p.updated, p.seen = at, at
		return false
	}
	replaced := p.running
	if replaced { // W2
		p.updated = at
		h.write(p, deployments.Superseded)
		p.previous = p.release
	}
	p.running, p.release = true, p.plan
	p.created, p.updated, p.seen = at, at, at
	h.company.newRecordID(h.random, p)
	if replaced && p.previous.number < p.release.number && h.chance(failures[h.company.environments[p.environment].stage]) {
		h.fail(p)
	}
	return true
}

// fail has the place's release taken back soon, for what ran there before. What failed in staging goes nowhere else.
func (h *history) fail(p *place) {
	if h.company.environments[p.environment].stage == staging {
		for _, number := range h.company.components[p.component].places {
			if other := &h.company.places[number]; other.plan.number == p.release.number {
				other.due = 0
			}
		}
	}
	h.plan(p, p.previous, p.created+h.between(10*time.Minute, 75*time.Minute))
}

// seeAgain has something reported that runs already (W3).
func (h *history) seeAgain() {
	if p := h.somePlace(); p != nil {
		p.updated = h.moment()
		p.seen = p.updated
	}
}

// decommission takes something out of an environment, for some time at least (W4). Where a component goes first it
// stays: something must be able to take the next release.
func (h *history) decommission() {
	p := h.somePlace()
	if p == nil || p.first {
		return
	}
	p.updated = h.moment()
	h.write(p, deployments.Decommissioned)
	p.running, p.due = false, 0
	p.away = p.updated + h.between(10*hoursOfWork, 60*hoursOfWork)
}

// somePlace is a random one where something runs, or nil if none was found.
func (h *history) somePlace() *place {
	for range 4 {
		if p := &h.company.places[h.random.IntN(len(h.company.places))]; p.running {
			return p
		}
	}
	return nil
}

// rollout is a place where something is planned.
type rollout struct {
	due   int64
	place *place
}

// rollouts is a heap of what is planned, what is due first on top.
type rollouts []rollout

// next takes the place whose plan is due first, if it is by then.
func (q *rollouts) next(until int64) (*place, bool) {
	for len(*q) > 0 && (*q)[0].due <= until {
		if r := heap.Pop(q).(rollout); r.place.due == r.due { // else the plan was changed since
			return r.place, true
		}
	}
	return nil, false
}

func (q rollouts) Len() int { return len(q) }

func (q rollouts) Less(i, j int) bool {
	if q[i].due != q[j].due {
		return q[i].due < q[j].due
	}
	return q[i].place.number < q[j].place.number
}

func (q rollouts) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

func (q *rollouts) Push(r any) { *q = append(*q, r.(rollout)) }

func (q *rollouts) Pop() any {
	last := len(*q) - 1
	r := (*q)[last]
	*q = (*q)[:last]
	return r
}
