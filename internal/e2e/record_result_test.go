package e2e_test

import (
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/storetest"
)

// The line of record distinguishes an added record from one that was there, and from a mistyped decommissioning.
func TestRecordReportsWhatItDid(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines {
		t.Run(engine.Name, func(t *testing.T) {
			server := serve(t, []string{"DATABASE_URL=" + engine.URL(t)})
			env := []string{"DEPLOYRECORDS_URL=" + server.url, "DEPLOYRECORDS_TOKEN=" + token(t, "acme", "--scope", "deployments:read deployments:write")}
			for i, step := range []struct {
				decommission bool
				image        string
				want         string
			}{
				{false, "api:1@" + storetest.Digest(1), "recorded api 1 in eu: DEPLOYED since "},
				{false, "api:1@" + storetest.Digest(1), "already recorded: api 1 in eu: DEPLOYED since "},
				{false, "api:2@" + storetest.Digest(2), "recorded api 2 in eu: DEPLOYED since "},
				{true, "api:1@" + storetest.Digest(1), "nothing to decommission: api 2 in eu: DEPLOYED since "},
				{true, "api:3@" + storetest.Digest(3), "nothing to decommission: api 2 in eu: DEPLOYED since "},
				{true, "api:2@" + storetest.Digest(2), "recorded api 2 in eu: DECOMMISSIONED since "},
				{true, "api:2@" + storetest.Digest(2), "already recorded: api 2 in eu: DECOMMISSIONED since "},
				{true, "api", "already recorded: api 2 in eu: DECOMMISSIONED since "},
				{true, "api:3@" + storetest.Digest(3), "recorded as never seen before: api 3 in eu: DECOMMISSIONED since "},
				{true, "api:3@" + storetest.Digest(3), "already recorded: api 3 in eu: DECOMMISSIONED since "},
				{false, "api:2@" + storetest.Digest(2), "recorded api 2 in eu: DEPLOYED since "},
			} {
				args := []string{"record", "--environment", "eu", "--deployment", "api", "--image", step.image}
				if step.decommission {
					args = append(args, "--decommission")
				}
				if got := mustRun(t, env, args...); !strings.HasPrefix(got, step.want) {
					t.Errorf("step %d: got %s, want %s", i, got, step.want)
				}
			}
			_, stderr, code := run(t, env, "record", "--environment", "eu", "--deployment", "nothing", "--image", "api", "--decommission")
			want := "  digest of --image: is missing, and no artifact of this kind was ever recorded there; with a digest, it is recorded as decommissioned\n"
			if code != 3 || !strings.HasSuffix(stderr, want) {
				t.Errorf("exit code %d: %s", code, stderr)
			}
		})
	}
}
