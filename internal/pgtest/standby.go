package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
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

// copyFrom copies the data of a running primary, to follow it. It does what pg_basebackup does, which server binaries alone do
// not include.
func (c *Cluster) copyFrom(primary *Cluster) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, primary.URL())
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "SELECT pg_backup_start('standby', true)"); err != nil {
		return err
	}
	if err := copyFiles(primary.data(), c.data(), "pg_wal", "postmaster.pid"); err != nil {
		return err
	}
	var label string
	if err := conn.QueryRow(ctx, "SELECT labelfile FROM pg_backup_stop(false)").Scan(&label); err != nil {
		return err
	}
	// The log is copied last: it has what changed during the copy.
	if err := copyFiles(filepath.Join(primary.data(), "pg_wal"), filepath.Join(c.data(), "pg_wal")); err != nil {
		return err
	}
	settings, err := os.OpenFile(filepath.Join(c.data(), "postgresql.auto.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer settings.Close()
	if _, err := fmt.Fprintf(settings, "primary_conninfo = 'host=%s user=postgres'\n", primary.dir); err != nil {
		return err
	}
	for name, text := range map[string]string{"backup_label": label, "standby.signal": ""} {
		if err := os.WriteFile(filepath.Join(c.data(), name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if os.Geteuid() != 0 {
		return nil
	}
	return exec.Command("chown", "-R", "--reference="+primary.data(), c.data()).Run()
}

// copyFiles copies a directory of a running server, in which files come and go, except for entries with some names.
func copyFiles(from, to string, except ...string) error {
	source := os.DirFS(from)
	return fs.WalkDir(source, ".", func(path string, entry fs.DirEntry, err error) error {
		target := filepath.Join(to, path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case slices.Contains(except, entry.Name()) && entry.IsDir():
			return fs.SkipDir
		case slices.Contains(except, entry.Name()):
			return nil
		case entry.IsDir():
			return os.MkdirAll(target, 0o700)
		}
		data, err := fs.ReadFile(source, path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o600)
	})
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
