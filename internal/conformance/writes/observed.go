package writes

import (
	"net/http"
	"time"

	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// past returns a function for times that many seconds after an hour before the server's present time.
func (e *environment) past() func(seconds int) time.Time {
	start := e.moment().Add(-time.Hour).Truncate(time.Second)
	return func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
}

// requireTimes requires the three times of a record.
func (p *step) requireTimes(rule *report.Rule, id string, created, updated, seen time.Time) {
	p.requireTime(rule, id, "created_at", created)
	p.requireTime(rule, id, "updated_at", updated)
	p.requireTime(rule, id, "last_seen_at", seen)
}

// requireLate requires a recording to change nothing and to be answered with a record.
func (p *step) requireLate(id string) {
	p.requireAnswer(report.RecordLate, id)
	p.requireUnchanged(report.RecordLate)
}

// checkOrderInSlot records into a slot with several identities (W6).
func (s *Suite) checkOrderInSlot() {
	e := s.newEnvironment("slot")
	at := e.past()
	for n := range 3 {
		e.add(e.image("api", n))
		e.add(e.chart("api", n))
	}
	e.add(e.image("web", 1).at(at(100)))
	earlier := e.add(e.chart("web", 1).at(at(50)))
	earlier.requireTimes(report.RecordCreated, earlier.id, at(100).Add(time.Microsecond), at(100).Add(time.Microsecond), at(100).Add(time.Microsecond))
}

// checkObserved records with times out of order (W7).
func (s *Suite) checkObserved() {
	e := s.newEnvironment("observed")
	at := e.past()
	one := e.add(e.image("api", 1).at(at(100)))
	one.requireAdded(report.RecordObserved, deployed)
	one.requireTimes(report.RecordObserved, one.id, at(100), at(100), at(100))
	e.add(e.image("api", 1).at(at(200))).requireTimes(report.RecordObserved, one.id, at(100), at(200), at(200))
	e.add(e.image("api", 1).at(at(150))).requireUnchanged(report.RecordNeverBack)
	for _, seconds := range []int{150, 200} {
		e.add(e.image("api", 2).at(at(seconds))).requireLate(one.id)
		e.add(e.image("api", 1).end().at(at(seconds))).requireLate(one.id)
	}
	two := e.add(e.image("api", 2).at(at(201)))
	two.requireAdded(report.RecordObserved, deployed)
	two.requireTimes(report.RecordObserved, two.id, at(201), at(201), at(201))
	two.require(report.RecordObserved, one.id, "status", superseded)
	two.requireTimes(report.RecordObserved, one.id, at(100), at(201), at(200))

	other := e.image("zone", 1)
	other.ObservedAt = at(10).In(time.FixedZone("", 2*60*60)).Format("2006-01-02T15:04:05") + ".1234567+02:00"
	zone := e.add(other)
	zone.requireTime(report.RecordObserved, zone.id, "created_at", at(10).Add(123456*time.Microsecond))
}

// checkObservedEnd ends deployments with times out of order, and deploys after the end (W7).
func (s *Suite) checkObservedEnd() {
	e := s.newEnvironment("observed-end")
	at := e.past()
	one := e.add(e.image("api", 1).at(at(100)))
	ended := e.add(e.image("api", 1).end().at(at(300)))
	ended.require(report.RecordObserved, one.id, "status", decommissioned)
	ended.requireTimes(report.RecordObserved, one.id, at(100), at(300), at(100))
	for _, seconds := range []int{250, 300} {
		e.add(e.image("api", 2).at(at(seconds))).requireLate(one.id)
		e.add(e.image("api", 1).at(at(seconds))).requireLate(one.id)
	}
	two := e.add(e.image("api", 2).at(at(301)))
	two.requireAdded(report.RecordObserved, deployed)
	two.requireTime(report.RecordObserved, two.id, "created_at", at(301))
	ended = e.add(e.image("api", 1).endAny().at(at(302)))
	ended.require(report.RecordObserved, two.id, "status", decommissioned)
	ended.requireTimes(report.RecordObserved, two.id, at(301), at(302), at(301))
}

// checkFuture records with a time that is too far ahead (W7).
func (s *Suite) checkFuture() {
	e := s.newEnvironment("future")
	ahead := e.moment().Add(time.Hour)
	e.try(e.image("api", 1).at(ahead)).requireRefused(report.RecordFuture, "an observed_at an hour ahead", "observed_at", http.StatusBadRequest)
	e.sendBatch(batch{ObservedAt: timeText(ahead), Deployments: []deployment{e.image("api", 1)}}).
		requireRefused(report.RecordFuture, "an observed_at of a batch an hour ahead", "observed_at", http.StatusBadRequest)
}
