package httpserver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

func TestW8_ASnapshotInParts(t *testing.T) {
	onEachEngine(t, func(t *testing.T, server *testServer, _ deployments.Store) {
		server.post(recordPath, named("gone", 9)).record(t)
		at := time.Now()
		part := func(number int, more string, items ...string) answer {
			members := snapshotOf("eu", at, fmt.Sprintf(`,"allow_empty":true,"snapshot_id":"eu/1","part":%d%s`, number, more))
			return server.post(batchPath, batchBody(members, items...))
		}
		final := func() answer { return part(4, `,"final":true,"parts":4`, named("d", 4)) }
		part(2, `,"final":false`, named("b", 2)).batch(t)
		for _, missing := range []string{"1, 3", "3"} {
			answer := final()
			var problem struct {
				Code    int
				Message string
				Details []any
			}
			if err := json.Unmarshal(answer.body, &problem); err != nil || answer.status != http.StatusConflict || problem.Code != 10 || problem.Details == nil ||
				problem.Message != "parts of the snapshot are missing: "+missing+"; send them, then the final part again" {
				t.Errorf("got %d %s, %v", answer.status, answer.body, err)
			}
			if got := server.statuses("deployment_name=gone"); got != "9:DEPLOYED" {
				t.Errorf("decommissioned while a part is missing: %s", got)
			}
			if got := server.statuses("deployment_name=d"); got != "4:DEPLOYED" {
				t.Errorf("the items of the final part: %q", got)
			}
			part(1, "", named("a", 1)).batch(t)
		}
		part(3, "").batch(t)
		for range 2 {
			if got := final().batch(t); got.Decommissioned != 1 || len(got.Results) != 1 {
				t.Errorf("got %+v", got)
			}
		}
		got := strings.Fields(server.statuses("status=DEPLOYED")) // all were observed at one time
		if slices.Sort(got); !slices.Equal(got, []string{"1:DEPLOYED", "2:DEPLOYED", "4:DEPLOYED"}) {
			t.Errorf("got %s", got)
		}
		if got := server.statuses("deployment_name=gone"); got != "9:DECOMMISSIONED" {
			t.Errorf("got %s", got)
		}
	})
}

func TestW8_PartsThatAreRejected(t *testing.T) {
	server, _ := onSQLite(t)
	at := time.Now().UTC().Truncate(time.Second)
	snapshot := func(more string) string { return batchBody(snapshotOf("eu", at, more), named("a", 1)) }
	if answer := server.post(batchPath, snapshot(`,"snapshot_id":"s","part":1`)); answer.status != 200 {
		t.Fatalf("got %d %s", answer.status, answer.body)
	}
	for name, c := range map[string]struct {
		body string
		want []string
	}{
		"without complete":       {batchBody(`,"snapshot_id":"s","part":1`, named("a", 1)), []string{"snapshot_id: goes with complete only"}},
		"without a part":         {snapshot(`,"snapshot_id":"s"`), []string{"part: is missing, and snapshot_id is given"}},
		"without an id":          {snapshot(`,"part":1,"final":true,"parts":1`), []string{"final: goes with snapshot_id only", "part: goes with snapshot_id only", "parts: goes with snapshot_id only"}},
		"an empty id":            {snapshot(`,"snapshot_id":"","part":1`), []string{"snapshot_id: is empty"}},
		"a long id":              {snapshot(`,"snapshot_id":"` + strings.Repeat("s", 129) + `","part":1`), []string{"snapshot_id: has more than 128 characters"}},
		"NUL in the id":          {snapshot(`,"snapshot_id":"\u0000","part":1`), []string{"snapshot_id: has a control character"}},
		"part in a string":       {snapshot(`,"snapshot_id":"s","part":"1"`), []string{"part: is not an integer"}},
		"part 1.5":               {snapshot(`,"snapshot_id":"s","part":1.5`), []string{"part: is not an integer"}},
		"part 1e0":               {snapshot(`,"snapshot_id":"s","part":1e0`), []string{"part: 1e0 is not an integer in digits"}},
		"a long part":            {snapshot(`,"snapshot_id":"s","part":99999999999`), []string{"part: \"99999999999\" is not of the format int32"}},
		"part 0":                 {snapshot(`,"snapshot_id":"s","part":0`), []string{"part: \"0\" is less than 1"}},
		"part 10001":             {snapshot(`,"snapshot_id":"s","part":10001`), []string{"part: \"10001\" is more than 10000"}},
		"final without parts":    {snapshot(`,"snapshot_id":"s","part":2,"final":true`), []string{"parts: is missing, and final is true"}},
		"parts without final":    {snapshot(`,"snapshot_id":"s","part":2,"parts":2`), []string{"parts: goes with final only"}},
		"a part after the last":  {snapshot(`,"snapshot_id":"s","part":3,"final":true,"parts":2`), []string{"part: is 3, and parts is 2"}},
		"another environment":    {batchBody(snapshotOf("us", at, `,"snapshot_id":"s","part":2,"allow_empty":true`)), []string{`environment_name: is "us", and other parts of the snapshot have "eu"`}},
		"another scope":          {snapshot(`,"snapshot_id":"s","part":2,"scope":{"logical_environment_name":"","kinds":["CONTAINER_IMAGE"]}`), []string{`scope.logical_environment_name: is "", and other parts of the snapshot have none`, "scope.kinds: is CONTAINER_IMAGE, and other parts of the snapshot have none"}},
		"another time":           {batchBody(snapshotOf("eu", at.Add(-time.Second), `,"snapshot_id":"s","part":2`), named("a", 1)), []string{fmt.Sprintf("observed_at: is %s, and other parts of the snapshot have %s", at.Add(-time.Second).Format(time.RFC3339), at.Format(time.RFC3339))}},
		"other items":            {batchBody(snapshotOf("eu", at, `,"snapshot_id":"s","part":1`), named("a", 2)), []string{"deployments: differ from those with which part 1 came before"}},
		"empty, and not allowed": {batchBody(snapshotOf("eu", at, `,"snapshot_id":"s","part":2`)), []string{"deployments: is empty, and allow_empty is not true"}},
	} {
		answer := server.post(batchPath, c.body)
		if got := answer.details(t); answer.status != 400 || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %d %q, want %q", name, answer.status, got, c.want)
		}
	}
	if got := server.statuses(""); got != "1:DEPLOYED" {
		t.Errorf("recorded: %s", got)
	}
}

// The answer names some of the missing parts, however many there are.
func TestW8_ManyMissingParts(t *testing.T) {
	server, _ := onSQLite(t)
	answer := server.post(batchPath, batchBody(snapshotOf("eu", time.Now(), `,"snapshot_id":"s","part":10000,"final":true,"parts":10000`), named("a", 1)))
	if answer.status != http.StatusConflict || !strings.Contains(string(answer.body), "missing: 1, 2, 3,") || !strings.Contains(string(answer.body), " 20 and 9979 more;") {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
}
