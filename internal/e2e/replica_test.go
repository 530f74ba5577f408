package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// response is what a server answers.
type response struct {
	status     int
	body       string
	retryAfter string
}

// ask sends a request and checks the response against the documents.
func ask(t *testing.T, method, address, bearer, body string) response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := checked(t).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{answer.StatusCode, strings.TrimSpace(string(text)), answer.Header.Get("Retry-After")}
}

// getPage gets a page, which no document describes.
func getPage(t *testing.T, address, bearer string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+bearer)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func recordingBody(n int) string {
	return fmt.Sprintf(`{"environment_name":"eu","deployment_name":"api","kind":"CONTAINER_IMAGE","artifact_digest":%q}`, storetest.Digest(n))
}

func TestAServerOutlivesThePrimary(t *testing.T) {
	t.Parallel()
	primary := pgtest.NewCluster(t)
	standby := primary.NewStandby(t)
	bearer := token(t, "acme", "--scope", "deployments:read", "--scope", "deployments:write")
	server := serve(t, []string{
		"DATABASE_URL=" + pgtest.MultiHostURL(url.Values{"target_session_attrs": {"read-write"}}, primary, standby),
		"DATABASE_REPLICA_URL=" + pgtest.MultiHostURL(nil, standby),
	})
	record := func(s *process, n int) response {
		return ask(t, http.MethodPost, s.url+contract.RecordingPath, bearer, recordingBody(n))
	}
	list := func(s *process) response { return ask(t, http.MethodGet, s.url+"/v1/deployments", bearer, "") }
	ready := func(s *process) response { return ask(t, http.MethodGet, s.url+"/readyz", "", "") }

	if got := record(server, 1); got.status != http.StatusOK {
		t.Fatalf("record: got %+v", got)
	}
	if got := list(server); got.status != http.StatusOK || !strings.Contains(got.body, storetest.Digest(1)) {
		t.Errorf("list: got %+v", got)
	}
	if got := ready(server); got.body != `{"status":"ready"}` {
		t.Errorf("readyz: got %+v", got)
	}

	readOnly := serve(t, []string{"DATABASE_URL=" + standby.URL(), "READ_ONLY=true"})
	if got := list(readOnly); got.status != http.StatusOK || !strings.Contains(got.body, storetest.Digest(1)) {
		t.Errorf("list of a read-only server: got %+v", got)
	}
	if got := ready(readOnly); got.status != http.StatusOK || got.body != `{"status":"read-only"}` {
		t.Errorf("readyz of a read-only server: got %+v", got)
	}
	time.Sleep(1500 * time.Millisecond) // for a compaction, if there were one
	if log := readOnly.log.String(); strings.Contains(log, "level=WARN") || strings.Contains(log, "level=ERROR") {
		t.Errorf("a read-only server warns:\n%s", log)
	}
	if got := record(readOnly, 2); got.status != http.StatusServiceUnavailable || got.retryAfter == "" || !strings.Contains(got.body, "this server is read-only") {
		t.Errorf("record on a read-only server: got %+v", got)
	}

	standby.WaitFor(t, "SELECT count(*) = 1 FROM deployment_records")
	primary.Stop()
	if got := list(server); got.status != http.StatusOK || !strings.Contains(got.body, storetest.Digest(1)) {
		t.Errorf("list without a primary: got %+v", got)
	}
	for _, page := range []string{"/?by=environment", "/records", "/search?q=e"} {
		if status, body := getPage(t, server.url+page, bearer); status != http.StatusOK || !strings.Contains(body, ">eu<") {
			t.Errorf("%s without a primary: got %d %s", page, status, body)
		}
	}
	if got := ready(server); got.status != http.StatusOK || got.body != `{"status":"read-only"}` {
		t.Errorf("readyz without a primary: got %+v", got)
	}
	if got := record(server, 2); got.status != http.StatusServiceUnavailable || got.retryAfter == "" {
		t.Errorf("record without a primary: got %+v", got)
	}

	standby.Promote(t)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		got := record(server, 2)
		if got.status == http.StatusOK {
			break
		}
		if got.status != http.StatusServiceUnavailable || time.Now().After(deadline) {
			t.Fatalf("record after the failover: got %+v", got)
		}
	}
	if got := list(server); got.status != http.StatusOK || !strings.Contains(got.body, storetest.Digest(2)) {
		t.Errorf("list after the failover: got %+v", got)
	}
	if got := ready(server); got.body != `{"status":"ready"}` {
		t.Errorf("readyz after the failover: got %+v", got)
	}
	for _, line := range []string{"no primary can be reached", "the primary can be reached again"} {
		if !strings.Contains(server.log.String(), line) {
			t.Errorf("the log lacks %q:\n%s", line, server.log)
		}
	}
}

func TestSettingsOfReplicasAreChecked(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--database-replica-url postgres://u:hunter2@h/db":                                           "--database-replica-url: the database \"sqlite://deployrecords.db\" is of SQLite, and only PostgreSQL has standbys",
		"--database-url postgres://h/db --database-replica-url sqlite://x.db":                        "--database-replica-url: \"sqlite://x.db\" is a URL of SQLite",
		"--database-url postgres://h/db --database-replica-url mysql://u:hunter2@h/db":               "--database-replica-url: \"mysql://xxxxx@h/db\" begins with neither",
		"--database-url postgres://h/db --database-replica-url postgres://h/db --read-only":          "--database-replica-url: is for a server on the primary",
		"--database-url postgres://h/db --database-replica-url postgres://h/db --replica-max-lag 0s": "--replica-max-lag: 0s is not more than 0",
		"--memory --read-only": "--read-only: is for a database, and --memory has none",
	} {
		_, stderr, code := run(t, nil, append([]string{"serve"}, strings.Fields(args)...)...)
		if code != 2 || !strings.Contains(stderr, want) || strings.Contains(stderr, "hunter2") {
			t.Errorf("%s: got %d\n%s", args, code, stderr)
		}
	}
}
