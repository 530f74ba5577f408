package writes

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/conformance/spec"
)

// Kinds and statuses of the document.
const (
	image = "CONTAINER_IMAGE"
	chart = "HELM_CHART"

	deployed       = "DEPLOYED"
	decommissioned = "DECOMMISSIONED"
	superseded     = "SUPERSEDED"
)

// deployment is the body of a recording, or an item of a batch.
type deployment struct {
	Environment string `json:"environment_name"`
	Logical     string `json:"logical_environment_name,omitempty"`
	Name        string `json:"deployment_name"`
	Kind        string `json:"kind"`
	Digest      string `json:"artifact_digest,omitempty"`
	Artifact    string `json:"artifact_name,omitempty"`
	Version     string `json:"artifact_version,omitempty"`
	Status      string `json:"status,omitempty"`
	ObservedAt  string `json:"observed_at,omitempty"`
}

// history has the records of an environment by id.
type history map[string]*client.Value

// environment is one environment of the run, and what was sent to it.
type environment struct {
	*Suite
	name    string
	records history
	sent    []*client.Answer
}

// newEnvironment returns an environment that no other check uses.
func (s *Suite) newEnvironment(name string) *environment {
	return &environment{Suite: s, name: s.prefix() + name, records: history{}}
}

// digest returns the n-th digest of the environment, which no other environment or run has.
func (e *environment) digest(n int) string {
	return fmt.Sprintf("sha256:%x", sha256.Sum256(fmt.Appendf(nil, "%s %d", e.name, n)))
}

// image returns a deployment of the environment's n-th digest as an image.
func (e *environment) image(name string, n int) deployment {
	return deployment{Environment: e.name, Name: Prefix + name, Kind: image, Digest: e.digest(n)}
}

// chart returns a deployment of the environment's n-th digest as a chart.
func (e *environment) chart(name string, n int) deployment {
	d := e.image(name, n)
	d.Kind = chart
	return d
}

func (d deployment) in(logical string) deployment { d.Logical = Prefix + logical; return d }
func (d deployment) at(t time.Time) deployment    { d.ObservedAt = timeText(t); return d }
func (d deployment) named(name, version string) deployment {
	if name != "" {
		d.Artifact = Prefix + name
	}
	d.Version = version
	return d
}

// end returns the deployment as decommissioned.
func (d deployment) end() deployment { d.Status = decommissioned; return d }

// endAny returns the deployment as decommissioned whatever its artifact is.
func (d deployment) endAny() deployment { d.Digest = ""; return d.end() }

// step is a request with the history before and after it.
type step struct {
	*environment
	answer        *client.Answer
	before, after history
	// id is that of the record in the answer, or "".
	id string
}

// sendKey sends a deployment under a key, or without one if the key is "".
func (e *environment) sendKey(d deployment, key string) *step {
	return e.sendBody(e.Suite.records.Single, d, key)
}

// try sends a deployment.
func (e *environment) try(d deployment) *step { return e.sendKey(d, "") }

// add records a deployment that is valid.
func (e *environment) add(d deployment) *step {
	p := e.try(d)
	p.requireOK()
	p.requireListed(d)
	return p
}

func (p *step) requireOK() {
	p.expect(report.RecordValid, p.answer.Status == http.StatusOK, "a valid recording is answered with %s", p.client.Summary(p.answer))
}

// sendBody sends any body.
func (e *environment) sendBody(operation *spec.Document, body any, key string) *step {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // bodies have texts, numbers and lists only
	}
	p := &step{environment: e, before: e.records}
	p.answer = e.post(operation, string(text), key)
	e.sent = append(e.sent, p.answer)
	p.id = p.answer.Value.Text("deployment_record", "id")
	p.after = e.read()
	p.checkStep()
	e.records = p.after
	return p
}

// read returns the records of the environment.
func (e *environment) read() history {
	first := int64(0)
	query := client.Query{{Name: "environment_name", Value: e.name}, {Name: "full_history", Value: "true"}}
	get := func(q client.Query) *client.Answer {
		a := e.Suite.send(client.NewRequest(e.list.Path, q))
		if a.Status == http.StatusOK {
			if a.List = e.list.Layout.ReadList(a.Value); a.List != nil && !q.Has(e.list.Layout.PageParameter) {
				first = max(a.List.Page, 0)
			}
		}
		return a
	}
	size := int64(100)
	if p := e.list.Parameter(e.list.Layout.SizeParameter); p != nil && p.Schema.Max != nil {
		size = min(size, int64(*p.Schema.Max))
	}
	w := e.list.Layout.WalkPages(query, size, get, func(page, _ int64) string { return strconv.FormatInt(page+first, 10) })
	last := w.Answers[len(w.Answers)-1]
	switch {
	case w.Complete || e.err != nil:
	case last.Status == http.StatusNotFound && len(e.records) == 0: // another reading of a filter by a name that nobody has
	case last.Status != http.StatusOK:
		e.err = fmt.Errorf("the records of an environment are answered with %s, so recording cannot be judged", e.client.Summary(last))
	case len(w.Answers) == client.MaxWalk:
		e.err = fmt.Errorf("the records of an environment need more than %d pages of %d, so recording cannot be judged", client.MaxWalk, w.Size)
	}
	found := history{}
	for _, record := range w.Records {
		found[record.ID()] = record
	}
	return found
}

// expect checks a rule. A finding has the commands of everything that was sent to the environment.
func (p *step) expect(rule *report.Rule, ok bool, format string, args ...any) {
	c := &report.Checks{}
	c.Check(rule, ok, format, args...)
	var shown []*client.Answer
	if !ok {
		list := client.NewRequest(p.list.Path, client.Query{{Name: "environment_name", Value: p.name}, {Name: "full_history", Value: "true"}})
		shown = append(slices.Clone(p.sent), &client.Answer{Request: list})
	}
	p.Suite.record(c, shown...)
}

// moment returns the server's present time, as the created_at of a record that it adds in another slot.
func (e *environment) moment() time.Time {
	p := e.add(e.image("moment-"+strconv.Itoa(len(e.sent)), 0))
	return p.after[p.id].Time("created_at")
}
