package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// An import reads within its transaction, which is idle while the pipe has no data.
func TestAnImportSurvivesASlowPipe(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			url := engine.URL(t)
			if engine.Name == "PostgreSQL" {
				pgtest.Exec(t, url, `DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET idle_in_transaction_session_timeout = ''100ms''', current_database()); END$$`)
			}
			cmd := command(t, []string{"DATABASE_URL=" + url}, "import", "--organization", "acme", "-")
			pipe, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				defer pipe.Close()
				for n := range 3 {
					time.Sleep(500 * time.Millisecond)
					_, _ = fmt.Fprintf(pipe, `{"id":"%08x-0000-4000-8000-000000000000","environment_name":"eu","deployment_name":"api","status":"SUPERSEDED","created_at":"2026-03-01T12:00:00Z","artifact":{"kind":"CONTAINER_IMAGE","digest":%q}}`+"\n", n+1, storetest.Digest(n))
				}
			}()
			if out, err := cmd.Output(); err != nil || string(out) != "-: 3 added, 0 changed, 0 unchanged\n" {
				t.Errorf("got %s, %v", out, err)
			}
		})
	}
}
