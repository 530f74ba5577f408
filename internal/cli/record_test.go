package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var recordArgs = []string{"record", "--environment", "prod-eu", "--deployment", "api", "--image", "registry:5000/team/api:1.4@" + testDigest}

func TestRecordPrintsOneLine(t *testing.T) {
	s := newAPI(t)
	stdout, stderr, code := s.client(recordArgs...)
	want := "recorded api 1.4 in prod-eu: DEPLOYED since 2026-11-22T10:00:00Z (id 018f0000-0000-4000-8000-000000000000)\n"
	if code != 0 || stdout != want || stderr != "" {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

func TestRecordSendsTheFlags(t *testing.T) {
	base := map[string]any{"environment_name": "prod-eu", "deployment_name": "api", "status": "DEPLOYED"}
	with := func(more map[string]any) map[string]any {
		all := maps.Clone(base)
		maps.Copy(all, more)
		return all
	}
	image := map[string]any{"kind": "CONTAINER_IMAGE", "artifact_name": "team/api", "artifact_version": "1.4", "artifact_digest": testDigest}
	for name, c := range map[string]struct {
		args []string
		want map[string]any
		note string
	}{
		"image":       {[]string{"--image", "team/api:1.4@" + testDigest}, image, ""},
		"without tag": {[]string{"--image", "team/api@" + testDigest}, map[string]any{"kind": "CONTAINER_IMAGE", "artifact_name": "team/api", "artifact_digest": testDigest}, ""},
		"chart":       {[]string{"--chart", "web", "--version", "1.2.3", "--digest", testDigest}, map[string]any{"kind": "HELM_CHART", "artifact_name": "web", "artifact_version": "1.2.3", "artifact_digest": testDigest}, ""},
		"logical":     {[]string{"--image", "team/api:1.4@" + testDigest, "--logical-environment", "production"}, merge(image, map[string]any{"logical_environment_name": "production"}), ""},
		"two projects": {[]string{"--image", "team/api:1.4@" + testDigest, "--project", "web, shop", "--project-version", "v1", "--project", "all", "--project-version", "v2"}, merge(image, map[string]any{"project_versions": []any{
			map[string]any{"project_name": "web, shop", "project_version_name": "v1"},
			map[string]any{"project_name": "all", "project_version_name": "v2"},
		}}), ""},
		"observed at":                   {[]string{"--image", "team/api:1.4@" + testDigest, "--observed-at", "2026-11-01T09:30:00.5+01:00"}, merge(image, map[string]any{"observed_at": "2026-11-01T08:30:00.5Z"}), ""},
		"decommission":                  {[]string{"--decommission", "--image", "team/api:1.4@" + testDigest}, merge(image, map[string]any{"status": "DECOMMISSIONED"}), ""},
		"decommission whatever":         {[]string{"--decommission", "--image", "team/api"}, map[string]any{"kind": "CONTAINER_IMAGE", "status": "DECOMMISSIONED"}, ""},
		"decommission whatever, tagged": {[]string{"--decommission", "--image", "team/api:1.4"}, map[string]any{"kind": "CONTAINER_IMAGE", "status": "DECOMMISSIONED"}, "the tag 1.4 is ignored"},
		"decommission a chart":          {[]string{"--decommission", "--chart", "web", "--version", "1"}, map[string]any{"kind": "HELM_CHART", "status": "DECOMMISSIONED"}, "--version 1 is ignored"},
	} {
		s := newAPI(t)
		_, stderr, code := s.client(append([]string{"record", "--environment", "prod-eu", "--deployment", "api"}, c.args...)...)
		if code != 0 || !strings.Contains(stderr, c.note) || c.note == "" && stderr != "" {
			t.Errorf("%s: exit code %d\n%s", name, code, stderr)
			continue
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(s.asked()[0].body), &got); err != nil {
			t.Error(err)
		}
		if want := with(c.want); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: sent %v, not %v", name, got, want)
		}
	}
}

func merge(a, b map[string]any) map[string]any {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

func TestRecordPrintsTheResultingRecord(t *testing.T) {
	record := func(status, version string) map[string]any {
		r := testRecord(7, day)
		r["status"], r["updated_at"], r["deployment_name"] = status, "2026-03-01T00:00:00.5Z", "api"
		r["artifact"].(map[string]any)["version"] = version
		return r
	}
	const id = " (id 018f0000-0000-4000-8000-000000000007)\n"
	for want, c := range map[string]struct {
		answer map[string]any
		args   []string
	}{
		"recorded api 9c395e9d449e in prod-eu: DEPLOYED since 2026-02-01T00:00:00Z" + id:        {record("DEPLOYED", ""), nil},
		"recorded api 1.4 in prod-eu: SUPERSEDED since 2026-03-01T00:00:00Z" + id:               {record("SUPERSEDED", "1.4"), nil},
		"recorded api 1.4 in prod-eu: DECOMMISSIONED since 2026-03-01T00:00:00Z" + id:           {record("DECOMMISSIONED", "1.4"), []string{"--decommission"}},
		"nothing to decommission: api 1.5 in prod-eu: DEPLOYED since 2026-02-01T00:00:00Z" + id: {record("DEPLOYED", "1.5"), []string{"--decommission"}},
		"recorded api 1\ufffd[2J\ufffd in prod-eu: DEPLOYED since 2026-02-01T00:00:00Z" + id:    {record("DEPLOYED", "1\x1b[2J\n"), nil},
	} {
		s := newAPI(t)
		s.answer = c.answer
		stdout, stderr, code := s.client(append(recordArgs, c.args...)...)
		if code != 0 || stdout != want {
			t.Errorf("exit code %d: got %s%s, not %s", code, stdout, stderr, want)
		}
	}
}

func TestW3_RecordWarnsOfPartsThatWereNotRecorded(t *testing.T) {
	warning := func(flag, part, given, stored string) string {
		return fmt.Sprintf("deployrecords: warning: %s: the %s %q was not recorded: this artifact is stored there with the %s %q\n", flag, part, given, part, stored)
	}
	stored := func(name, version, digest string) map[string]any {
		r := testRecord(7, day)
		r["artifact"] = map[string]any{"kind": "CONTAINER_IMAGE", "name": name, "version": version, "digest": digest}
		return r
	}
	chart := []string{"--chart", "web", "--version", "1.2", "--digest", testDigest}
	image := []string{"--image", "api:1.4@" + testDigest}
	for name, c := range map[string]struct {
		args   []string
		answer map[string]any
		want   string
	}{
		"the same":         {image, stored("api", "1.4", testDigest), ""},
		"not given":        {[]string{"--image", "api@" + testDigest}, stored("api", "1.4", testDigest), ""},
		"version":          {image, stored("api", "1.3", testDigest), warning("--image", "version", "1.4", "1.3")},
		"name and version": {image, stored("API", "", testDigest), warning("--image", "name", "api", "API") + warning("--image", "version", "1.4", "")},
		"chart":            {chart, stored("WEB\x1b", "1.3", testDigest), warning("--chart", "name", "web", "WEB\x1b") + warning("--version", "version", "1.2", "1.3")},
		"decommission":     {append([]string{"--decommission"}, image...), stored("api", "1.3", testDigest), warning("--image", "version", "1.4", "1.3")},
		"another artifact": {append([]string{"--decommission"}, image...), stored("API", "1.3", "sha256:"+strings.Repeat("0", 64)), ""},
	} {
		for _, output := range []string{"text", "json"} {
			s := newAPI(t)
			s.answer = c.answer
			_, stderr, code := s.client(append([]string{"record", "--environment", "prod-eu", "--deployment", "api", "--output", output}, c.args...)...)
			if code != 0 || stderr != c.want {
				t.Errorf("%s, %s: exit code %d, got\n%s\nwant\n%s", name, output, code, stderr, c.want)
			}
		}
	}
}

func TestW7_RecordWarnsOfALateRecording(t *testing.T) {
	const warning = "deployrecords: warning: --observed-at: nothing was recorded: the deployment has changed since 2026-01-01T00:00:00Z\n"
	stored := func(status, digest string) map[string]any {
		r := testRecord(7, day)
		r["status"] = status
		r["artifact"] = map[string]any{"kind": "CONTAINER_IMAGE", "name": "api", "version": "1.4", "digest": digest}
		return r
	}
	other := "sha256:" + strings.Repeat("0", 64)
	observed := []string{"--observed-at", "2026-01-01T00:00:00Z"}
	ended := append([]string{"--decommission"}, observed...)
	for name, c := range map[string]struct {
		args   []string
		answer map[string]any
		want   string
	}{
		"recorded":                      {observed, stored("DEPLOYED", testDigest), ""},
		"another artifact runs":         {observed, stored("DEPLOYED", other), warning},
		"it has ended":                  {observed, stored("DECOMMISSIONED", testDigest), warning},
		"decommissioned":                {ended, stored("DECOMMISSIONED", testDigest), ""},
		"not ended":                     {ended, stored("DEPLOYED", testDigest), warning},
		"another artifact is not ended": {ended, stored("DEPLOYED", other), ""},
		"without a time":                {nil, stored("DEPLOYED", other), ""},
	} {
		s := newAPI(t)
		s.answer = c.answer
		stdout, stderr, code := s.client(append([]string{"record", "--environment", "prod-eu", "--deployment", "api", "--image", "api:1.4@" + testDigest}, c.args...)...)
		if code != 0 || stderr != c.want || strings.HasPrefix(stdout, "nothing recorded:") != (c.want != "") {
			t.Errorf("%s: exit code %d, got %q and %q, want %q", name, code, stdout, stderr, c.want)
		}
	}
	if _, stderr, code := newAPI(t).client(append(recordArgs, "--observed-at", "yesterday")...); code != 2 ||
		!strings.Contains(stderr, `--observed-at: "yesterday" is not an RFC 3339 time such as 2026-11-01T09:30:00Z`) {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
}

func TestRecordPrintsTheResponseAsJSON(t *testing.T) {
	s := newAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{ "deployment_record": {"id":"x", "new": 1.0} }`))
	})
	stdout, stderr, code := s.client(append(recordArgs, "--output", "json")...)
	if code != 0 || stdout != `{ "deployment_record": {"id":"x", "new": 1.0} }`+"\n" || stderr != "" {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

func TestAllTriesHaveOneIdempotencyKey(t *testing.T) {
	aborted := func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 409, map[string]any{"code": 10, "message": "other requests were in the way, try again", "details": []string{}})
	}
	failures := []http.HandlerFunc{problem(503, "the database is unavailable, try again"), breakOff, aborted, problem(408, "slow"), problem(425, "early")}
	for given, trouble := range map[string][]http.HandlerFunc{"": failures, "run-42/api": failures[:2]} {
		s := newAPI(t, trouble...)
		args := recordArgs
		if given != "" {
			args = append(args, "--idempotency-key", given)
		}
		stdout, stderr, code := s.client(args...)
		if code != 0 || !strings.HasPrefix(stdout, "recorded api 1.4") || strings.Count(stderr, "retrying in") != len(trouble) ||
			!strings.Contains(stderr, "503 Service Unavailable: the database is unavailable, try again") {
			t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
		}
		asked := s.asked()
		if len(asked) != len(trouble)+1 {
			t.Fatalf("%d requests", len(asked))
		}
		key := asked[0].header.Get("Idempotency-Key")
		if given != "" && key != given || len(key) < 8 {
			t.Errorf("the key is %q", key)
		}
		for _, r := range asked[1:] {
			if r.header.Get("Idempotency-Key") != key || r.body != asked[0].body {
				t.Errorf("a try differs from the first: %v", r)
			}
		}
	}
	first, second := newAPI(t), newAPI(t)
	first.client(recordArgs...)
	second.client(recordArgs...)
	if first.asked()[0].header.Get("Idempotency-Key") == second.asked()[0].header.Get("Idempotency-Key") {
		t.Error("two runs have one key")
	}
}

// breakOff closes the connection in the middle of a response.
func breakOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte(`{"deployment_record": {`))
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func TestExitCodesOfRecord(t *testing.T) {
	for name, c := range map[string]struct {
		trouble http.HandlerFunc
		code    int
		want    []string
	}{
		"bad request": {problem(400, "the request has 2 faults", "artifact_digest: is wrong", "kind: is too"), 3, []string{
			"deployrecords: the server rejected the request: 400 Bad Request: the request has 2 faults\n  digest of --image: is wrong\n  kind: is too\n",
		}},
		"unauthorized": {problem(401, "the token is not accepted"), 3, []string{"401 Unauthorized: the token is not accepted"}},
		"forbidden":    {problem(403, "no"), 3, []string{"403 Forbidden: no"}},
		"not found":    {http.NotFound, 3, []string{"404 Not Found", "is --url right?"}},
		"key reused":   {problem(422, "the key was used"), 3, []string{"422 Unprocessable Entity: the key was used"}},
		"too busy":     {problem(429, "slow down"), 4, []string{"429 Too Many Requests: slow down\nnothing was recorded; repeat the command later"}},
		"too late":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusRequestTimeout) }, 4, []string{"408 Request Timeout\n"}},
		"too early":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooEarly) }, 4, []string{"425 Too Early\nnothing was recorded"}},
		"overloaded":   {problem(503, "too many requests are waiting, try again"), 4, []string{"503 Service Unavailable: ", "nothing was recorded"}},
		"no database":  {problem(503, "the database is unavailable, try again"), 4, []string{"503 Service Unavailable: ", "may have been recorded"}},
		"broken":       {problem(500, "an internal error occurred"), 4, []string{"500 Internal Server Error", "may have been recorded", "--idempotency-key "}},
		"bad gateway":  {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) }, 4, []string{"502 Bad Gateway"}},
		"broken off":   {breakOff, 4, []string{"broke off"}},
		"redirect":     {http.RedirectHandler("https://elsewhere.test/v1/deployments", http.StatusTemporaryRedirect).ServeHTTP, 1, []string{`redirects to "https://elsewhere.test/v1/deployments"`, "--url"}},
		"no record":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>welcome")) }, 1, []string{"without a record"}},
		"no content":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, 1, []string{"204"}},
	} {
		s := newAPI(t, c.trouble)
		stdout, stderr, code := s.client(append(recordArgs, "--retry-for", "0s")...)
		if code != c.code || stdout != "" || len(s.asked()) != 1 {
			t.Errorf("%s: exit code %d after %d requests\n%s%s", name, code, len(s.asked()), stdout, stderr)
		}
		for _, want := range c.want {
			if !strings.Contains(stderr, want) {
				t.Errorf("%s: %q is not in %s", name, want, stderr)
			}
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	elsewhere := newAPI(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := newAPI(t, http.RedirectHandler(elsewhere.URL+"/v1/deployments", status).ServeHTTP)
		if _, stderr, code := s.client(recordArgs...); code != 1 {
			t.Errorf("%d: exit code %d, %s", status, code, stderr)
		}
		s = newAPI(t, http.RedirectHandler(elsewhere.URL+"/v1/deployments", status).ServeHTTP)
		if _, stderr, code := s.client("list"); code != 1 {
			t.Errorf("%d: exit code %d, %s", status, code, stderr)
		}
	}
	if n := len(elsewhere.asked()); n != 0 {
		t.Errorf("%d requests, with the token, went elsewhere", n)
	}
}

func TestTheTokenIsNotPrinted(t *testing.T) {
	echo := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			problem(status, "got "+r.Header.Get("Authorization"), "and "+r.Header.Get("Authorization"))(w, r)
		}
	}
	s := newAPI(t, echo(500), func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/?token="+url.QueryEscape(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")), http.StatusFound)
	})
	stdout, stderr, _ := s.client(recordArgs...)
	s = newAPI(t, echo(400))
	stdout2, stderr2, _ := s.client(recordArgs...)
	printed := stdout + stderr + stdout2 + stderr2
	if strings.Contains(printed, testToken) || strings.Count(printed, "(the token)") != 5 {
		t.Error(printed)
	}
}

func TestTokenFileTakesPrecedence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := newAPI(t)
	clientEnvironment(t, s.URL)
	t.Setenv("DEPLOYRECORDS_TOKEN", "another")
	for _, text := range []string{testToken, "  " + testToken + "\r\nwhat follows is not read\n"} {
		write(text)
		if _, stderr, code := run(t, append(recordArgs, "--token-file", file)...); code != 0 {
			t.Errorf("%q: exit code %d, %s", text, code, stderr)
		}
	}
	t.Setenv("DEPLOYRECORDS_TOKEN_FILE", file)
	if _, stderr, code := run(t, recordArgs...); code != 0 {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	for text, want := range map[string]string{
		"\n" + testToken: "the first line of " + file + " is empty",
		"two words":      "is not a token",
		"tökén":          "is not a token",
	} {
		write(text)
		_, stderr, code := run(t, recordArgs...)
		if code != 2 || !strings.Contains(stderr, want) || strings.Contains(stderr, text) {
			t.Errorf("%q: exit code %d, %s", text, code, stderr)
		}
	}
}

func TestRecordReportsAllViolationsTogether(t *testing.T) {
	s := newAPI(t)
	clientEnvironment(t, "ftp://user:hunter2@host")
	t.Setenv("DEPLOYRECORDS_TOKEN", "")
	_, stderr, code := run(t, "record", "--environment", "", "--deployment", "api ", "--logical-environment=", "--project", "web",
		"--timeout", "soon", "--retry-for=-1s", "--idempotency-key", "a b", "--output", "yaml", "--image", "api:1.4", "--version", "1")
	if code != 2 || strings.Contains(stderr, "hunter2") {
		t.Errorf("exit code %d", code)
	}
	golden(t, "record-faults.txt", stderr)

	clientEnvironment(t, s.URL)
	place := []string{"record", "--environment", "e", "--deployment", "d"}
	for want, args := range map[string][]string{
		"one of --image and --chart is needed":                nil,
		"--image and --chart can't be used together":          {"--image", "a@" + testDigest, "--chart", "b"},
		"--digest: is for --chart":                            {"--image", "a@" + testDigest, "--digest", testDigest},
		"--chart: needs --version\n  --chart: needs --digest": {"--chart", "a"},
		"--chart: is empty":                                   {"--chart", "", "--version", "1", "--digest", testDigest},
		"--version: is empty":                                 {"--chart", "a", "--version", "", "--digest", testDigest},
		"--digest: is empty":                                  {"--chart", "a", "--version", "1", "--digest", ""},
		"--digest: does not have 64":                          {"--chart", "a", "--version", "1", "--digest", "sha256:00"},
		"--chart: has a control character":                    {"--chart", "a\tb", "--version", "1", "--digest", testDigest},
		"--chart: has the format character U+200B at an end":  {"--chart", "a\u200b", "--version", "1", "--digest", testDigest},
		"--logical-environment: has the format character U+F": {"--logical-environment", "\ufeffe", "--image", "a@" + testDigest},
		"--version: has 257 characters":                       {"--chart", "a", "--version", strings.Repeat("v", 257), "--digest", testDigest},
		"--project: is empty":                                 {"--image", "a@" + testDigest, "--project", "", "--project-version", "v"},
		"got 2 projects and 1 versions":                       {"--image", "a@" + testDigest, "--project", "p", "--project", "q", "--project-version", "v"},
		"--idempotency-key: is not 1 to 128":                  {"--image", "a@" + testDigest, "--idempotency-key", ""},
		"missing flags: --deployment=NAME":                    {},
	} {
		command := append(append([]string{}, place...), args...)
		if args != nil && len(args) == 0 {
			command = place[:3]
		}
		if _, stderr, code := run(t, command...); code != 2 || !strings.Contains(stderr, want) {
			t.Errorf("%q: exit code %d, %s", args, code, stderr)
		}
	}
	if n := len(s.asked()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestURLs(t *testing.T) {
	clientEnvironment(t, "")
	for _, text := range []string{"", "localhost:8080", "http://", "http://:8080", "ftp://host", "http://u:p@host", "http://host?x=1", "http://host/#x", "http:host", "::"} {
		if _, stderr, code := run(t, append(recordArgs, "--retry-for=0s", "--url="+text)...); code != 2 || !strings.Contains(stderr, "--url: ") {
			t.Errorf("%q: exit code %d, %s", text, code, stderr)
		}
	}
	s := newAPI(t)
	if _, stderr, code := run(t, append(recordArgs, "--url", s.URL+"/")...); code != 0 {
		t.Errorf("exit code %d, %s", code, stderr)
	}
	// A proxy may serve the API under a prefix.
	s = newAPI(t)
	proxy := newProxy(t, s, "/records")
	for _, prefix := range []string{"/records", "/records/"} {
		if _, stderr, code := run(t, append(recordArgs, "--url", proxy+prefix)...); code != 0 {
			t.Errorf("exit code %d, %s", code, stderr)
		}
	}
}

func TestPlainHTTPIsWarnedOf(t *testing.T) {
	clientEnvironment(t, "")
	warns := func(address string) bool {
		_, stderr, _ := run(t, append(recordArgs, "--retry-for=0s", "--timeout=50ms", "--url", address)...)
		return strings.Contains(stderr, "warning: --url is http")
	}
	for address, want := range map[string]bool{
		"http://deployrecords.invalid:8080": true, "http://192.0.2.1": true, "https://deployrecords.invalid": false,
		"http://127.0.0.1:1": false, "http://[::1]:1": false, "http://localhost:1": false, "http://127.9.9.9:1": false,
	} {
		if got := warns(address); got != want {
			t.Errorf("%s: warned %v", address, got)
		}
	}
}

func TestAnUnreachableServerIsReported(t *testing.T) {
	s := newAPI(t)
	s.Close()
	_, stderr, code := s.client(append(recordArgs, "--retry-for", "300ms")...)
	if code != 4 || !strings.Contains(stderr, "connection refused") || !strings.Contains(stderr, fmt.Sprintf("%s can't be reached", s.URL)) ||
		!strings.Contains(stderr, "gave up after") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

// One try whose result is unknown is enough.
func TestRecordReportsWhetherAnythingMayBeRecorded(t *testing.T) {
	s := newAPI(t, problem(500, "an internal error occurred"), problem(429, "slow down"), problem(429, "slow down"), problem(429, "slow down"), problem(429, "slow down"))
	if _, stderr, code := s.client(append(recordArgs, "--retry-for", "700ms")...); code != 4 || !strings.Contains(stderr, "may have been recorded") || strings.Contains(stderr, "nothing was recorded") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

func TestRecordNamesTheProjectOrTheVersion(t *testing.T) {
	s := newAPI(t)
	for _, flags := range [][]string{{"--project", "", "--project-version", "v1"}, {"--project", "web", "--project-version", ""}} {
		flag := flags[0]
		if flags[3] == "" {
			flag = flags[2]
		}
		if _, stderr, code := s.client(append(recordArgs, flags...)...); code != 2 || !strings.Contains(stderr, "  "+flag+": is empty\n") {
			t.Errorf("%v: exit code %d, %s", flags, code, stderr)
		}
	}
}

func TestAByteOrderMarkIsNotAPartOfTheToken(t *testing.T) {
	s := newAPI(t)
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("\ufeff"+testToken+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := s.client(append(recordArgs, "--token-file", file)...); code != 0 {
		t.Fatal(stderr)
	}
	if got := s.asked()[0].header.Get("Authorization"); got != "Bearer "+testToken {
		t.Errorf("got %q", got)
	}
}

func TestVisibleKeepsJoinedEmoji(t *testing.T) {
	for text, want := range map[string]string{
		"👩\u200d🚀":                  "👩\u200d🚀",
		"👩🏽\u200d🚀":                 "👩🏽\u200d🚀",
		"❤\ufe0f\u200d🔥":            "❤\ufe0f\u200d🔥",
		"👨\u200d👩\u200d👧":           "👨\u200d👩\u200d👧",
		"a\u200db":                  "a\ufffdb",
		"👩\u200d":                   "👩\ufffd",
		"\u200d👩":                   "\ufffd👩",
		"👩\u200d\u200d🚀":            "👩\ufffd\ufffd🚀",
		"\x1b[31m\u202e\r\nu\u0301": "\ufffd[31m\ufffd\ufffd\ufffdu\u0301",
	} {
		if got := visible(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
