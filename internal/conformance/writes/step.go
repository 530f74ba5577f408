package writes

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// identity is the unit of superseding: environment, logical environment, deployment name and kind.
type identity struct{ environment, logical, name, kind string }

func (d deployment) identity() identity {
	return identity{d.Environment, d.Logical, d.Name, d.Kind}
}

func identityOf(record *client.Value) identity {
	return identity{record.Text("environment_name"), record.Text("logical_environment_name"), record.Text("deployment_name"), record.Text("artifact", "kind")}
}

// fixed are the fields of a record that never change. An empty name or version may be filled.
var fixed = [][]string{
	{"created_at"},
	{"environment_id"},
	{"environment_name"},
	{"logical_environment_id"},
	{"logical_environment_name"},
	{"deployment_name"},
	{"artifact", "kind"},
	{"artifact", "digest"},
}

// checkStep checks what holds for every request.
func (p *step) checkStep() {
	running := make(map[identity]string)
	for id, record := range p.after {
		if record.Text("status") == deployed {
			other := running[identityOf(record)]
			p.expect(report.RecordOne, other == "", "the records %s and %s of one identity are deployed", id, other)
			running[identityOf(record)] = id
		}
		if p.before[id] == nil {
			p.checkCreated(record)
		}
	}
	for id, record := range p.before {
		now := p.after[id]
		if now == nil {
			p.expect(report.RecordHistory, false, "the record %s is gone", id)
			continue
		}
		for _, field := range fixed {
			p.expect(report.RecordHistory, now.Text(field...) == record.Text(field...), "%s of the record %s was %s and is %s",
				strings.Join(field, "."), id, record.Get(field...), now.Get(field...))
		}
		for _, part := range []string{"name", "version"} {
			was := record.Text("artifact", part)
			p.expect(report.RecordHistory, was == "" || was == now.Text("artifact", part), "the artifact's %s of the record %s was %q and is %s", part, id, was, now.Get("artifact", part))
		}
		for _, field := range []string{"updated_at", "last_seen_at"} {
			p.expect(report.RecordNeverBack, !now.Time(field).Before(record.Time(field)), "%s of the record %s was %s and is %s", field, id, record.Get(field), now.Get(field))
		}
	}
}

// checkCreated requires a new record to be later than every earlier record of its slot (W6).
func (p *step) checkCreated(record *client.Value) {
	for id, old := range p.before {
		if old.Text("deployment_name") == record.Text("deployment_name") {
			p.expect(report.RecordCreated, record.Time("created_at").After(old.Time("created_at")), "the new record %s was created at %s, and %s of its slot at %s",
				record.ID(), record.Get("created_at"), id, old.Get("created_at"))
		}
	}
}

// requireListed requires the answer to be a record that is listed in the same way, of the identity that was sent, and other
// identities to be unchanged.
func (p *step) requireListed(d deployment) {
	if p.answer.Status != http.StatusOK {
		return
	}
	listed, answered := p.after[p.id], p.answer.Value.Get("deployment_record")
	if listed == nil || answered == nil {
		p.expect(report.RecordStored, false, "the answer is the record %q, which the list does not have", p.id)
		return
	}
	field := differingField(listed, answered)
	p.expect(report.RecordStored, field == nil, "%s is %s in the answer and %s in the list", strings.Join(field, "."), answered.Get(field...), listed.Get(field...))
	p.expect(report.RecordStored, identityOf(listed) == d.identity(), "the answer is a record of %v, and %v was sent", identityOf(listed), d.identity())
	p.requireOthers(d.identity())
}

// recordFields are the texts of a record.
var recordFields = slices.Concat(fixed, [][]string{
	{"id"}, {"artifact_id"}, {"artifact", "name"}, {"artifact", "version"}, {"status"}, {"updated_at"}, {"last_seen_at"},
})

// differingField returns a field in which two records differ, or nil. Times are compared as moments, and an absent text is
// an empty one: a server may write lists and other answers differently.
func differingField(a, b *client.Value) []string {
	for _, field := range recordFields {
		same := a.Text(field...) == b.Text(field...)
		if strings.HasSuffix(field[0], "_at") {
			same = a.Time(field...).Equal(b.Time(field...))
		}
		if !same {
			return field
		}
	}
	return nil
}

// requireOthers requires the records of all but some identities to be unchanged.
func (p *step) requireOthers(except ...identity) {
	for id, record := range p.before {
		if now := p.after[id]; now != nil && !slices.Contains(except, identityOf(record)) {
			p.requireSame(report.RecordOthers, record, now)
		}
	}
	for id, record := range p.after {
		if p.before[id] == nil {
			p.expect(report.RecordOthers, slices.Contains(except, identityOf(record)), "the record %s is new, of %v", id, identityOf(record))
		}
	}
}

func (p *step) requireSame(rule *report.Rule, was, now *client.Value) {
	field := differingField(was, now)
	p.expect(rule, field == nil, "%s of the record %s was %s and is %s", strings.Join(field, "."), was.ID(), was.Get(field...), now.Get(field...))
}

// requireUnchanged requires the history to be as before.
func (p *step) requireUnchanged(rule *report.Rule) {
	p.expect(rule, len(p.after) == len(p.before), "there were %d records, and there are %d", len(p.before), len(p.after))
	for id, record := range p.before {
		if now := p.after[id]; now != nil {
			p.requireSame(rule, record, now)
		}
	}
}

// requireAdded requires one new record with a status, which is the answer.
func (p *step) requireAdded(rule *report.Rule, status string) {
	p.expect(rule, len(p.after) == len(p.before)+1, "there were %d records, and there are %d", len(p.before), len(p.after))
	p.expect(rule, p.before[p.id] == nil && p.id != "", "the answer is the record %q, which is not new", p.id)
	p.require(rule, p.id, "status", status)
}

// requireAnswer requires no new record, and the answer to be a record.
func (p *step) requireAnswer(rule *report.Rule, id string) {
	p.expect(rule, len(p.after) == len(p.before), "there were %d records, and there are %d", len(p.before), len(p.after))
	p.expect(rule, p.id == id, "the answer is the record %q, not %q", p.id, id)
}

// require requires a text of a record.
func (p *step) require(rule *report.Rule, id, field, want string) {
	got := p.after[id].Get(strings.Split(field, ".")...)
	p.expect(rule, got.IsText() && got.Content == want, "%s of the record %s is %s, not %q", field, id, got, want)
}

// requireTime requires a time of a record to be exact.
func (p *step) requireTime(rule *report.Rule, id, field string, want time.Time) {
	p.expect(rule, p.after[id].Time(field).Equal(want), "%s of the record %s is %s, not %s", field, id, p.after[id].Get(field), timeText(want))
}

// requireSince requires times of a record to be at or after a moment.
func (p *step) requireSince(rule *report.Rule, id string, moment time.Time, fields ...string) {
	for _, field := range fields {
		p.expect(rule, !p.after[id].Time(field).Before(moment), "%s of the record %s is %s, and the recording came after %s", field, id, p.after[id].Get(field), timeText(moment))
	}
}

// requireKept requires fields of a record to be as before.
func (p *step) requireKept(rule *report.Rule, id string, fields ...string) {
	for _, field := range fields {
		path := strings.Split(field, ".")
		p.expect(rule, p.after[id].Get(path...).String() == p.before[id].Get(path...).String(), "%s of the record %s was %s and is %s",
			field, id, p.before[id].Get(path...), p.after[id].Get(path...))
	}
}

// requireRefused requires a status and an error that names a field, and no effect.
func (p *step) requireRefused(rule *report.Rule, why, field string, status int) {
	ok := p.answer.Status == status && strings.Contains(p.client.Summary(p.answer), field)
	p.expect(rule, ok, "%s is answered with %s, not with %d and %q", why, p.client.Summary(p.answer), status, field)
	p.requireUnchanged(rule)
}
