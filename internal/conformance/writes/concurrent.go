package writes

import (
	"encoding/json"
	"net/http"
	"sync"

	"github.com/deployrecords/deployrecords/internal/conformance/client"
	"github.com/deployrecords/deployrecords/internal/conformance/report"
)

// rounds is how many recordings each of two recorders sends.
const rounds = 12

// checkConcurrent lets two recorders record into the same slots (W5).
func (s *Suite) checkConcurrent() {
	e := s.newEnvironment("concurrent")
	e.add(e.image("api", 0))
	var one, two []deployment
	for n := range rounds {
		one = append(one, e.image("api", 1+2*n), e.image("same", n))
		two = append(two, e.image("api", 2+2*n), e.image("same", n))
	}
	answers := e.race("", one, two)
	p := e.look(answers...)
	ids := make(map[string]bool)
	for _, a := range answers {
		p.expect(report.RecordConcurrent, a.Status == http.StatusOK, "a recording beside another is answered with %s", p.client.Summary(a))
		id := a.Value.Text("deployment_record", "id")
		p.expect(report.RecordConcurrent, a.Status != http.StatusOK || p.after[id] != nil, "the acknowledged record %q is not listed", id)
		ids[id] = true
	}
	times, running := make(map[string]string), map[string]int{}
	for id, record := range p.after {
		if record.Text("status") == deployed {
			running[record.Text("deployment_name")]++
		}
		moment := record.Text("deployment_name") + " " + record.Text("created_at")
		p.expect(report.RecordConcurrent, times[moment] == "", "the records %s and %s of one slot have one created_at", id, times[moment])
		times[moment] = id
	}
	for _, name := range []string{"api", "same"} {
		p.expect(report.RecordConcurrent, running[Prefix+name] == 1, "after two recorders at once, %d records of %s are deployed", running[Prefix+name], name)
	}

	keyed := e.race(e.key("raced"), []deployment{e.image("keyed", 1)}, []deployment{e.image("keyed", 1)})
	p = e.look(keyed...)
	found := map[string]bool{}
	for _, a := range keyed {
		found[a.Value.Text("deployment_record", "id")] = true
	}
	p.expect(report.KeyRepeat, len(found) == 1, "two requests with one key at once are answered with %d records", len(found))
}

// race sends lists of deployments concurrently, each in its order, and returns all answers. It sends a recording again after a
// 409, as the document demands of clients.
func (e *environment) race(key string, lists ...[]deployment) []*client.Answer {
	answers, errs := make([][]*client.Answer, len(lists)), make([]error, len(lists))
	var done sync.WaitGroup
	for i, list := range lists {
		done.Go(func() {
			for _, d := range list {
				text, err := json.Marshal(d)
				if err != nil {
					panic(err) // a deployment has texts only
				}
				a, err := e.sendUntilNoConflict(client.Request{Path: e.Suite.records.Single.Path, Body: string(text), Key: key})
				if errs[i] = err; err != nil {
					a = &client.Answer{}
				}
				answers[i] = append(answers[i], a)
				if err != nil {
					return
				}
			}
		})
	}
	done.Wait()
	for _, err := range errs {
		e.fail(err)
	}
	var all []*client.Answer
	for _, list := range answers {
		all = append(all, list...)
	}
	e.posts += len(all)
	return all
}

// look returns a step of what was sent meanwhile.
func (e *environment) look(answers ...*client.Answer) *step {
	for _, a := range answers {
		if a.Status != 0 {
			e.checkAnswer(e.Suite.records.Single, a)
		}
	}
	p := &step{environment: e, answer: answers[0], before: e.records, after: e.read()}
	e.sent = append(e.sent, answers...)
	e.records = p.after
	return p
}
