package writes

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// checkInvalid sends bodies that do not fit the document.
func (s *Suite) checkInvalid() {
	e := s.newEnvironment("invalid")
	valid := fmt.Sprintf(`"environment_name":%q,"deployment_name":"api","kind":"CONTAINER_IMAGE","artifact_digest":%q`, e.name, e.digest(1))
	for field, body := range map[string]string{
		"deployment_name":          fmt.Sprintf(`{"environment_name":%q,"kind":"CONTAINER_IMAGE","artifact_digest":%q}`, e.name, e.digest(1)),
		"kind":                     strings.Replace("{"+valid+"}", image, "IMAGE", 1),
		"artifact_digest":          strings.Replace("{"+valid+"}", "sha256:", "SHA256:", 1),
		"status":                   "{" + valid + `,"status":"SUPERSEDED"}`,
		"observed_at":              "{" + valid + `,"observed_at":"2026-11-01 09:30"}`,
		"artifact_version":         "{" + valid + `,"artifact_version":"1\u0000"}`,
		"artifact_name":            "{" + valid + `,"artifact_name":null}`,
		"logical_environment_name": "{" + valid + `,"logical_environment_name":""}`,
		"project_versions":         "{" + valid + `,"project_versions":[{"project_name":"p"}]}`,
		"region":                   "{" + valid + `,"region":"eu"}`,
	} {
		e.refuse(field, body)
	}
	withoutDigest := fmt.Sprintf(`{"environment_name":%q,"deployment_name":"api","kind":"CONTAINER_IMAGE"}`, e.name)
	e.refuse("artifact_digest", withoutDigest)
	for _, name := range []string{"", strings.Repeat("n", 257), " api", "a\tb"} {
		e.refuse("deployment_name", strings.Replace("{"+valid+"}", `"api"`, fmt.Sprintf("%q", name), 1))
	}
	e.refuse("", "["+valid+"]")
	e.refuse("", "{"+valid)
}

// refuse sends a body that a server must refuse with an error that names the field.
func (e *environment) refuse(field, body string) {
	p := &step{environment: e, before: e.records, answer: e.post(e.Suite.records.Single, body, "")}
	p.sent = append(p.sent, p.answer)
	p.after = e.read()
	p.requireRefused(report.RecordInvalid, "an invalid "+field+" in "+client.Cut(body), field, http.StatusBadRequest)
}

// checkSupersede records other artifacts into one identity (W1, W2).
func (s *Suite) checkSupersede() {
	e := s.newEnvironment("supersede")
	first := e.add(e.image("api", 1).named("registry.example.com/api", "1.0"))
	first.requireAdded(report.RecordStored, deployed)
	for field, want := range map[string]string{"artifact.digest": e.digest(1), "artifact.name": Prefix + "registry.example.com/api", "artifact.version": "1.0"} {
		first.require(report.RecordStored, first.id, field, want)
	}
	first.expect(report.RecordStored, first.after[first.id].Time("last_seen_at").Equal(first.after[first.id].Time("created_at")), "a new record was not last seen when it was created")
	for _, other := range []deployment{e.chart("api", 1), e.image("api", 1).in("stage"), e.image("API", 1), e.image("web", 1)} {
		e.add(other).requireAdded(report.RecordOthers, deployed)
	}
	moment := e.moment()
	second := e.add(e.image("api", 2))
	second.requireAdded(report.RecordSupersede, deployed)
	second.require(report.RecordSupersede, first.id, "status", superseded)
	second.requireKept(report.RecordSupersede, first.id, "last_seen_at")
	second.requireSince(report.RecordSupersede, first.id, moment, "updated_at")

	back := e.add(e.image("api", 1))
	back.requireAdded(report.RecordRollback, deployed)
	back.require(report.RecordSupersede, second.id, "status", superseded)
	if was := back.before[first.id]; was != nil && back.after[first.id] != nil {
		back.requireSame(report.RecordRollback, was, back.after[first.id])
	}
	for _, other := range []deployment{e.chart("api", 2), e.image("api", 2).in("stage")} {
		e.add(other).requireAdded(report.RecordSupersede, deployed)
	}
	elsewhere := s.newEnvironment("supersede-2")
	elsewhere.add(elsewhere.image("api", 3)).requireAdded(report.RecordOthers, deployed)
	e.add(e.image("web", 1)) // notices what the other environment changed here
}

// checkRepeat records what is deployed already (W3).
func (s *Suite) checkRepeat() {
	e := s.newEnvironment("repeat")
	first := e.add(e.image("api", 1).in("stage"))
	e.add(e.image("api", 1))
	for _, status := range []string{"", deployed, "DEPLOYMENT_STATUS_UNSPECIFIED"} {
		moment := e.moment()
		d := e.image("api", 1).in("stage")
		d.Status = status
		again := e.add(d)
		again.requireAnswer(report.RecordRepeat, first.id)
		again.require(report.RecordRepeat, first.id, "status", deployed)
		again.requireSince(report.RecordRepeat, first.id, moment, "last_seen_at", "updated_at")
	}
}

// checkFill records names and versions after the digest is known (W3).
func (s *Suite) checkFill() {
	e := s.newEnvironment("fill")
	other := e.add(e.image("other", 1))
	first := e.add(e.image("api", 1))
	filled := e.add(e.image("api", 1).named("registry.example.com/api", "1.0"))
	filled.requireAnswer(report.RecordFill, first.id)
	filled.require(report.RecordFill, first.id, "artifact.name", Prefix+"registry.example.com/api")
	filled.require(report.RecordFill, first.id, "artifact.version", "1.0")
	filled.requireKept(report.RecordFill, other.id, "artifact.name", "artifact.version", "artifact_id")
	for _, d := range []deployment{e.image("api", 1).named("registry.example.com/api", "1.1"), e.image("api", 1).named("shop/api", ""), e.image("api", 1)} {
		kept := e.add(d)
		kept.requireAnswer(report.RecordKeep, first.id)
		kept.requireKept(report.RecordKeep, first.id, "artifact.name", "artifact.version", "artifact_id")
	}

	half := e.add(e.image("half", 2).named("api", ""))
	differs := e.add(e.image("half", 2).named("shop/api", "1.4"))
	differs.requireAnswer(report.RecordFill, half.id)
	differs.requireKept(report.RecordFill, half.id, "artifact.name", "artifact.version", "artifact_id")
	whole := e.add(e.image("half", 2).named("", "1.4"))
	whole.require(report.RecordFill, half.id, "artifact.name", Prefix+"api")
	whole.require(report.RecordFill, half.id, "artifact.version", "1.4")

	ended := e.add(e.image("ended", 3))
	e.add(e.image("ended", 3).named("api", "2").end()).require(report.RecordFill, ended.id, "artifact.version", "2")
}

// checkInherit records a digest alone after its name and version are known.
func (s *Suite) checkInherit() {
	e := s.newEnvironment("inherit")
	at := e.past() // a clock that stands still would give all of them one time
	e.add(e.image("one", 4).named("api", "1").at(at(10)))
	inherited := e.add(e.image("two", 4).at(at(20)))
	inherited.require(report.RecordInherit, inherited.id, "artifact.name", Prefix+"api")
	inherited.require(report.RecordInherit, inherited.id, "artifact.version", "1")
	e.add(e.image("three", 4).named("api", "2").at(at(30)))
	inherited = e.add(e.image("four", 4).at(at(40)))
	inherited.require(report.RecordInherit, inherited.id, "artifact.version", "2")
	otherKind := e.add(e.chart("five", 4))
	otherKind.expect(report.RecordInherit, otherKind.after[otherKind.id].Text("artifact", "version") == "", "a chart has the version of an image with its digest")
}

// checkDecommission ends deployments in each state of an identity (W4).
func (s *Suite) checkDecommission() {
	e := s.newEnvironment("decommission")
	e.add(e.chart("api", 1))
	e.try(e.image("api", 1).endAny()).requireRefused(report.RecordEndNone, "the end of nothing, without a digest,", "artifact_digest", http.StatusBadRequest)
	never := e.add(e.image("api", 1).end())
	never.requireAdded(report.RecordEndNone, decommissioned)

	one := e.add(e.image("api", 1))
	one.requireAdded(report.RecordSupersede, deployed)
	e.requireEnd(e.image("api", 1).end(), one.id)
	e.requireOnlySeen(e.image("api", 1).end(), one.id)
	two := e.add(e.image("api", 2))
	e.requireEnd(e.image("api", 2).endAny(), two.id)
	e.requireOnlySeen(e.image("api", 2).endAny(), two.id)
	e.requireOnlySeen(e.image("api", 1).end(), one.id)

	three := e.add(e.image("api", 3))
	other := e.add(e.image("api", 1).end())
	other.requireAnswer(report.RecordEndOther, three.id)
	other.requireUnchanged(report.RecordEndOther)
	unknown := e.add(e.image("api", 9).end())
	unknown.requireAnswer(report.RecordEndOther, three.id)
	unknown.requireUnchanged(report.RecordEndOther)
}

// requireEnd decommissions a deployed record.
func (e *environment) requireEnd(d deployment, id string) {
	moment := e.moment()
	p := e.add(d)
	p.requireAnswer(report.RecordEnd, id)
	p.require(report.RecordEnd, id, "status", decommissioned)
	p.requireKept(report.RecordEnd, id, "last_seen_at")
	p.requireSince(report.RecordEnd, id, moment, "updated_at")
}

// requireOnlySeen decommissions what is not deployed: only last_seen_at of a record moves.
func (e *environment) requireOnlySeen(d deployment, id string) {
	moment := e.moment()
	p := e.add(d)
	p.requireAnswer(report.RecordEndNone, id)
	p.requireKept(report.RecordEndNone, id, "status", "updated_at")
	p.requireSince(report.RecordEndNone, id, moment, "last_seen_at")
	for other, was := range p.before {
		if now := p.after[other]; other != id && now != nil {
			p.requireSame(report.RecordEndNone, was, now)
		}
	}
}
