package browser

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/deployrecordstest"
)

// fetch is a script that lists deployments and describes what it sees of the response.
const fetch = `(async () => {
	const began = performance.now();
	try {
		const response = await fetch("/v1/deployments", {headers: {Authorization: "Bearer %s"}, cache: "no-store"});
		let seen = response.status + " " + response.headers.get("Content-Type") + " " + response.headers.get("Retry-After");
		try {
			await response.json();
			seen += " json";
		} catch (e) {
			seen += " " + e.name;
		}
		return seen + (performance.now() - began > 300 ? " late" : "");
	} catch (e) {
		return e.name;
	}
})()`

// The browser repeats requests by itself, so each fault has no limit.
func TestFetchSeesEachKindOfFault(t *testing.T) {
	t.Parallel()
	s := deployrecordstest.Sandbox(t, deployrecordstest.WithRecordsFile("../../../deployrecordstest/testdata/records.ndjson"))
	b := (&site{t: t, url: s.URL}).open()
	b.visit("/healthz")
	look := func() string { return eval[string](b, fmt.Sprintf(fetch, s.Token)) }
	const plain = "200 application/json null json"
	if got := look(); strings.TrimSuffix(got, " late") != plain {
		t.Errorf("without a fault: %s", got)
	}
	for _, c := range []struct {
		fault deployrecordstest.Fault
		want  string
	}{
		{deployrecordstest.Fault{Kind: deployrecordstest.ErrorStatus, Status: 503, RetryAfter: 3 * time.Second}, "503 application/json 3 json"},
		{deployrecordstest.Fault{Kind: deployrecordstest.Slow, Delay: 400 * time.Millisecond}, plain + " late"},
		{deployrecordstest.Fault{Kind: deployrecordstest.Trickle, Bytes: 500, Pause: 200 * time.Millisecond}, plain + " late"},
		{deployrecordstest.Fault{Kind: deployrecordstest.Truncate}, "200 application/json null TypeError"},
		{deployrecordstest.Fault{Kind: deployrecordstest.ConnectionReset}, "TypeError"},
		{deployrecordstest.Fault{Kind: deployrecordstest.MalformedJSON}, "200 application/json null SyntaxError"},
		{deployrecordstest.Fault{Kind: deployrecordstest.WrongContentType}, "200 text/html null json"},
		{deployrecordstest.Fault{Kind: deployrecordstest.ErrorStatus, Status: 401}, "401 application/json null json"},
	} {
		c.fault.Times = deployrecordstest.Always
		s.Fail(c.fault)
		// A machine under load makes every response late.
		if got := look(); got != c.want && strings.TrimSuffix(got, " late") != c.want {
			t.Errorf("%s: fetch saw %s, want %s", c.fault.Kind, got, c.want)
		}
		s.Recover()
	}
	if got := look(); strings.TrimSuffix(got, " late") != plain {
		t.Errorf("afterwards: %s", got)
	}
}
