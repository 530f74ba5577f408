package e2e_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// chaosPlan has the number of faults of each kind.
type chaosPlan struct {
	recorders, importLines                 int
	serverKills, importKills, compactKills int
	fullDisks                              int
	// Only of PostgreSQL.
	restarts, immediateStops  int
	stalls, resets, halfOpens int
}

// chaosFigures are the result of a run.
type chaosFigures struct {
	chaosPlan // the faults that happened

	duration                                            time.Duration
	acknowledged, repeated, abandoned, imported, stored int
	longestGap                                          time.Duration
}

// chaos is a run: servers that record into one database while faults happen.
type chaos struct {
	t         *testing.T
	plan      chaosPlan
	figures   chaosFigures
	recorders *recorders
	disk      *smallDisk // nil if the machine cannot mount one

	// direct is the environment of commands, through that of servers. They differ in the proxy.
	direct, through []string
	cluster         *pgtest.Cluster // nil for SQLite
	proxy           *pgtest.Proxy
	halfOpen        []func()

	mu      sync.Mutex
	servers []*process
	imports []string // the files that were imported, or whose import was killed
}

const chaosOrganization = "chaos"

// newChaos starts the database and the servers. SQLite has one server, PostgreSQL two.
func newChaos(t *testing.T, engine string, plan chaosPlan) *chaos {
	t.Helper()
	c := &chaos{t: t, plan: plan}
	directory := t.TempDir()
	if plan.fullDisks > 0 {
		if c.disk = newSmallDisk(t); c.disk != nil {
			directory = c.disk.path
		} else {
			t.Log("the machine mounts no small disk: no disk becomes full")
		}
	}
	servers := 1
	if engine == "SQLite" {
		c.direct = []string{"DATABASE_URL=sqlite://" + filepath.Join(directory, "chaos.db")}
		c.through = c.direct
	} else {
		servers = 2
		c.startCluster()
		c.proxy = pgtest.NewProxy(t, c.cluster.URL())
		c.direct = []string{"DATABASE_URL=" + c.cluster.URL()}
		c.through = []string{"DATABASE_URL=" + c.proxy.URL}
	}
	for range servers {
		c.servers = append(c.servers, serve(t, c.through, "--request-timeout", "10s"))
	}
	bearer := token(t, chaosOrganization, "--scope", "deployments:read", "--scope", "deployments:write")
	c.recorders = startRecorders(c.urls, bearer, plan.recorders)
	t.Cleanup(c.recorders.stop)
	return c
}

// startCluster starts a cluster with PostgreSQL's own settings of durability, on the small disk if there is one.
func (c *chaos) startCluster() {
	c.t.Helper()
	pgtest.RequireBinaries(c.t)
	var err error
	if c.disk != nil {
		c.cluster, err = pgtest.LaunchIn(c.disk.path, "max_wal_size=64MB", "min_wal_size=32MB")
	} else {
		c.cluster, err = pgtest.Launch()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(c.cluster.Remove)
}

func (c *chaos) urls() (urls []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.servers {
		urls = append(urls, s.url)
	}
	return urls
}

// fault is a kind of fault: it happens, and the recorders continue.
type fault struct {
	name    string
	planned int
	happen  func() // counts itself
}

// run lets the faults happen in random order, then compares what was acknowledged with what is stored.
func (c *chaos) run() chaosFigures {
	began := time.Now()
	for _, f := range c.schedule() {
		c.recorders.waitFor(c.t, 4*int64(c.plan.recorders), "the fault before a "+f.name)
		time.Sleep(rand.N(20 * time.Millisecond))
		f.happen()
	}
	c.recorders.waitFor(c.t, int64(c.plan.recorders), "the last fault")
	c.recorders.stop()
	c.figures.duration = time.Since(began)
	c.check()
	for _, closeAll := range c.halfOpen {
		closeAll()
	}
	return c.figures
}

func (c *chaos) schedule() (all []fault) {
	for _, f := range c.faults() {
		for range f.planned {
			all = append(all, f)
		}
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// check compares the acknowledgements and the imports with the history, and the totals with the records.
func (c *chaos) check() {
	t, r := c.t, c.recorders
	t.Helper()
	for _, file := range c.imports {
		mustRun(t, c.direct, "import", "--organization", chaosOrganization, file)
	}
	server := serve(t, c.direct)
	history := walk(t, server.url, r.bearer, 100, true)
	byDigest := make(map[string][]string)
	for _, record := range history {
		byDigest[record.Artifact.Digest] = append(byDigest[record.Artifact.Digest], record.Id)
	}
	lost, duplicated := 0, 0
	for _, a := range r.attempts {
		switch ids := byDigest[a.digest]; {
		case a.id == "":
			t.Errorf("%s was not acknowledged within two minutes after the last fault", a.key)
		case len(ids) == 0:
			lost++
		case len(ids) > 1 || ids[0] != a.id:
			duplicated++
			t.Errorf("%s was acknowledged as %s, and there is %v", a.key, a.id, ids)
		}
	}
	imported := 0
	for _, file := range c.imports {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		imported += bytes.Count(text, []byte("\n"))
	}
	if lost > 0 || duplicated > 0 || len(history) != len(r.attempts)+imported {
		t.Errorf("%d acknowledged recordings are lost and %d duplicated; the history has %d records of %d recorded and %d imported",
			lost, duplicated, len(history), len(r.attempts), imported)
	}
	for text, n := range r.unexpected {
		t.Errorf("%d times: %s", n, text)
	}
	if out := mustRun(t, c.direct, "verify"); !strings.Contains(out, ": consistent") {
		t.Errorf("verify: %s", out)
	}
	f := &c.figures
	f.recorders = c.plan.recorders
	f.acknowledged, f.repeated, f.abandoned = int(r.acknowledged.Load()), int(r.repeated.Load()), int(r.abandoned.Load())
	f.longestGap, f.imported, f.stored = r.longestGap, imported, len(history)
	t.Logf("%+v", *f)
}

// importFile writes records of slots that the recorders use too.
func (c *chaos) importFile(number int) string {
	c.t.Helper()
	var file bytes.Buffer
	for n := range c.plan.importLines {
		created := time.Date(2026, 1, 1, 0, 0, n, number*1000, time.UTC).Format(time.RFC3339Nano)
		fmt.Fprintf(&file, `{"id":"%08x-0000-4000-8000-%012x","environment_name":"env%d","deployment_name":"slot%d","status":"SUPERSEDED","created_at":%q,"artifact":{"kind":"CONTAINER_IMAGE","digest":%q}}`+"\n",
			number+1, n, n%3, n%5, created, storetest.Digest(900_000_000+number*1_000_000+n))
	}
	path := filepath.Join(c.t.TempDir(), "import.ndjson")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

func TestFaultsLoseAndDuplicateNoRecord(t *testing.T) {
	t.Parallel()
	for _, engine := range storetest.Engines {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			newChaos(t, engine.Name, chaosPlan{
				recorders: 4, importLines: 300, serverKills: 2, importKills: 1, compactKills: 1,
				restarts: 1, immediateStops: 1, stalls: 1, resets: 1,
			}).run()
		})
	}
}
