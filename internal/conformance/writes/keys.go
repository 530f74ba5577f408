package writes

import (
	"net/http"
	"strings"

	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// key returns an idempotency key that no other run uses.
func (e *environment) key(name string) string { return e.name + "-" + name }

// checkKeys sends recordings again under their Idempotency-Key.
func (s *Suite) checkKeys() {
	e := s.newEnvironment("keys")
	first := e.sendKey(e.image("api", 1), e.key("one"))
	first.requireOK()
	first.requireAdded(report.KeyRepeat, deployed)
	e.add(e.image("api", 2)).requireAdded(report.RecordSupersede, deployed)

	again := e.sendKey(e.image("api", 1), e.key("one"))
	again.requireOK()
	again.requireAnswer(report.KeyRepeat, first.id)
	again.requireUnchanged(report.KeyRepeat)
	status := again.answer.Value.Text("deployment_record", "status")
	again.expect(report.KeyRepeat, status == superseded, "the record is superseded, and the answer to its key says %q", status)
	e.sendKey(e.image("api", 3), e.key("one")).requireRefused(report.KeyReused, "a key with another digest", "", http.StatusUnprocessableEntity)
	e.sendKey(e.image("web", 1), e.key("one")).requireRefused(report.KeyReused, "a key with another deployment", "", http.StatusUnprocessableEntity)

	invalid := e.image("api", 1)
	invalid.Digest = "sha256:1"
	e.sendKey(invalid, e.key("two")).requireRefused(report.RecordInvalid, "an invalid digest with a key", "artifact_digest", http.StatusBadRequest)
	e.sendKey(e.image("gone", 1).endAny(), e.key("two")).requireRefused(report.RecordEndNone, "the end of nothing, with a key,", "artifact_digest", http.StatusBadRequest)
	free := e.sendKey(e.image("web", 2), e.key("two"))
	free.expect(report.KeyRejected, free.answer.Status == http.StatusOK, "a valid recording with the key of a rejected one is answered with %s", s.client.Summary(free.answer))
	free.requireAdded(report.KeyRejected, deployed)
	e.sendKey(e.image("job", 1), e.key("three")).requireAdded(report.KeyRepeat, deployed)
	e.sendKey(e.image("api", 1), strings.Repeat("k", 129)).requireRefused(report.RecordInvalid, "a key of 129 characters", "Idempotency-Key", http.StatusBadRequest)
}

// checkBatchKey sends a batch with an Idempotency-Key (W7).
func (s *Suite) checkBatchKey() {
	e := s.newEnvironment("batch-key")
	body := batch{Deployments: []deployment{e.image("api", 1)}}
	e.sendBody(s.records.Batch, body, e.key("batch")).requireRefused(report.KeyBatch, "a batch with a key", "observed_at", http.StatusBadRequest)
}
