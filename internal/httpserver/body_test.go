package httpserver_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/auth"
)

func repeated(n int, text func(i int) string) string {
	var all []string
	for i := range n {
		all = append(all, text(i))
	}
	return strings.Join(all, ",")
}

func members(n int) string {
	return repeated(n, func(i int) string { return fmt.Sprintf(`"u%d":0`, i) })
}

func TestTheShapeOfBodies(t *testing.T) {
	server, _ := onSQLite(t)
	nested := func(levels int) string { return strings.Repeat(`[`, levels) + strings.Repeat(`]`, levels) }
	long := strings.Repeat("x", 300<<10)
	for name, c := range map[string]struct{ path, body, want string }{
		"a list":                          {recordPath, "[" + strings.Repeat("{},", 100) + "oh no", "body: is not an object"},
		"41 members of an item":           {batchPath, batchBody("", "{"+members(41)+"}"), "deployments[0].u0: is not a member that the contract knows"},
		"42 members of an item":           {batchPath, batchBody(`,"partial":true`, "{"+members(42)+"}"), "deployments[0]: has more than 41 members, and the contract knows 9"},
		"1,001 members of an unknown":     {recordPath, deployment(1, `"x":[{`+members(1001)+`}]`), "x[0]: has more than 1000 members"},
		"1,000 members of an unknown":     {recordPath, deployment(1, `"x":[{`+members(1000)+`}]`), "x: is not a member that the contract knows"},
		"a duplicate within an unknown":   {recordPath, deployment(1, `"x":{"a":{"a":1,"a":2}}`), "x.a.a: is given twice"},
		"31 levels of an unknown":         {recordPath, deployment(1, `"x":`+nested(31)), "x: is not a member that the contract knows"},
		"32 levels of an unknown":         {recordPath, deployment(1, `"x":`+nested(32)), "….0[0][0]: is nested deeper than 32 levels"},
		"a long name":                     {batchPath, `{"a":1,"` + long + `":1}`, "a: a name or value at byte 6 has more than 262144 bytes"},
		"a long value":                    {batchPath, `{"a":"` + long + `"}`, "a: a name or value at byte 4 has more than 262144 bytes"},
		"a list instead of a text":        {recordPath, deployment(1, `"artifact_name":[{"a":[1,2]}]`), "artifact_name: is not a string"},
		"an object instead of an enum":    {recordPath, deployment(1, `"status":{"a":[1,2]}`), "status: an object is not one of DEPLOYMENT_STATUS_UNSPECIFIED, DEPLOYED, DECOMMISSIONED"},
		"a number beyond float64":         {batchPath, batchBody(`,"part":1e999`), `part: "1797693134862315700000000000000000000000000000000000000000000000"… is not of the format int32`},
		"a value after the body":          {recordPath, deployment(1) + " \n {", fmt.Sprintf("body: is not one JSON value, at byte %d: invalid character '{' after top-level value", len(deployment(1))+3)},
		"syntax after violations":         {batchPath, batchBody("", "{}") + "]", fmt.Sprintf("body: is not one JSON value, at byte %d: invalid character ']'", len(batchBody("", "{}")))},
		"an invalid member in the middle": {batchPath, `{"deployments":[{"environment_name":tru}]}`, `deployments[0].environment_name: is not JSON, at byte `},
		"too many violations": {
			batchPath, batchBody(`,"partial":true`, slices.Repeat([]string{`{"project_versions":[` + strings.Repeat("{},", 99) + `{}]}`}, 300)...),
			"deployments: the items have more than 50000 faults",
		},
	} {
		answer := server.post(c.path, c.body)
		if got := answer.details(t); answer.status != 400 || len(got) == 0 || !slices.ContainsFunc(got, func(text string) bool { return strings.HasPrefix(text, c.want) }) {
			t.Errorf("%s: got %d %.300s", name, answer.status, answer.body)
		}
	}
}

func TestASingleRecordingHasALimitOf1MiB(t *testing.T) {
	server, _ := onSQLite(t)
	pad := func(body string, size int) string {
		var b strings.Builder
		b.WriteString(strings.TrimSuffix(body, "}"))
		for b.Len() < size-1 { // the white space before one token is limited too
			b.WriteString(strings.Repeat(" ", min(200<<10, size-1-b.Len())))
			if b.Len() < size-20 {
				fmt.Fprintf(&b, `,"u%d":0`, b.Len())
			}
		}
		return b.String() + "}"
	}
	for size, want := range map[int]int{1 << 20: 400, 1<<20 + 1: 413} {
		if answer := server.post(recordPath, pad(deployment(1), size)); answer.status != want {
			t.Errorf("%d bytes: got %d %s, want %d", size, answer.status, answer.body, want)
		}
		if answer := server.post(batchPath, pad(batchBody("", deployment(1)), size)); answer.status != 400 {
			t.Errorf("a batch of %d bytes: got %d %s", size, answer.status, answer.body)
		}
	}
}

// R3: no error response grows with its request.
func TestErrorResponsesAreBounded(t *testing.T) {
	const limit = 16 << 10
	server, _ := onSQLite(t, func(o *options) { o.RejectUnknownParameters = true })
	// Each character of this text takes 11 bytes in a response.
	hostile := strings.Repeat("\U0010ffff", 1000)
	escaped := url.QueryEscape(hostile)
	check := func(name string, answer answer) {
		t.Helper()
		if answer.status >= 500 {
			t.Errorf("%s: got %d", name, answer.status)
		}
		if len(answer.body) > limit {
			t.Errorf("%s: the response has %d bytes", name, len(answer.body))
		}
	}
	for name, body := range map[string]string{
		"9,900 levels":      strings.Repeat(`{"`+strings.Repeat("k", 800)+`":`, 1000) + `{"a":1,"a":2}` + strings.Repeat("}", 1000),
		"levels":            strings.Repeat(`{"`+hostile+`":`, 30) + `{"a":1,"a":2}` + strings.Repeat("}", 30),
		"unknown members":   "{" + repeated(30, func(i int) string { return fmt.Sprintf(`"%d%s":0`, i, hostile) }) + "}",
		"of an item":        batchBody("", "{"+repeated(30, func(i int) string { return fmt.Sprintf(`"%d%s":0`, i, hostile) })+"}"),
		"of versions":       batchBody("", `{"project_versions":[{`+repeated(30, func(i int) string { return fmt.Sprintf(`"%d%s":0`, i, hostile) })+"}]}"),
		"an enum":           batchBody("", slices.Repeat([]string{`{"kind":"` + hostile + `","status":"` + hostile + `"}`}, 100)...),
		"a time":            batchBody(`,"observed_at":"` + hostile + `"`),
		"names":             batchBody("", slices.Repeat([]string{strings.ReplaceAll(deployment(1), "eu", hostile)}, 100)...),
		"a duplicate":       `{"` + hostile + `":0,"` + hostile + `":0}`,
		"no JSON":           `{"` + hostile + `":` + hostile + `}`,
		"different digests": batchBody("", repeated(100, func(i int) string { return strings.ReplaceAll(deployment(i), "eu", strings.Repeat("\U0010ffff", 256)) })),
		"digests":           batchBody("", slices.Repeat([]string{strings.ReplaceAll(deployment(1), "sha256:", "sha256:"+hostile)}, 100)...),
	} {
		check(name, server.post(batchPath, body))
		check(name+" (single)", server.post(recordPath, body))
	}
	check("a content type", server.post(recordPath, "{}", "Content-Type: "+strings.Repeat("\\", 50_000)))
	check("an encoding", server.post(recordPath, "{}", "Content-Encoding: "+strings.Repeat("\\", 50_000)))
	check("a key", server.post(recordPath, "{}", "Idempotency-Key: "+strings.Repeat("\\", 50_000)))
	check("unknown parameters", server.get("?"+strings.ReplaceAll(repeated(9, func(i int) string { return fmt.Sprint(i, url.QueryEscape(hostile[:1000])) }), ",", "=&")))
	for _, parameter := range []string{
		"environment_name", "artifact_kind", "status", "full_history", "pagination.page", "pagination.page_size", "project_version_name",
	} {
		check(parameter, server.get("?"+parameter+"="+escaped))
		check(parameter+" many times", server.get("?"+strings.Repeat(parameter+"="+escaped[:1200]+"&", 60)))
	}
	check("bad escapes", server.get("?"+strings.Repeat("%ZZ&", 10_000)))
	check("a path", server.send(mustRequest(t, http.MethodGet, server.url+"/"+escaped)))
	check("a token", server.send(mustRequest(t, http.MethodGet, server.url+"/v1/deployments"), "Authorization: Bearer "+strings.Repeat("a", 15_000)))
}

func mustRequest(t *testing.T, method, address string) *http.Request {
	t.Helper()
	request, err := http.NewRequest(method, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// waitForBodies lets slow bodies stay to the end of a test, however slow the machine.
func waitForBodies(o *options) { o.Limits.Read, o.Limits.Write = time.Hour, time.Hour }

// slowBody sends a part of a batch of one item, and the rest when it is finished.
type slowBody struct {
	pipe     *io.PipeWriter
	response chan int
}

func (s *testServer) slowBody(organization string, bytes int) *slowBody {
	s.t.Helper()
	reader, writer := io.Pipe()
	request, err := http.NewRequest(http.MethodPost, s.url+batchPath, reader)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+s.writerOf(organization))
	slow := &slowBody{writer, make(chan int, 1)}
	go func() {
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			slow.response <- 0
			return
		}
		_ = response.Body.Close()
		slow.response <- response.StatusCode
	}()
	if _, err := io.WriteString(writer, strings.Repeat(" ", bytes)); err != nil {
		s.t.Fatal(err)
	}
	return slow
}

// heldBody returns a body whose first bytes the server holds, which isHeld reports. If isHeld sends a body of its own, it may
// leave no room for this one. The server answers that only after the rest, so it is abandoned after a while and sent again.
func (s *testServer) heldBody(organization string, bytes int, isHeld func() bool) *slowBody {
	s.t.Helper()
	for patience := time.Second; patience < 3*time.Minute; patience *= 2 {
		body := s.slowBody(organization, bytes)
		for start := time.Now(); time.Since(start) < patience; time.Sleep(5 * time.Millisecond) {
			held := 0
			for held < 3 && isHeld() {
				held++
			}
			if held == 3 { // a body that arrives while isHeld sends may still be rejected after it
				return body
			}
		}
		body.abandon()
		for isHeld() {
			time.Sleep(5 * time.Millisecond)
		}
	}
	s.t.Fatal("the server does not hold the body")
	return nil
}

// abandon ends the request without the rest of its body.
func (b *slowBody) abandon() {
	_ = b.pipe.CloseWithError(io.ErrUnexpectedEOF)
	<-b.response
}

func (b *slowBody) finish(t *testing.T) int {
	t.Helper()
	_, _ = io.WriteString(b.pipe, batchBody("", deployment(1)))
	_ = b.pipe.Close()
	return <-b.response
}

func (s *testServer) writerOf(organization string) string {
	return token(s.t, organization, func(r *auth.MintRequest) { r.Scopes = []auth.Scope{auth.WriteDeployments} })
}

func TestBodiesBeyondTheLimitOfAllBodiesAre503(t *testing.T) {
	const limit = 64 << 10
	server, _ := onSQLite(t, waitForBodies, func(o *options) { o.Limits.TotalBodyBytes = limit })
	send := func(organization string, bytes int) answer {
		return server.post(batchPath, strings.Repeat(" ", bytes)+batchBody("", deployment(1)), "Authorization: Bearer "+server.writerOf(organization))
	}
	want := func(what string, got answer, status int) {
		t.Helper()
		if got.status != status || status == http.StatusServiceUnavailable && got.header.Get("Retry-After") != "1" {
			t.Errorf("%s: got %d %v %s, want %d", what, got.status, got.header, got.body, status)
		}
	}
	want("a body above the limit", send("acme", 3*limit), 200)

	slow := server.heldBody("acme", limit*3/8, func() bool { return send("acme", limit*2/8).status != 200 })
	want("more than half of the limit", send("acme", limit*2/8), 503)
	want("a small body of the same organization", send("acme", 0), 200)
	want("a body of another organization", send("other", limit*3/8), 200)
	want("more than half of another organization", send("other", limit*5/8), 503)

	second := server.heldBody("other", limit*3/8, func() bool { return send("third", limit*3/8).status != 200 })
	want("more than the limit", send("third", limit*3/8), 503)
	for name, body := range map[string]*slowBody{"acme": slow, "other": second} {
		if status := body.finish(t); status != 200 {
			t.Errorf("the body of %s: got %d", name, status)
		}
	}
	want("nothing is held any more", send("acme", 2*limit), 200)
	// A body that is rejected holds nothing while its rest is dropped.
	want("a rejected body", server.post(batchPath, "["+strings.Repeat(" ", 2*limit)), 400)
	want("after the rejected body", send("acme", 2*limit), 200)
}
