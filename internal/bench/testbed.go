package bench

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/deployrecords/deployrecords/internal/pgtest"
)

// testbed is the equipment of a run: a PostgreSQL cluster, the built program, and databases that are filled when a
// scenario first needs them.
type testbed struct {
	Options
	slots    int    // of the large organization, the same for every number of records
	program  string // the built server
	dir      string // temporary files
	cluster  *pgtest.Cluster
	datasets map[string]*dataset
}

// recordsPerSlot is the mean up to a million records. A smaller one would leave slots without records.
const recordsPerSlot = 50

// openTestbed builds the program and starts PostgreSQL. The caller calls close even after an error.
func openTestbed(ctx context.Context, o Options) (*testbed, error) {
	t := &testbed{Options: o, slots: slotCount(o.Records, recordsPerSlot), datasets: make(map[string]*dataset)}
	var err error
	if t.dir, err = os.MkdirTemp("", "deployrecords-bench-"); err != nil {
		return t, err
	}
	t.program = filepath.Join(t.dir, "deployrecords")
	t.logf("building the program")
	if err := build(ctx, o.Tree, "./cmd/deployrecords", t.program); err != nil {
		return t, err
	}
	t.logf("starting PostgreSQL")
	// fsync stays on. shared_buffers follows the PostgreSQL manual's advice for a dedicated machine, and the WAL settings
	// keep checkpoints out of the measurements.
	t.cluster, err = pgtest.Launch(fmt.Sprintf("shared_buffers=%dMB", min(4096, max(128, machineMemory()>>20/4))),
		"max_wal_size=8GB", "checkpoint_timeout=30min", "autovacuum_naptime=10s")
	return t, err
}

func (t *testbed) close() {
	if t.cluster != nil {
		t.cluster.Remove()
	}
	if t.dir != "" {
		_ = os.RemoveAll(t.dir)
	}
}

func (t *testbed) logf(format string, args ...any) {
	fmt.Fprintf(t.Progress, "%s %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}

// build compiles a program of a source tree as its Makefile does.
func build(ctx context.Context, tree, pkg, program string) error {
	_, err := output(ctx, "env", "CGO_ENABLED=0", "go", "-C", tree, "build", "-trimpath", "-ldflags=-s -w", "-o", program, pkg)
	return err
}

// output runs a command and returns its standard output. The error holds everything that the command printed.
func output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, &stderr, out)
	}
	return string(out), err
}

// url returns the URL of a database of the cluster, with session settings ("name=value").
func (t *testbed) url(database string, settings ...string) string {
	u, err := url.Parse(t.cluster.URL())
	if err != nil {
		panic(err) // pgtest built it
	}
	u.Path = "/" + database
	if len(settings) > 0 {
		query := u.Query()
		query.Set("options", "-c "+strings.Join(settings, " -c "))
		u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20") // libpq does not decode "+"
	}
	return u.String()
}

// exec runs SQL statements on a database, each outside a transaction.
func (t *testbed) exec(ctx context.Context, database string, statements ...string) error {
	conn, err := pgx.Connect(ctx, t.url(database))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// machineMemory returns the machine's memory in bytes, or 4 GiB if the system does not report it.
func machineMemory() int { return cmp.Or(procBytes("/proc/meminfo", "MemTotal:"), 4<<30) }

// procBytes returns the value of a line of a /proc file, which is in KiB, in bytes, or 0 if there is none.
func procBytes(file, key string) int {
	var value int
	_, _ = fmt.Sscanf(procLine(file, key), "%d", &value)
	return value << 10
}

// procLine returns the rest of the first line that begins with the key, or "".
func procLine(file, key string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

func machine() string {
	model := cmp.Or(strings.TrimLeft(procLine("/proc/cpuinfo", "model name"), ": \t"), runtime.GOARCH)
	return fmt.Sprintf("%d cores (%s), %d GiB of memory, %s", runtime.NumCPU(), model, (machineMemory()+1<<29)>>30, runtime.GOOS)
}
