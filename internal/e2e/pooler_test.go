package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/pgtest"
)

// A server behind PgBouncer in transaction mode, which has no configuration for it.
func TestAServerBehindAPoolerNeedsOneFlag(t *testing.T) {
	t.Parallel()
	direct := pgtest.URL(t)
	pooled := []string{"DATABASE_URL=" + pgtest.NewPooler(t).URL(t, direct)}
	const flag = "--database-session-settings=transaction"

	for _, command := range [][]string{{"serve"}, {"migrate"}, {"import", "--organization", "acme", "-"}, {"verify"}} {
		_, stderr, code := run(t, pooled, command...)
		if code != 1 || !strings.Contains(stderr, "unsupported startup parameter") || !strings.Contains(stderr, flag) {
			t.Errorf("%s: exit code %d: %s", command[0], code, stderr)
		}
	}
	_, stderr, code := run(t, pooled, "serve", flag)
	if code != 1 || !strings.Contains(stderr, "has no tables of deployrecords") {
		t.Errorf("before the migration: exit code %d: %s", code, stderr)
	}

	mustRun(t, []string{"DATABASE_URL=" + direct}, "migrate")
	server := serve(t, pooled, flag)
	bearer := token(t, "acme", "--scope", "deployments:read", "--scope", "deployments:write")
	if answer := ask(t, http.MethodPost, server.url+contract.RecordingPath, bearer, recordingBody(1)); answer.status != http.StatusOK {
		t.Errorf("a recording: got %d %s", answer.status, answer.body)
	}
	if answer := ask(t, http.MethodGet, server.url+"/v1/deployments", bearer, ""); answer.status != http.StatusOK || !strings.Contains(answer.body, `"total_count":1`) {
		t.Errorf("the listing: got %d %s", answer.status, answer.body)
	}
	mustRun(t, []string{"DATABASE_URL=" + direct}, "verify")
}
