package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The file of an SQLite database goes away while the server runs, and a copy takes its place: the server acknowledges nothing
// that the file of that name does not have after a restart.
func TestAnSQLiteFileThatIsGone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	env := []string{"DATABASE_URL=sqlite://" + path}
	server := serve(t, env)
	bearer := token(t, "acme", "--scope", "deployments:read deployments:write")
	var acknowledged []string
	record := func(deployment string) (code int) {
		_, stderr, code := run(t, append(env, "DEPLOYRECORDS_TOKEN="+bearer), "record", "--url", server.url, "--retry-for", "0s",
			"--environment", "eu", "--deployment", deployment, "--image", "api:1@sha256:"+strings.Repeat("0", 64))
		if code == 0 {
			acknowledged = append(acknowledged, deployment)
		} else if !strings.Contains(stderr, "503 Service Unavailable") {
			t.Errorf("%s: %s", deployment, stderr)
		}
		return code
	}
	if record("first") != 0 {
		t.Fatal("the first recording failed")
	}
	if server.stop(t) != 0 {
		t.Fatal("the server did not stop")
	}
	whole, err := os.ReadFile(path) // without a WAL, since the server has stopped
	if err != nil {
		t.Fatal(err)
	}

	server = serve(t, env)
	record("second")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil {
			t.Fatal(err)
		}
	}
	record("gone 1")
	record("gone 2")
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	record("replaced")
	response, err := http.Get(server.url + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("/readyz: %d", response.StatusCode)
	}
	const line = "the SQLite file is not usable"
	waitFor(t, "the log has the reason", func() bool { return strings.Contains(server.log.String(), line) })
	server.stop(t)
	if n := strings.Count(server.log.String(), line); n != 1 {
		t.Errorf("the log has the reason %d times: %s", n, server.log)
	}

	server = serve(t, env)
	record("third")
	// The second recording was acknowledged before the file was deleted, and went with it.
	stored := mustRun(t, append(env, "DEPLOYRECORDS_TOKEN="+bearer), "list", "--url", server.url, "--output", "csv")
	for _, deployment := range acknowledged {
		if deployment != "second" && !strings.Contains(stored, ","+deployment+",") {
			t.Errorf("%s was acknowledged and is lost:\n%s", deployment, stored)
		}
	}
	if want := "first second third"; strings.Join(acknowledged, " ") != want {
		t.Errorf("acknowledged %v, want %s", acknowledged, want)
	}
}
