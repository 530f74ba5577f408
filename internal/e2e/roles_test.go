package e2e_test

import (
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// clusterWithRoles is a cluster that asks for passwords. roles.sql has run with the secrets of compose.yaml, in dir.
type clusterWithRoles struct {
	*pgtest.Cluster
	secrets string
}

func newClusterWithRoles(t *testing.T) clusterWithRoles {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "roles-") //nolint:usetesting // the user postgres cannot enter t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	authentication := filepath.Join(dir, "pg_hba.conf")
	for name, content := range map[string]string{
		authentication:                           "local all postgres trust\nlocal all all scram-sha-256\n",
		filepath.Join(dir, "compose-secrets.sh"): read(t, "deploy/compose-secrets.sh"),
	} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("sh", filepath.Join(dir, "compose-secrets.sh")).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c := clusterWithRoles{pgtest.NewCluster(t, "hba_file="+authentication), filepath.Join(dir, "secrets")}
	if out, err := c.psql(nil, c.URL(), "--file="+absolute(t, "deploy/postgresql/roles.sql")); err == nil || !strings.Contains(out, "must name files with passwords") {
		t.Errorf("without passwords: %v\n%s", err, out)
	}
	var env []string
	for _, role := range []string{"owner", "server", "reader"} {
		env = append(env, strings.ToUpper(role)+"_PASSWORD_FILE="+filepath.Join(c.secrets, role+"-password"))
	}
	if out, err := c.psql(env, c.URL(), "--file="+absolute(t, "deploy/postgresql/roles.sql")); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return c
}

// psql runs psql and returns its output.
func (c clusterWithRoles) psql(env []string, args ...string) (output string, err error) {
	program := c.Program("psql")
	if _, err := os.Stat(program); err != nil {
		program = "psql" // of another version: npm's binaries have no clients
	}
	psql := exec.Command(program, append([]string{"--no-psqlrc", "--no-password"}, args...)...)
	psql.Env = append(os.Environ(), env...)
	out, err := psql.CombinedOutput()
	return string(out), err
}

// as returns the settings of a role without its password.
func (c clusterWithRoles) as(t *testing.T, role string) []string {
	t.Helper()
	u, err := url.Parse(c.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.User, u.Path = url.User("deployrecords_"+role), "/deployrecords"
	return []string{"DATABASE_URL=" + u.String()}
}

// The owner migrates, the server records and compacts, and the reader serves lists. None of them can do more.
func TestTheRolesOfPostgreSQLHaveTheRightsTheyNeed(t *testing.T) {
	t.Parallel()
	cluster := newClusterWithRoles(t)
	owner := append(cluster.as(t, "owner"), "PGPASSFILE="+filepath.Join(cluster.secrets, "owner-pgpass"))
	server := append(cluster.as(t, "server"), "PGPASSFILE="+filepath.Join(cluster.secrets, "server-pgpass"))
	password := func(role string) string {
		text, err := os.ReadFile(filepath.Join(cluster.secrets, role+"-password"))
		if err != nil {
			t.Fatal(err)
		}
		return "PGPASSWORD=" + string(text)
	}
	reader := append(cluster.as(t, "reader"), password("reader"))

	grant := []string{"migrate", "--server-role", "deployrecords_server"}
	if _, stderr, code := run(t, cluster.as(t, "owner"), grant...); code != 1 || !strings.Contains(stderr, "password") {
		t.Errorf("without a password: exit code %d: %s", code, stderr)
	}
	if out := mustRun(t, owner, grant...); !strings.HasSuffix(out, ", from 0\ngranted \"deployrecords_server\" the rights of a server\n") {
		t.Errorf("migrate: %s", out)
	}
	if _, stderr, code := run(t, owner, "migrate", "--server-role", "nobody"); code != 1 || !strings.Contains(stderr, `role "nobody" does not exist`) {
		t.Errorf("an unknown role: exit code %d: %s", code, stderr)
	}
	if _, stderr, code := run(t, server, grant...); code != 1 || !strings.Contains(stderr, "run it as the owner of the schema") {
		t.Errorf("the server grants rights: exit code %d: %s", code, stderr)
	}

	serving := serve(t, server)
	client := []string{"DEPLOYRECORDS_URL=" + serving.url, "DEPLOYRECORDS_TOKEN=" + token(t, "acme", "--scope", "deployments:read deployments:write")}
	for version := range 3 {
		mustRun(t, client, "record", "--environment", "eu", "--deployment", "api", "--image", "registry.example.com/api@"+storetest.Digest(version))
	}
	waitFor(t, "the server compacts what it has recorded", func() bool {
		out := mustRun(t, owner, "verify")
		return strings.HasPrefix(out, "acme: 3 records, 1 slot,") && strings.Contains(out, " 0 pending changes")
	})

	reading := serve(t, reader, "--read-only")
	if got := walk(t, reading.url, token(t, "acme"), 100, true); len(got) != 3 {
		t.Errorf("the reader lists %d records", len(got))
	}
	body := `{"environment_name":"eu","deployment_name":"api","kind":"CONTAINER_IMAGE","artifact_digest":"` + storetest.Digest(4) + `"}`
	if got := ask(t, http.MethodPost, reading.url+contract.RecordingPath, token(t, "acme", "--scope", "deployments:write"), body); got.status != http.StatusServiceUnavailable {
		t.Errorf("the reader records: %+v", got)
	}

	for role, forbidden := range map[string][]string{
		"server": {"CREATE TABLE mine (n int)", "ALTER TABLE environments ADD mine int", "CREATE TEMPORARY TABLE mine (n int)", "DELETE FROM deployment_records", "DROP TABLE current_slots"},
		"reader": {"INSERT INTO organizations DEFAULT VALUES", "CREATE TABLE mine (n int)", "UPDATE deployment_records SET id = id"},
	} {
		for _, statement := range forbidden {
			address := strings.TrimPrefix(cluster.as(t, role)[0], "DATABASE_URL=")
			out, err := cluster.psql([]string{password(role)}, "--command="+statement, address)
			if err == nil || !strings.Contains(out, "permission denied") && !strings.Contains(out, "must be owner") {
				t.Errorf("%s as the %s: %v\n%s", statement, role, err, out)
			}
		}
	}
}
