package httpserver_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// recordPath and batchPath are the paths of the recording operations.
const (
	recordPath = contract.RecordingPath
	batchPath  = contract.RecordingPath + "/batch"
)

func writer(t testing.TB, change ...func(*auth.MintRequest)) string {
	t.Helper()
	return token(t, "acme", append([]func(*auth.MintRequest){func(r *auth.MintRequest) {
		r.Scopes = []auth.Scope{auth.ReadDeployments, auth.WriteDeployments}
	}}, change...)...)
}

// post sends a JSON body with a token of acme that may record, unless the headers replace them.
func (s *testServer) post(path, body string, headers ...string) answer {
	s.t.Helper()
	request, err := http.NewRequest(http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	has := func(name string) bool {
		return slices.ContainsFunc(headers, func(h string) bool { return strings.HasPrefix(h, name+": ") })
	}
	if !has("Content-Type") {
		headers = append(headers, "Content-Type: application/json")
	}
	if !has("Authorization") {
		headers = append(headers, "Authorization: Bearer "+writer(s.t))
	}
	return s.send(request, headers...)
}

// deployment returns a body for the slot api in eu.
func deployment(digest int, more ...string) string {
	return `{"environment_name":"eu","deployment_name":"api","kind":"CONTAINER_IMAGE","artifact_digest":"` + storetest.Digest(digest) + `"` + strings.Join(append([]string{""}, more...), ",") + `}`
}

type recorded struct {
	ID       string `json:"id"`
	Status   string `json:"status"`
	Artifact struct{ Name, Version, Digest string }
	Created  time.Time `json:"created_at"`
	Updated  time.Time `json:"updated_at"`
	Seen     time.Time `json:"last_seen_at"`
}

func (a answer) record(t testing.TB) recorded {
	t.Helper()
	var body struct {
		Record recorded `json:"deployment_record"`
	}
	if a.status != http.StatusOK {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	if err := json.Unmarshal(a.body, &body); err != nil {
		t.Fatal(err)
	}
	return body.Record
}

// statuses lists the history of acme, newest first, as digest:STATUS.
func (s *testServer) statuses(query string) string {
	s.t.Helper()
	var body struct {
		Records []recorded `json:"deployment_records"`
	}
	if err := json.Unmarshal(s.get("?full_history=true&"+query).body, &body); err != nil {
		s.t.Fatal(err)
	}
	var all []string
	for _, r := range body.Records {
		all = append(all, strings.TrimLeft(strings.TrimPrefix(r.Artifact.Digest, "sha256:"), "0")+":"+r.Status)
	}
	return strings.Join(all, " ")
}

func TestW1ToW4_AHistoryOverHTTP(t *testing.T) {
	onEachEngine(t, func(t *testing.T, server *testServer, _ deployments.Store) {
		first := server.post(recordPath, deployment(1, `"artifact_name":"registry.test/api"`, `"artifact_version":"1.0"`, `"logical_environment_name":"production"`,
			`"project_versions":[{"project_name":"web","project_version_name":"v1"}]`)).record(t)
		if again := server.post(recordPath, deployment(1, `"logical_environment_name":"production"`)).record(t); again.ID != first.ID ||
			!again.Seen.After(first.Seen) || !again.Updated.After(first.Updated) || !again.Created.Equal(first.Created) {
			t.Errorf("W3: got %+v after %+v", again, first)
		}
		second := server.post(recordPath, deployment(2, `"logical_environment_name":"production"`, `"status":"DEPLOYED"`)).record(t)
		if second.ID == first.ID || !second.Created.After(first.Created) {
			t.Errorf("W2: got %+v after %+v", second, first)
		}
		back := server.post(recordPath, deployment(1, `"logical_environment_name":"production"`)).record(t)
		if back.ID == first.ID || back.Artifact.Name != "registry.test/api" || back.Artifact.Version != "1.0" {
			t.Errorf("a rollback: got %+v", back)
		}
		if got, want := server.statuses(""), "1:DEPLOYED 2:SUPERSEDED 1:SUPERSEDED"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if got, want := server.statuses("project_name=web&project_version_name=v1"), "1:DEPLOYED 1:SUPERSEDED"; got != want {
			t.Errorf("of the project: got %s, want %s", got, want)
		}
		// Another identity in the same slot: a chart, and the image without a logical environment.
		server.post(recordPath, strings.Replace(deployment(3), "CONTAINER_IMAGE", "HELM_CHART", 1)).record(t)
		server.post(recordPath, deployment(4)).record(t)
		if got, want := server.statuses("status=DEPLOYED"), "4:DEPLOYED 3:DEPLOYED 1:DEPLOYED"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		gone := `{"environment_name":"eu","deployment_name":"api","kind":"CONTAINER_IMAGE","logical_environment_name":"production","status":"DECOMMISSIONED"}`
		ended := server.post(recordPath, gone).record(t)
		if ended.ID != back.ID || ended.Status != "DECOMMISSIONED" {
			t.Errorf("W4: got %+v", ended)
		}
		if again := server.post(recordPath, gone).record(t); again.ID != back.ID || !again.Seen.After(ended.Seen) || !again.Updated.Equal(ended.Updated) {
			t.Errorf("W4 again: got %+v after %+v", again, ended)
		}
		answer := server.post(recordPath, strings.Replace(gone, `"api"`, `"never"`, 1))
		if got := answer.details(t); answer.status != 400 || got[0] != "artifact_digest: is missing, and no artifact of this kind was ever recorded there; with a digest, it is recorded as decommissioned" {
			t.Errorf("got %d %q", answer.status, got)
		}
		if got := server.get("?deployment_name=never").list(t).Pagination.TotalCount; got != 0 {
			t.Errorf("a refused recording left %d records", got)
		}
	})
}

func TestRecordingNeedsTheWriteScope(t *testing.T) {
	server, _ := onSQLite(t)
	reader := "Authorization: Bearer " + token(t, "acme")
	for _, path := range []string{recordPath, batchPath} {
		answer := server.post(path, "not even JSON", reader)
		if answer.status != 403 || !strings.Contains(answer.header.Get("WWW-Authenticate"), `scope="deployments:write"`) {
			t.Errorf("%s: got %d %s", path, answer.status, answer.header.Get("WWW-Authenticate"))
		}
	}
}

func TestT5_ATokenLimitedToAProjectCannotRecord(t *testing.T) {
	server, _ := onSQLite(t)
	limited := signed(t, jwt.MapClaims{"org_id": "acme", "scope": "deployments:read deployments:write", "project_name": "web", "exp": time.Now().Add(time.Hour).Unix()})
	if answer := server.post(recordPath, deployment(1), "Authorization: Bearer "+limited); answer.status != 403 {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
}

func TestInvalidBodies(t *testing.T) {
	server, _ := onSQLite(t, func(o *options) { o.Limits.BodyBytes = 4 << 10 })
	for name, c := range map[string]struct {
		body    string
		header  string
		status  int
		details []string
	}{
		"none":                         {"", "", 400, []string{"body: is missing"}},
		"white space":                  {" \n", "", 400, []string{"body: is missing"}},
		"not JSON":                     {"{", "", 400, []string{"body: is not one JSON value, at byte 1: unexpected EOF"}},
		"two values":                   {deployment(1) + "{}", "", 400, nil},
		"a duplicate member":           {deployment(1, `"kind":"HELM_CHART"`), "", 400, []string{"kind: is given twice"}},
		"invalid UTF-8":                {deployment(1, "\"artifact_name\":\"\xff\""), "", 400, nil},
		"a lone surrogate":             {deployment(1, `"artifact_name":"\ud800"`), "", 400, nil},
		"NUL":                          {deployment(1, `"artifact_name":"\u0000"`), "", 400, []string{"artifact_name: has a control character"}},
		"NUL in a name":                {strings.Replace(deployment(1), `"eu"`, `"e\u0000"`, 1), "", 400, []string{"environment_name: has a control character"}},
		"an array":                     {"[]", "", 400, []string{"body: is not an object"}},
		"null":                         {"null", "", 400, nil},
		"unknown members":              {deployment(1, `"Kind":"HELM_CHART"`, `"extra":1`), "", 400, []string{"Kind: is not a member that the contract knows", "extra: is not a member that the contract knows"}},
		"missing members":              {"{}", "", 400, []string{"deployment_name: is missing", "environment_name: is missing", "kind: is missing"}},
		"no digest":                    {`{"environment_name":"e","deployment_name":"d","kind":"HELM_CHART"}`, "", 400, []string{"artifact_digest: is missing"}},
		"an unspecified kind":          {strings.Replace(deployment(1), "CONTAINER_IMAGE", "ARTIFACT_KIND_UNSPECIFIED", 1), "", 400, []string{`kind: "ARTIFACT_KIND_UNSPECIFIED" is not one of CONTAINER_IMAGE, HELM_CHART`}},
		"SUPERSEDED":                   {deployment(1, `"status":"SUPERSEDED"`), "", 400, []string{`status: "SUPERSEDED" is not one of DEPLOYMENT_STATUS_UNSPECIFIED, DEPLOYED, DECOMMISSIONED`}},
		"a digest in capitals":         {strings.Replace(deployment(1), storetest.Digest(1), "sha256:"+strings.Repeat("A", 64), 1), "", 400, []string{"artifact_digest: does not have 64 lower-case hex digits after sha256:"}},
		"a format character at an end": {strings.Replace(deployment(1), `"eu"`, `"\ufeffeu"`, 1), "", 400, []string{"environment_name: has the format character U+FEFF at an end"}},
		"a format character at the end of a text":    {deployment(1, `"artifact_version":"1\u200b"`), "", 400, []string{"artifact_version: has the format character U+200B at an end"}},
		"a format character at the end of a project": {deployment(1, `"project_versions":[{"project_name":"p\u202e","project_version_name":"v"}]`), "", 400, []string{"project_versions[0].project_name: has the format character U+202E at an end"}},
		"null in required members": {
			`{"environment_name":null,"deployment_name":null,"kind":null,"artifact_digest":"` + storetest.Digest(1) + `"}`, "", 400,
			[]string{"deployment_name: is null", "environment_name: is null", "kind: is null"},
		},
		"null in members that may be left out": {
			deployment(1, `"artifact_name":null,"artifact_version":null,"status":null,"logical_environment_name":null,"project_versions":null`), "", 400,
			[]string{"artifact_name: is null", "artifact_version: is null", "logical_environment_name: is null", "project_versions: is null", "status: is null"},
		},
		"white space at an end": {strings.Replace(deployment(1), `"eu"`, `"eu "`, 1), "", 400, []string{"environment_name: has white space at an end"}},
		"an empty name":         {strings.Replace(deployment(1), `"eu"`, `""`, 1), "", 400, []string{"environment_name: is empty"}},
		"a long name":           {strings.Replace(deployment(1), `"eu"`, `"`+strings.Repeat("é", 257)+`"`, 1), "", 400, []string{"environment_name: has 257 characters, more than 256"}},
		"wrong types":           {`{"environment_name":1,"deployment_name":"d","kind":"HELM_CHART","artifact_digest":[],"project_versions":[{"project_name":"p","project_version_name":false}]}`, "", 400, []string{"artifact_digest: is not a string", "environment_name: is not a string", "project_versions[0].project_version_name: is not a string"}},
		"too large":             {deployment(1, `"artifact_name":"`+strings.Repeat("x", 4<<10)+`"`), "", 413, nil},
		"no content type":       {deployment(1), "Content-Type: ", 415, nil},
		"another content type":  {deployment(1), "Content-Type: text/json", 415, nil},
		"another charset":       {deployment(1), "Content-Type: application/json; charset=latin1", 415, nil},
		"compressed":            {deployment(1), "Content-Encoding: gzip", 415, nil},
		"an empty key":          {deployment(1), "Idempotency-Key: ", 400, nil},
		"a long key":            {deployment(1), "Idempotency-Key: " + strings.Repeat("k", 129), 400, []string{"Idempotency-Key: does not have 1 to 128 characters"}},
	} {
		var headers []string
		if c.header != "" {
			headers = []string{c.header}
		}
		answer := server.post(recordPath, c.body, headers...)
		if answer.status != c.status {
			t.Errorf("%s: got %d %s", name, answer.status, answer.body)
		}
		if c.details != nil {
			if got := answer.details(t); !slices.Equal(slices.Sorted(slices.Values(got)), c.details) {
				t.Errorf("%s: got %q, want %q", name, got, c.details)
			}
		}
	}
	if got := server.get("?full_history=true").list(t).Pagination.TotalCount; got != 0 {
		t.Errorf("%d records were written", got)
	}
	server.post(recordPath, deployment(1), "Content-Type: application/json; charset=UTF-8").record(t)
}

func TestUnknownNamesAreCreatedUnlessAutoCreateIsOff(t *testing.T) {
	onEachEngine(t, func(t *testing.T, server *testServer, store deployments.Store) {
		storetest.Load(t, store, "acme", storetest.Entry(1, 1, "eu", "x", storetest.WithStage("production"), storetest.WithProject("web", "v1")))
		answer := server.post(recordPath, strings.Replace(deployment(1, `"logical_environment_name":"staging"`,
			`"project_versions":[{"project_name":"web","project_version_name":"v2"},{"project_name":"shop","project_version_name":"v1"}]`), `"eu"`, `"us"`, 1))
		want := []string{
			`environment_name: "us" is not known`, `logical_environment_name: "staging" is not known`,
			`project_versions.project_version_name: "v2" is not known`, `project_versions.project_name: "shop" is not known`,
		}
		if got := answer.details(t); answer.status != 400 || !slices.Equal(got, want) {
			t.Errorf("got %d %q", answer.status, got)
		}
		now := time.Now().UTC().Format(time.RFC3339)
		answer = server.post(batchPath, batchBody(`,"complete":true,"allow_empty":true,"environment_name":"us","observed_at":"`+now+`"`))
		if got := answer.details(t); answer.status != 400 || got[0] != `environment_name: "us" is not known` {
			t.Errorf("got %d %q", answer.status, got)
		}
		server.post(recordPath, deployment(1, `"logical_environment_name":"production"`, `"project_versions":[{"project_name":"web","project_version_name":"v1"}]`)).record(t)
	}, func(o *options) { o.AutoCreate = false })
}

func TestARetryWithAnIdempotencyKeyRecordsNothing(t *testing.T) {
	onEachEngine(t, func(t *testing.T, server *testServer, _ deployments.Store) {
		key := "Idempotency-Key: build 4711"
		first := server.post(recordPath, deployment(1), key).record(t)
		server.post(recordPath, deployment(2)).record(t)
		// A late retry with other formatting returns the same record in its current state.
		again := server.post(recordPath, " "+strings.Replace(deployment(1), `,`, ` , `, 1), key).record(t)
		if again.ID != first.ID || again.Status != "SUPERSEDED" {
			t.Errorf("got %+v", again)
		}
		if got, want := server.statuses(""), "2:DEPLOYED 1:SUPERSEDED"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if answer := server.post(recordPath, deployment(3), key); answer.status != 422 {
			t.Errorf("another body: got %d %s", answer.status, answer.body)
		}
		// Keys are separate for each subject and organization.
		other := "Authorization: Bearer " + writer(t, func(r *auth.MintRequest) { r.Subject = "ci" })
		server.post(recordPath, deployment(3), key, other).record(t)
		globex := "Authorization: Bearer " + writer(t, func(r *auth.MintRequest) { r.Organization = "globex" })
		if got := server.post(recordPath, deployment(3), key, globex).record(t); got.ID == first.ID {
			t.Error("a key looked into another organization")
		}
		// A rejected recording leaves its key unused.
		gone := `{"environment_name":"eu","deployment_name":"new","kind":"HELM_CHART","status":"DECOMMISSIONED"}`
		if answer := server.post(recordPath, gone, "Idempotency-Key: k2"); answer.status != 400 {
			t.Errorf("got %d %s", answer.status, answer.body)
		}
		server.post(recordPath, deployment(4), "Idempotency-Key: k2").record(t)
	})
}

func TestConcurrentRequestsWithOneIdempotencyKeyRecordOnce(t *testing.T) {
	onEachEngine(t, func(t *testing.T, server *testServer, _ deployments.Store) {
		ids := make([]string, 8)
		var group sync.WaitGroup
		for i := range ids {
			group.Go(func() { ids[i] = server.post(recordPath, deployment(1), "Idempotency-Key: one").record(t).ID })
			// Another recording in between makes the retries a rollback without a key (W3).
			group.Go(func() { server.post(recordPath, deployment(2+i)).record(t) })
		}
		group.Wait()
		if len(slices.Compact(ids)) != 1 {
			t.Errorf("got %q", ids)
		}
		if got := strings.Count(" "+server.statuses(""), " 1:"); got != 1 {
			t.Errorf("recorded %d times", got)
		}
	})
}

// batchBody joins items.
func batchBody(more string, items ...string) string {
	return `{"deployments":[` + strings.Join(items, ",") + `]` + more + `}`
}

func named(name string, digest int, more ...string) string {
	return strings.Replace(deployment(digest, more...), `"api"`, `"`+name+`"`, 1)
}

type batchResult struct {
	Results []struct {
		Record *recorded `json:"deployment_record"`
		Faults []string
	}
	Decommissioned int `json:"decommissioned_count"`
}

func (a answer) batch(t testing.TB) batchResult {
	t.Helper()
	var b batchResult
	if a.status != http.StatusOK {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	if err := json.Unmarshal(a.body, &b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestABatchIsAtomicOrPartial(t *testing.T) {
	onEachEngine(t, func(t *testing.T, server *testServer, _ deployments.Store) {
		bad := strings.Replace(named("bad", 2), storetest.Digest(2), "sha256:0", 1)
		unknown := `{"environment_name":"eu","deployment_name":"never","kind":"HELM_CHART","status":"DECOMMISSIONED"}`
		items := []string{named("a", 1), bad, "5", unknown, named("b", 3, `"status":"RUNNING"`, `"x":1`), named("c", 4)}
		whole := server.post(batchPath, batchBody("", items...))
		want := []string{
			"deployments[1].artifact_digest: does not have 64 lower-case hex digits after sha256:",
			"deployments[2]: is not an object",
			`deployments[4].status: "RUNNING" is not one of DEPLOYMENT_STATUS_UNSPECIFIED, DEPLOYED, DECOMMISSIONED`,
			"deployments[4].x: is not a member that the contract knows",
		}
		if got := whole.details(t); whole.status != 400 || !slices.Equal(slices.Sorted(slices.Values(got)), want) {
			t.Errorf("got %d %q", whole.status, got)
		}
		whole = server.post(batchPath, batchBody("", items[0], unknown))
		if got := whole.details(t); whole.status != 400 || got[0] != "deployments[1].artifact_digest: is missing, and no artifact of this kind was ever recorded there; with a digest, it is recorded as decommissioned" {
			t.Errorf("got %d %q", whole.status, got)
		}
		if got := server.statuses(""); got != "" {
			t.Errorf("something was written: %s", got)
		}

		part := server.post(batchPath, batchBody(`,"partial":true`, items...)).batch(t)
		var got []string
		for _, r := range part.Results {
			if r.Record != nil {
				got = append(got, r.Record.Status)
			} else {
				slices.Sort(r.Faults)
				got = append(got, fmt.Sprintf("%q", r.Faults))
			}
		}
		wantResults := []string{
			"DEPLOYED", `["artifact_digest: does not have 64 lower-case hex digits after sha256:"]`, `["item: is not an object"]`,
			`["artifact_digest: is missing, and no artifact of this kind was ever recorded there; with a digest, it is recorded as decommissioned"]`,
			`["status: \"RUNNING\" is not one of DEPLOYMENT_STATUS_UNSPECIFIED, DEPLOYED, DECOMMISSIONED" "x: is not a member that the contract knows"]`, "DEPLOYED",
		}
		if !slices.Equal(got, wantResults) {
			t.Errorf("got  %q\nwant %q", got, wantResults)
		}
		if got := server.statuses(""); got != "4:DEPLOYED 1:DEPLOYED" && got != "1:DEPLOYED 4:DEPLOYED" {
			t.Errorf("got %s", got)
		}
	})
}

func TestInvalidBatches(t *testing.T) {
	server, _ := onSQLite(t)
	now := time.Now().UTC().Format(time.RFC3339)
	snapshot := `,"complete":true,"environment_name":"eu","observed_at":"` + now + `"`
	for name, c := range map[string]struct {
		body string
		want string
	}{
		"empty":                                         {batchBody(""), "deployments: is empty, and complete is not true"},
		"an empty snapshot":                             {batchBody(snapshot), "deployments: is empty, and allow_empty is not true"},
		"5,001 items":                                   {batchBody("", slices.Repeat([]string{named("a", 1)}, 5001)...), "deployments: has more than 5000 items"},
		"two artifacts at once":                         {batchBody("", named("a", 1), named("a", 2)), "deployments[1].artifact_digest: differs from an earlier item of the same environment, logical environment, deployment and kind"},
		"complete without a time":                       {batchBody(`,"complete":true,"environment_name":"eu"`, named("a", 1)), "observed_at: is missing, and complete is true"},
		"complete without an environment":               {batchBody(`,"complete":true,"observed_at":"`+now+`"`, named("a", 1)), "environment_name: is missing, and complete is true"},
		"an item of another environment":                {batchBody(snapshot, strings.Replace(named("a", 1), `"eu"`, `"us"`, 1)), "deployments[0].environment_name: is not that of the batch"},
		"a time that is none":                           {batchBody(`,"complete":true,"environment_name":"eu","observed_at":"yesterday"`, named("a", 1)), `observed_at: "yesterday" is not an RFC 3339 time such as 2026-11-01T09:30:00Z`},
		"a time of an item":                             {batchBody("", named("a", 1, `"observed_at":"`+now+`"`)), "deployments[0].observed_at: is a member of the batch, for all of its items"},
		"the zero time of a client":                     {batchBody(`,"observed_at":"0001-01-01T00:00:00Z"`, named("a", 1)), "observed_at: is the zero time"},
		"an environment without a snapshot":             {batchBody(`,"environment_name":"eu"`, named("a", 1)), "environment_name: goes with complete only"},
		"one invalid item":                              {batchBody("", `{"environment_name":"eu","deployment_name":"never","kind":"HELM_CHART"}`), "deployments[0].artifact_digest: is missing"},
		"an unknown member":                             {batchBody(`,"Partial":true`, named("a", 1)), "Partial: is not a member that the contract knows"},
		"items that are no array":                       {`{"deployments":{}}`, "deployments: is not an array"},
		"no items":                                      {`{}`, "deployments: is missing"},
		"partial, and no array at all":                  {`{"partial":true,"deployments":7}`, "deployments: is not an array"},
		"partial, and a violation outside of the items": {`{"partial":true,"complete":1,"deployments":[]}`, "complete: is not true or false"},
	} {
		answer := server.post(batchPath, c.body)
		if answer.status != 400 {
			t.Errorf("%s: got %d %s", name, answer.status, answer.body)
			continue
		}
		if got := answer.details(t); len(got) != 1 || got[0] != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	if got := server.statuses(""); got != "" {
		t.Errorf("something was written: %s", got)
	}
}

func TestASnapshotRepairsMissedDeletions(t *testing.T) {
	onEachEngine(t, func(t *testing.T, server *testServer, _ deployments.Store) {
		for i, name := range []string{"stays", "gone", "moved", "refused"} {
			server.post(recordPath, named(name, i+1)).record(t)
		}
		server.post(recordPath, strings.Replace(named("elsewhere", 9), `"eu"`, `"us"`, 1)).record(t)
		before := time.Now().UTC().Format(time.RFC3339Nano)
		server.post(recordPath, named("newer", 5)).record(t)
		server.post(recordPath, named("moved", 6)).record(t)

		snapshot := `,"partial":true,"complete":true,"environment_name":"eu","observed_at":"` + before + `"`
		result := server.post(batchPath, batchBody(snapshot, named("stays", 1), named("moved", 3), named("refused", 4, `"x":1`))).batch(t)
		if result.Decommissioned != 1 || result.Results[1].Record == nil || result.Results[1].Record.Artifact.Digest != storetest.Digest(6) {
			t.Errorf("got %+v", result)
		}
		for name, want := range map[string]string{
			"stays": "1:DEPLOYED", "gone": "2:DECOMMISSIONED", "moved": "6:DEPLOYED 3:SUPERSEDED",
			"refused": "4:DEPLOYED", "elsewhere": "9:DEPLOYED", "newer": "5:DEPLOYED",
		} {
			if got := server.statuses("deployment_name=" + name); got != want {
				t.Errorf("%s: got %s, want %s", name, got, want)
			}
		}
		now := time.Now().UTC().Format(time.RFC3339Nano)
		empty := server.post(batchPath, batchBody(`,"complete":true,"allow_empty":true,"environment_name":"eu","observed_at":"`+now+`"`)).batch(t)
		if empty.Decommissioned != 4 || len(empty.Results) != 0 {
			t.Errorf("got %+v", empty)
		}
		if got := server.statuses("status=DEPLOYED"); got != "9:DEPLOYED" {
			t.Errorf("got %s", got)
		}
	})
}
