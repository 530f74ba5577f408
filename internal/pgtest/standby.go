package pgtest

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// NewStandby starts a hot standby of the cluster that is removed when the test ends. It has the settings of its primary.
func (c *Cluster) NewStandby(t testing.TB) *Cluster {
	t.Helper()
	standby, err := newCluster(c.bin, c.settings)
	if err != nil {
		t.Fatal(err)
	}
	if err := standby.launch(func() error { return standby.copyFrom(c) }); err != nil {
		t.Fatalf("start a standby: %v", err)
	}
	t.Cleanup(standby.Remove)
	return standby
}

// copyFrom copies the data of a running primary, to follow it.
func (c *Cluster) copyFrom(primary *Cluster) error {
	backup, err := c.command(c.Program("pg_basebackup"), "-D", c.data(), "-h", primary.dir, "-U", "postgres", "-c", "fast", "-R", "--no-sync")
	if err != nil {
		return err
	}
	if out, err := backup.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_basebackup: %w\n%s", err, out)
	}
	return nil
}

// Promote makes a standby a primary.
func (c *Cluster) Promote(t testing.TB) {
	t.Helper()
	Exec(t, c.URL(), "SELECT pg_promote(true, 60)")
}

// Follow makes a standby follow another primary.
func (c *Cluster) Follow(t testing.TB, primary *Cluster) {
	t.Helper()
	Exec(t, c.URL(), "ALTER SYSTEM SET primary_conninfo = 'host="+primary.dir+" user=postgres'")
	Exec(t, c.URL(), "SELECT pg_reload_conf()")
}

// Rejoin makes a stopped primary a standby of another one, at the same address.
func (c *Cluster) Rejoin(t testing.TB, primary *Cluster) {
	t.Helper()
	c.Stop()
	if err := os.RemoveAll(c.data()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.copyFrom(primary), c.Start()); err != nil {
		t.Fatalf("rejoin: %v", err)
	}
}

// MultiHostURL returns the URL of the database "postgres" on any of the clusters, with further parameters.
func MultiHostURL(parameters url.Values, clusters ...*Cluster) string {
	var hosts []string
	for _, c := range clusters {
		hosts = append(hosts, c.dir)
	}
	query := url.Values{"host": {strings.Join(hosts, ",")}}
	maps.Copy(query, parameters)
	return "postgres://postgres@/postgres?" + query.Encode()
}

// WaitFor returns when the query, which yields a boolean, is true.
func (c *Cluster) WaitFor(t testing.TB, query string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if QueryBool(t, c.URL(), query) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not true after a minute: %s", query)
		}
	}
}
