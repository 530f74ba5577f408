package conformance_test

import (
	"testing"

	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/variant"
)

// Every rule has a server that breaks it.
func TestEveryRuleCanBeBroken(t *testing.T) {
	broken := map[string]bool{"request.valid": true, "request.required": true, "answer.status": true, "answer.headers": true, "body.schema": true, "own.unsupported": true} // by other documents: see document_test.go
	for _, b := range brokenStores {
		broken[b.rule] = true
	}
	for _, b := range brokenAnswers {
		broken[b.rule] = true
	}
	for _, v := range variant.All {
		broken[v.Rule] = true
	}
	for _, b := range brokenRecorders {
		broken[b.rule] = true
	}
	for _, b := range brokenRecordingRequests {
		broken[b.rule] = true
	}
	for _, b := range brokenTokens {
		broken[b.rule] = true
	}
	for _, r := range report.Rules() {
		if !broken[r.ID] {
			t.Errorf("no test server breaks %s: %s", r.ID, r.Sentence)
		}
	}
}
