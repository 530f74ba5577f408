package writes

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// snapshot returns a complete batch of the environment.
func (e *environment) snapshot(at time.Time, items ...deployment) batch {
	return batch{Complete: true, Environment: e.name, ObservedAt: timeText(at), Deployments: items, AllowEmpty: len(items) == 0}
}

// within returns the snapshot with a scope.
func (b batch) within(s scope) batch { b.Scope = &s; return b }

// deploy records deployments at a time, and returns the ids of their records by name.
func (e *environment) deploy(at time.Time, items ...deployment) map[string]string {
	ids := make(map[string]string)
	for _, item := range items {
		ids[strings.TrimPrefix(item.Name, Prefix)] = e.add(item.at(at)).id
	}
	return ids
}

// requireEnded requires a snapshot to decommission exactly some records at a time, and to report their number.
func (p *step) requireEnded(rule *report.Rule, at time.Time, ids ...string) {
	p.requireOK()
	count, _ := p.answer.Value.Integer("decommissioned_count")
	p.expect(rule, count == int64(len(ids)), "decommissioned_count is %d, not %d", count, len(ids))
	wanted := make(map[string]bool)
	for _, id := range ids {
		wanted[id] = true
		p.require(rule, id, "status", decommissioned)
		p.requireTime(rule, id, "updated_at", at)
		p.requireKept(rule, id, "last_seen_at")
	}
	for id, was := range p.before {
		if !wanted[id] && was.Text("status") == deployed {
			p.require(rule, id, "status", deployed)
		}
	}
}

// checkSnapshot sends snapshots of a whole environment.
func (s *Suite) checkSnapshot() {
	elsewhere := s.newEnvironment("snapshot-2")
	elsewhere.add(elsewhere.image("b", 1))
	e := s.newEnvironment("snapshot")
	at := e.past()
	items := []deployment{e.image("a", 1), e.image("b", 1), e.chart("c", 1), e.image("d", 1).in("stage")}
	ids := e.deploy(at(10), items...)

	empty := e.snapshot(at(20))
	empty.AllowEmpty = false
	e.sendBatch(empty).requireRefused(report.SnapshotInvalid, "a snapshot without items", "deployments", http.StatusBadRequest)
	untimed := e.snapshot(at(20), items[0])
	untimed.ObservedAt = ""
	e.sendBatch(untimed).requireRefused(report.SnapshotInvalid, "a snapshot without its time", "observed_at", http.StatusBadRequest)
	e.sendBatch(e.snapshot(at(20), items[0], elsewhere.image("x", 1))).
		requireRefused(report.SnapshotInvalid, "an item of another environment", "deployments[1].environment_name", http.StatusBadRequest)

	for _, seconds := range []int{5, 10} {
		e.sendBatch(e.snapshot(at(seconds), items[0])).requireEnded(report.SnapshotLate, at(seconds))
	}
	complete := e.sendBatch(e.snapshot(at(20), items[0]))
	complete.requireEnded(report.SnapshotComplete, at(20), ids["b"], ids["c"], ids["d"])
	complete.requireResults(report.BatchResults, items[:1])
	complete.requireTime(report.SnapshotComplete, ids["a"], "last_seen_at", at(20))
	e.sendBatch(e.snapshot(at(30))).requireEnded(report.SnapshotComplete, at(30), ids["a"])
	again := elsewhere.add(elsewhere.image("c", 1))
	again.expect(report.SnapshotComplete, len(again.after) == 2, "a snapshot of another environment changed the records of %s", elsewhere.name)
	for id := range again.after {
		again.require(report.SnapshotComplete, id, "status", deployed)
	}
}

// checkScope sends snapshots that cover a part of an environment (W8).
func (s *Suite) checkScope() {
	e := s.newEnvironment("scope")
	at := e.past()
	items := []deployment{e.image("shop/a", 1).in("prod"), e.chart("shop/b", 1).in("prod"), e.image("shop/c", 1), e.image("web/a", 1).in("prod")}
	prod, none := Prefix+"prod", ""
	seconds := 0
	for _, c := range []struct {
		scope scope
		items []deployment
		ended []string
	}{
		{scope{Prefix: Prefix + "shop/"}, items[:1], []string{"shop/b", "shop/c"}},
		{scope{Kinds: []string{chart}}, nil, []string{"shop/b"}},
		{scope{Logical: &none}, nil, []string{"shop/c"}},
		{scope{Logical: &prod, Kinds: []string{image}}, items[:1], []string{"web/a"}},
		{scope{Logical: &prod, Kinds: []string{image}, Prefix: Prefix + "shop/"}, nil, []string{"shop/a"}},
		{scope{Prefix: Prefix + "SHOP/"}, nil, nil},
		{scope{Prefix: Prefix + "shop_"}, nil, nil},
		{scope{Prefix: "%"}, nil, nil},
	} {
		seconds += 20
		ids := e.deploy(at(seconds), items...)
		var ended []string
		for _, name := range c.ended {
			ended = append(ended, ids[name])
		}
		e.sendBatch(e.snapshot(at(seconds+10), c.items...).within(c.scope)).requireEnded(report.SnapshotScope, at(seconds+10), ended...)
	}
	at = func(int) time.Time { return e.moment() }
	for field, b := range map[string]batch{
		"deployments[0].deployment_name":          e.snapshot(at(0), e.image("web/a", 1)).within(scope{Prefix: Prefix + "shop/"}),
		"deployments[0].kind":                     e.snapshot(at(0), e.image("web/a", 1)).within(scope{Kinds: []string{chart}}),
		"deployments[0].logical_environment_name": e.snapshot(at(0), e.image("web/a", 1)).within(scope{Logical: &prod}),
		"scope": e.snapshot(at(0), e.image("web/a", 1)).within(scope{}),
		"kinds": e.snapshot(at(0), e.image("web/a", 1)).within(scope{Kinds: []string{}}),
	} {
		e.sendBatch(b).requireRefused(report.SnapshotScope, "an invalid scope or an item outside of it", field, http.StatusBadRequest)
	}
	incomplete := batch{Deployments: items[:1]}.within(scope{Prefix: Prefix + "shop/"})
	e.sendBatch(incomplete).requireRefused(report.SnapshotScope, "a scope without complete", "scope", http.StatusBadRequest)
}

// part returns a batch as a part of a snapshot; the final one has the number of all parts.
func (b batch) part(id string, number, parts int) batch {
	b.SnapshotID, b.Part, b.Final, b.Parts = id, number, parts > 0, parts
	return b
}

// checkParts sends a snapshot in parts, the last one first (W8).
func (s *Suite) checkParts() {
	e := s.newEnvironment("parts")
	at := e.past()
	items := []deployment{e.image("a", 1), e.image("b", 1), e.image("c", 1), e.image("d", 1)}
	ids := e.deploy(at(10), items...)
	first := e.snapshot(at(20), items[0]).part(e.name, 1, 0)
	e.sendBatch(first).requireEnded(report.SnapshotParts, at(20))
	final := e.snapshot(at(20), items[1]).part(e.name, 3, 3)
	waits := e.sendBatch(final)
	waits.expect(report.SnapshotParts, waits.answer.Status == http.StatusConflict, "the final part is answered with %s while part 2 is missing", s.client.Summary(waits.answer))
	waits.expect(report.SnapshotParts, namesPart(waits.answer, 2), "the answer does not name the missing part 2: %s", s.client.Summary(waits.answer))
	for _, id := range ids {
		waits.require(report.SnapshotParts, id, "status", deployed)
	}
	waits.requireTime(report.SnapshotParts, ids["b"], "last_seen_at", at(20))
	e.sendBatch(e.snapshot(at(20), items[2]).part(e.name, 2, 0)).requireEnded(report.SnapshotParts, at(20))
	e.sendBatch(final).requireEnded(report.SnapshotParts, at(20), ids["d"])

	e.deploy(at(15), e.image("late", 1))
	for _, again := range []batch{first, final} {
		p := e.sendBatch(again)
		p.requireOK()
		count, _ := p.answer.Value.Integer("decommissioned_count")
		p.expect(report.SnapshotPartAgain, count == 1 == again.Final && count <= 1, "a part that is sent again has a decommissioned_count of %d", count)
		p.requireUnchanged(report.SnapshotPartAgain)
	}
}

// namesPart reports whether the message of an error has the number of a part, which is no part of a longer word, of a time or of
// the snapshot's id.
func namesPart(a *client.Answer, number int) bool {
	isOther := func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.:", r)
	}
	words := strings.FieldsFunc(a.Value.Text("message"), isOther)
	return slices.ContainsFunc(words, func(word string) bool { return strings.Trim(word, "-_.:") == strconv.Itoa(number) })
}

// checkContradictingParts sends parts that do not belong together, of a snapshot that is never complete (W8).
func (s *Suite) checkContradictingParts() {
	e := s.newEnvironment("contradiction")
	at := e.past()
	other := s.newEnvironment("contradiction-2")
	items := []deployment{e.image("a", 1), e.image("b", 1)}
	e.deploy(at(10), items...)
	e.sendBatch(e.snapshot(at(20), items[0]).part(e.name, 1, 0)).requireEnded(report.SnapshotParts, at(20))
	for why, b := range map[string]batch{
		"a part with another time":           e.snapshot(at(21), items[1]).part(e.name, 2, 0),
		"a part with another scope":          e.snapshot(at(20), items[1]).within(scope{Prefix: Prefix + "b"}).part(e.name, 2, 0),
		"a part with another environment":    other.snapshot(at(20), other.image("b", 1)).part(e.name, 2, 0),
		"a part again, with other items":     e.snapshot(at(20), items[1]).part(e.name, 1, 0),
		"a part without its number":          e.snapshot(at(20), items[1]).part(e.name, 0, 0),
		"a final part beyond the last":       e.snapshot(at(20), items[1]).part(e.name, 3, 2),
		"parts without final":                func() batch { b := e.snapshot(at(20), items[1]).part(e.name, 2, 2); b.Final = false; return b }(),
		"a part of a batch, not a snapshot,": {Deployments: items[1:], SnapshotID: e.name, Part: 2},
	} {
		e.sendBatch(b).requireRefused(report.SnapshotPartDiffers, why, "", http.StatusBadRequest)
	}
	p := e.sendBatch(e.snapshot(at(20), items[1]).part(e.name, 2, 0))
	p.requireEnded(report.SnapshotParts, at(20))
	late := e.sendBatch(e.snapshot(at(20)).part(e.name, 2, 2))
	late.expect(report.SnapshotPartDiffers, late.answer.Status == http.StatusBadRequest, "a part again as the final one, with other items, is answered with %s", client.Quote(s.client.Summary(late.answer)))
}
