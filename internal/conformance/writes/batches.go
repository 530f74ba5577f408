package writes

import (
	"net/http"

	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// batch is the body of a batch.
type batch struct {
	Deployments []deployment `json:"deployments"`
	Partial     bool         `json:"partial,omitempty"`
	ObservedAt  string       `json:"observed_at,omitempty"`

	Complete    bool   `json:"complete,omitempty"`
	AllowEmpty  bool   `json:"allow_empty,omitempty"`
	Environment string `json:"environment_name,omitempty"`
	Scope       *scope `json:"scope,omitempty"`
	SnapshotID  string `json:"snapshot_id,omitempty"`
	Part        int    `json:"part,omitempty"`
	Final       bool   `json:"final,omitempty"`
	Parts       int    `json:"parts,omitempty"`
}

// scope limits a snapshot.
type scope struct {
	Logical *string  `json:"logical_environment_name,omitempty"`
	Kinds   []string `json:"kinds,omitzero"`
	Prefix  string   `json:"deployment_name_prefix,omitempty"`
}

func (e *environment) sendBatch(b batch) *step {
	if b.Deployments == nil {
		b.Deployments = []deployment{}
	}
	return e.sendBody(e.Suite.records.Batch, b, "")
}

// requireResults requires a result with a record or with faults for each item, in the order of the batch.
func (p *step) requireResults(rule *report.Rule, items []deployment, refused ...int) {
	p.requireOK()
	results := p.answer.Value.Get("results")
	if results == nil || p.answer.Status != http.StatusOK {
		return
	}
	p.expect(rule, len(results.Items) == len(items), "%d items have %d results", len(items), len(results.Items))
	isRefused := make(map[int]bool)
	for _, i := range refused {
		isRefused[i] = true
	}
	for i, item := range items[:min(len(items), len(results.Items))] {
		result := results.Items[i]
		record, faults := result.Get("deployment_record"), result.Get("faults")
		if isRefused[i] {
			p.expect(rule, record == nil && faults != nil && len(faults.Items) > 0, "item %d is invalid, and its result has %q", i, result.MemberNames())
			continue
		}
		p.expect(rule, identityOf(record) == item.identity(), "item %d is %v, and its result is a record of %v", i, item.identity(), identityOf(record))
		listed := p.after[record.ID()]
		p.expect(rule, listed != nil && differingField(listed, record) == nil, "the record %s of result %d is not listed as such", record.ID(), i)
	}
}

// checkBatch records batches that are valid or partial.
func (s *Suite) checkBatch() {
	e := s.newEnvironment("batch")
	old := e.add(e.image("old", 1))
	items := []deployment{e.image("c", 1), e.image("a", 2).in("stage"), e.chart("b", 3), e.image("old", 2), e.image("gone", 1).end()}
	valid := e.sendBatch(batch{Deployments: items})
	valid.requireResults(report.BatchResults, items)
	valid.expect(report.BatchResults, len(valid.after) == len(valid.before)+len(items), "there were %d records, and after %d items there are %d", len(valid.before), len(items), len(valid.after))
	valid.require(report.RecordSupersede, old.id, "status", superseded)

	items = []deployment{e.image("d", 1), e.image("e", 1), e.image("f", 1), e.image("d", 2)}
	items[1].Digest = "sha256:1"
	partial := e.sendBatch(batch{Deployments: items, Partial: true})
	partial.requireResults(report.BatchPartial, items, 1, 3)
	partial.expect(report.BatchPartial, len(partial.after) == len(partial.before)+2, "there were %d records, and with 2 valid items there are %d", len(partial.before), len(partial.after))

	at := e.past()
	items = []deployment{e.image("c", 9), e.image("new", 1)}
	late := e.sendBatch(batch{Deployments: items, ObservedAt: timeText(at(0))})
	late.requireResults(report.BatchResults, items)
	late.expect(report.RecordLate, len(late.after) == len(late.before)+1, "there were %d records, and with a late and a new item there are %d", len(late.before), len(late.after))
}

// checkRejectedBatch sends batches with invalid items.
func (s *Suite) checkRejectedBatch() {
	e := s.newEnvironment("rejected")
	e.add(e.image("c", 1))
	items := []deployment{e.image("a", 1), e.image("b", 1), e.image("c", 2)}
	items[1].Digest = "sha256:1"
	e.sendBatch(batch{Deployments: items}).requireRefused(report.BatchAtomic, "a batch with an invalid item", "deployments[1]", http.StatusBadRequest)
	items[1] = e.image("b", 1).endAny()
	e.sendBatch(batch{Deployments: items}).requireRefused(report.BatchAtomic, "a batch that ends nothing, without a digest,", "deployments[1]", http.StatusBadRequest)
	items[1] = e.image("a", 2)
	e.sendBatch(batch{Deployments: items}).requireRefused(report.BatchContradiction, "a batch with two artifacts for one identity", "deployments[1]", http.StatusBadRequest)
	e.sendBatch(batch{}).requireRefused(report.BatchAtomic, "a batch without items", "deployments", http.StatusBadRequest)
}
