package cli

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// The database aborts every transaction of the first request, as it would in a crowd of writers.
func TestTheServersConflictIsRetried(t *testing.T) {
	database := storetest.PostgreSQL(t)
	s := storetest.Open(t, database)
	pgtest.Exec(t, database, `CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION USING ERRCODE = '40001'; END$$;
CREATE TRIGGER fail BEFORE INSERT ON deployment_records FOR EACH ROW EXECUTE FUNCTION fail()`)
	requests := 0
	address, token := serveStore(t, s, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if requests++; requests == 2 {
				pgtest.Exec(t, database, "DROP TRIGGER fail ON deployment_records")
			}
			next.ServeHTTP(w, r)
		})
	})
	stdout, stderr, code := run(t, append(recordArgs, "--url", address, "--token-file", token)...)
	if code != 0 || requests != 2 || !strings.HasPrefix(stdout, "recorded api") || !strings.Contains(stderr, "409 Conflict: other requests were in the way, try again; retrying in ") {
		t.Errorf("exit code %d after %d requests\n%s%s", code, requests, stdout, stderr)
	}
	records := storetest.Ask(t, s, deployments.Scope{Organization: "acme"}, deployments.Query{History: deployments.All})
	if records.Total != 1 {
		t.Errorf("recorded %d times", len(records.Records))
	}
}

func TestAReusedKeyIsNotRetried(t *testing.T) {
	address, token := serveStore(t, storetest.Open(t, "sqlite://"+filepath.Join(t.TempDir(), "x.db")), nil)
	args := append(slices.Clone(recordArgs), "--url", address, "--token-file", token, "--idempotency-key", "run-1")
	if _, stderr, code := run(t, args...); code != 0 {
		t.Fatal(stderr)
	}
	_, stderr, code := run(t, append(args, "--logical-environment", "production")...)
	if code != exitRejected || strings.Contains(stderr, "retrying") || !strings.Contains(stderr, "422") {
		t.Errorf("exit code %d, %s", code, stderr)
	}
}

// A quota stays used up until an operator raises it: the command prints the reason at once.
func TestW9_AQuotaIsNotRetried(t *testing.T) {
	db := storetest.OpenDatabase(t, "sqlite://"+filepath.Join(t.TempDir(), "x.db"))
	requests := 0
	address, token := serveStore(t, store.New(db, store.Parts{Quotas: store.Quotas{Environments: 1}}), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests++
			next.ServeHTTP(w, r)
		})
	})
	args := append(slices.Clone(recordArgs), "--url", address, "--token-file", token)
	if _, stderr, code := run(t, args...); code != 0 {
		t.Fatal(stderr)
	}
	args[slices.Index(args, "--environment")+1] = "pr-7"
	stdout, stderr, code := run(t, args...)
	want := `responded 429 Too Many Requests: environment_name: "pr-7" exceeds the quota of environments: the organization has 1, and the limit is 1; it asks to retry in 1h0m0s`
	if code != exitUnreachable || stdout != "" || requests != 2 || !strings.Contains(stderr, want) || strings.Contains(stderr, "retrying") {
		t.Errorf("exit code %d after %d requests\n%s%s", code, requests, stdout, stderr)
	}
}
