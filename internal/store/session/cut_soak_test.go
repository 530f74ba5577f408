//go:build soak && linux

package session

import (
	"bufio"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/pgtest"
)

// cutEnv has the database URL, and cutStatementEnv the last statement, of the process that TestANetworkThatIsCutFreesLocks
// starts on its other machine.
const (
	cutEnv          = "DEPLOYRECORDS_TEST_CUT_URL"
	cutStatementEnv = "DEPLOYRECORDS_TEST_CUT_STATEMENT"
)

// The cable between a server with a lock and PostgreSQL is cut: nothing closes a connection, and no packet is answered. The
// server's machine is a network namespace.
func TestANetworkThatIsCutFreesLocks(t *testing.T) {
	if address := os.Getenv(cutEnv); address != "" {
		lockAndWait(t, address, os.Getenv(cutStatementEnv))
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can create a network namespace")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("the program ip is not installed")
	}
	for i, c := range []struct{ name, statement string }{
		{"an idle transaction, as of an import that reads a pipe", "SELECT 1"},
		{"a result that is not acknowledged", "SELECT pg_sleep(3), repeat('x', 1000000) FROM generate_series(1, 100)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			namespace := fmt.Sprintf("deployrecords-%d-%d", os.Getpid(), i)
			here, there := fmt.Sprintf("10.213.%d.1", i), fmt.Sprintf("10.213.%d.2", i)
			link := fmt.Sprintf("dr%d-%d", os.Getpid()%100_000, i)
			ip(t, "netns", "add", namespace)
			t.Cleanup(func() { ip(t, "netns", "delete", namespace) })
			ip(t, "link", "add", link, "type", "veth", "peer", "name", "outside", "netns", namespace)
			// A lost connection keeps the namespace, and with it the link, for some minutes.
			t.Cleanup(func() { ip(t, "link", "delete", link) })
			ip(t, "address", "add", here+"/24", "dev", link)
			ip(t, "link", "set", link, "up")
			ip(t, "-n", namespace, "address", "add", there+"/24", "dev", "outside")
			ip(t, "-n", namespace, "link", "set", "outside", "up")

			cluster := pgtest.NewCluster(t, "listen_addresses="+here, "hba_file="+trustEveryone(t))
			pgtest.Exec(t, cluster.URL(), "CREATE TABLE slots (n int); INSERT INTO slots VALUES (1)")
			vanishing := exec.CommandContext(t.Context(), "ip", "netns", "exec", namespace, os.Args[0], "-test.run=^TestANetworkThatIsCutFreesLocks$")
			vanishing.Env = append(os.Environ(), cutEnv+"="+(&url.URL{Scheme: "postgres", User: url.User("postgres"), Host: here, Path: "postgres"}).String(), cutStatementEnv+"="+c.statement)
			vanishing.Stderr = os.Stderr
			stdout, err := vanishing.StdoutPipe()
			if err == nil {
				err = vanishing.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				_ = vanishing.Process.Kill()
				_ = vanishing.Wait()
			})
			if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "locked\n" {
				t.Fatalf("got %q, %v", line, err)
			}
			ip(t, "-n", namespace, "link", "set", "outside", "down")

			cut := time.Now()
			// Without the settings, it would be a quarter of an hour for the result, and two hours for the idle transaction.
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			if _, err := openTest(t, cluster.URL(), 1, Timeouts{}).ExecContext(ctx, "UPDATE slots SET n = 3"); err != nil {
				t.Fatalf("another server waits for the lock: %v", err)
			}
			t.Logf("the lock was free %s after the cut", time.Since(cut).Round(time.Second))
		})
	}
}

// lockAndWait takes the lock, reports it and executes a statement in the same transaction, which it never ends.
func lockAndWait(t *testing.T, address, statement string) {
	tx, err := openTest(t, address, 1, Timeouts{}).BeginTx(context.Background(), nil)
	if err == nil {
		_, err = tx.Exec("UPDATE slots SET n = 2")
	}
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("locked")
	_, _ = tx.Exec(statement)
	select {}
}

// trustEveryone returns the path of a file that lets every address log in without a password.
func trustEveryone(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "hba.conf")
	err := os.WriteFile(path, []byte("local all all trust\nhost all all 0.0.0.0/0 trust\n"), 0o644)
	if err == nil {
		err = os.Chmod(filepath.Dir(dir), 0o755) // PostgreSQL runs as another user
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %q: %v\n%s", args, err, out)
	}
}
