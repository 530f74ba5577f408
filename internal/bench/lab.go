package bench

import (
	"context"
	"fmt"
	"io"
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

// lab is what rows measure with: a PostgreSQL of its own, the program, and databases that are made when a row first
// asks for them.
type lab struct {
	records  int
	slots    int // of the great organization, whatever the number of records
	effort   Effort
	tree     string // the project's root
	program  string // the server
	dir      string // for files, gone at the end
	cluster  *pgtest.Cluster
	progress io.Writer
	made     map[string]*dataset
}

// recordsPerSlot is the mean, up to a million records. Fewer would leave slots without any.
const recordsPerSlot = 50

// openLab needs close, whatever it gives.
func openLab(ctx context.Context, o Options) (*lab, error) {
	l := &lab{
		records: o.Records, slots: fewSlots(o.Records, recordsPerSlot), effort: o.Effort,
		tree: o.Tree, progress: o.Progress, made: make(map[string]*dataset),
	}
	var err error
	if l.dir, err = os.MkdirTemp("", "deployrecords-bench-"); err != nil {
		return l, err
	}
	l.program = filepath.Join(l.dir, "deployrecords")
	l.say("building the program")
	if err := l.build(ctx, o.Tree, l.program); err != nil {
		return l, err
	}
	l.say("starting PostgreSQL")
	// Commits reach the disk. Memory is what PostgreSQL's manual recommends for a machine of its own, and no checkpoint
	// falls into a measurement because of the WAL's size.
	l.cluster, err = pgtest.Launch(fmt.Sprintf("shared_buffers=%dMB", min(4096, max(128, memory()>>20/4))),
		"max_wal_size=8GB", "checkpoint_timeout=30min", "autovacuum_naptime=10s")
	return l, err
}

func (l *lab) close() {
	if l.cluster != nil {
		l.cluster.Remove()
	}
	if l.dir != "" {
		_ = os.RemoveAll(l.dir)
	}
}

// say tells the progress.
func (l *lab) say(format string, args ...any) {
	fmt.Fprintf(l.progress, "%s %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}

// build makes the program of a tree as its Makefile does.
func (l *lab) build(ctx context.Context, tree, to string) error {
	_, err := output(ctx, "env", "CGO_ENABLED=0", "go", "-C", tree, "build", "-trimpath", "-ldflags=-s -w", "-o", to, "./cmd/deployrecords")
	return err
}

// output runs a program and gives what it prints. The error has what it says.
func output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, said.String(), out)
	}
	return string(out), err
}

// url names a database of the cluster, with settings ("name=value") for sessions.
func (l *lab) url(database string, settings ...string) string {
	u, err := url.Parse(l.cluster.URL())
	if err != nil {
		panic(err) // the cluster's own
	}
	u.Path = "/" + database
	if len(settings) > 0 {
		query := u.Query()
		query.Set("options", "-c "+strings.Join(settings, " -c "))
		// A plus is a plus to libpq.
		u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	}
	return u.String()
}

// exec runs SQL on a database, outside of a transaction.
func (l *lab) exec(ctx context.Context, database, sql string) error {
	conn, err := pgx.Connect(ctx, l.url(database))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

// memory is how much the machine has, in bytes; where that is not told, 4 GiB.
func memory() int {
	var kilobytes int
	if _, err := fmt.Sscanf(firstLine("/proc/meminfo", "MemTotal:"), "%d", &kilobytes); err != nil {
		return 4 << 30
	}
	return kilobytes << 10
}

// firstLine is the rest of the first line of a file that begins so, or "".
func firstLine(file, prefix string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// machine describes what this runs on.
func machine() string {
	model := strings.TrimLeft(firstLine("/proc/cpuinfo", "model name"), ": \t")
	if model == "" {
		model = runtime.GOARCH
	}
	return fmt.Sprintf("%d cores (%s), %d GiB of memory, %s", runtime.NumCPU(), model, (memory()+1<<29)>>30, runtime.GOOS)
}
