package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/storetest"
)

// The README's example: three versions, a rollback, listings, a decommissioning, and errors.
func TestTheREADMEDemo(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines {
		t.Run(engine.Name, func(t *testing.T) {
			server := serve(t, []string{"DATABASE_URL=" + engine.URL(t)})
			bearer := token(t, "acme", "--scope", "deployments:read deployments:write")
			env := []string{"DEPLOYRECORDS_URL=" + server.url, "DEPLOYRECORDS_TOKEN=" + bearer}
			record := func(version int, more ...string) string {
				image := fmt.Sprintf("registry.example.com/api:1.%d@%s", version, storetest.Digest(version))
				return mustRun(t, env, append([]string{"record", "--environment", "prod-eu", "--deployment", "api", "--image", image}, more...)...)
			}
			for _, version := range []int{1, 2, 3, 1} {
				if out := record(version); !strings.HasPrefix(out, fmt.Sprintf("recorded api 1.%d in prod-eu: DEPLOYED since ", version)) {
					t.Errorf("got %s", out)
				}
			}
			record(1) // W3: adds nothing

			columns := func(args ...string) string {
				var rows []string
				for _, line := range strings.Split(strings.TrimSpace(mustRun(t, env, append([]string{"list"}, args...)...)), "\n")[1:] {
					rows = append(rows, strings.Join(strings.Fields(line)[:4], " "))
				}
				return strings.Join(rows, ", ")
			}
			if got, want := columns(), "prod-eu api api:1.1 DEPLOYED"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			want := "prod-eu api api:1.1 DEPLOYED, prod-eu api api:1.3 SUPERSEDED, prod-eu api api:1.2 SUPERSEDED, prod-eu api api:1.1 SUPERSEDED"
			if got := columns("--deployment", "api", "--full-history"); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			out := mustRun(t, env, "record", "--environment", "prod-eu", "--deployment", "api", "--image", "registry.example.com/api", "--decommission")
			if !strings.HasPrefix(out, "recorded api 1.1 in prod-eu: DECOMMISSIONED since ") {
				t.Errorf("got %s", out)
			}
			var answer []string
			for _, r := range walk(t, server.url, bearer, 2, true) {
				answer = append(answer, r.Artifact.Version+" "+string(r.Status))
			}
			if got, want := strings.Join(answer, ", "), "1.1 DECOMMISSIONED, 1.3 SUPERSEDED, 1.2 SUPERSEDED, 1.1 SUPERSEDED"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}

			// import reads the NDJSON of list, and another server returns the same list.
			lines := mustRun(t, env, "list", "--all", "--full-history", "--output", "ndjson")
			file := filepath.Join(t.TempDir(), "list.ndjson")
			if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
				t.Fatal(err)
			}
			copied := []string{"DATABASE_URL=" + engine.URL(t)}
			mustRun(t, copied, "import", "--organization", "acme", file)
			other := serve(t, copied)
			again := mustRun(t, []string{"DEPLOYRECORDS_URL=" + other.url, "DEPLOYRECORDS_TOKEN=" + bearer}, "list", "--all", "--full-history", "--output", "ndjson")
			if again != lines {
				t.Errorf("got %s, want %s", again, lines)
			}

			// Exit codes distinguish the results.
			for want, run := range map[int]func() int{
				2: func() int { _, _, code := run(t, env, "record", "--environment", "e"); return code },
				3: func() int {
					_, _, code := run(t, []string{"DEPLOYRECORDS_URL=" + server.url, "DEPLOYRECORDS_TOKEN=" + token(t, "acme")}, "record",
						"--environment", "e", "--deployment", "d", "--chart", "c", "--version", "1", "--digest", storetest.Digest(1))
					return code
				},
				4: func() int {
					_, _, code := run(t, []string{"DEPLOYRECORDS_URL=http://127.0.0.1:1", "DEPLOYRECORDS_TOKEN=" + bearer}, "list", "--retry-for", "10ms")
					return code
				},
			} {
				if got := run(); got != want {
					t.Errorf("exit code %d, want %d", got, want)
				}
			}
		})
	}
}
