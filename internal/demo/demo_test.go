package demo_test

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"os"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/demo"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/importer"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

var update = flag.Bool("update", false, "write testdata/demo.ndjson anew")

const demoFile = "../../testdata/demo.ndjson"

// theDemo has the options of testdata/demo.ndjson.
var theDemo = demo.Options{Records: 400, Seed: 116, End: time.Date(2026, 11, 20, 17, 0, 0, 0, time.UTC)}

func generate(t testing.TB, o demo.Options) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := demo.Generate(&out, o); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// stopped returns a clock that stands at a time.
func stopped(now time.Time) func() time.Time { return func() time.Time { return now } }

// entries reads a file as an import at its end does, so that no time may lie ahead.
func entries(t testing.TB, file []byte, end time.Time) []deployments.ImportEntry {
	t.Helper()
	var all []deployments.ImportEntry
	for entry, err := range importer.Entries(bytes.NewReader(file), stopped(end)) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entry)
	}
	return all
}

func TestTheDemoFileIsCurrent(t *testing.T) {
	file := generate(t, theDemo)
	if *update {
		if err := os.WriteFile(demoFile, file, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(demoFile)
	if err != nil || !bytes.Equal(kept, file) {
		t.Errorf("%s is not what is generated (%v); go test ./internal/demo -update writes it", demoFile, err)
	}
}

func TestTheSameSeedGeneratesTheSameBytes(t *testing.T) {
	o := demo.Options{Records: 6000, Seed: 7, End: theDemo.End}
	first := generate(t, o)
	if !bytes.Equal(first, generate(t, o)) {
		t.Error("two histories of one seed differ")
	}
	o.Seed++
	if bytes.Equal(first, generate(t, o)) {
		t.Error("two seeds give one history")
	}
	o.End = o.End.In(time.FixedZone("", 3600))
	if !bytes.Equal(generate(t, o), generate(t, demo.Options{Records: 6000, Seed: 8, End: theDemo.End})) {
		t.Error("the zone of the end changes the history")
	}
}

// theDemoRecords are the records of testdata/demo.ndjson.
func theDemoRecords(t *testing.T) []deployments.ImportEntry {
	t.Helper()
	file, err := os.ReadFile(demoFile)
	if err != nil {
		t.Fatal(err)
	}
	return entries(t, file, theDemo.End)
}

func TestTheDemoHasEveryKindOfRecord(t *testing.T) {
	all := theDemoRecords(t)
	found := make(map[string]int)
	environments, logical, services, charts, projects := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	kinds := make(map[deployments.Slot]map[deployments.Kind]bool)
	running := make(map[string]int)
	for _, e := range all {
		r := e.Record
		environments[r.EnvironmentName] = true
		logical[r.LogicalEnvironmentName] = true
		if r.Artifact.Kind == deployments.HelmChart {
			charts[r.DeploymentName] = true
		} else {
			services[r.DeploymentName] = true
		}
		if kinds[r.Slot()] == nil {
			kinds[r.Slot()] = map[deployments.Kind]bool{}
		}
		kinds[r.Slot()][r.Artifact.Kind] = true
		found[r.Status.String()]++
		if r.Status == deployments.Deployed {
			running[r.Artifact.Digest]++
		}
		if r.LogicalEnvironmentName == "" {
			found["no logical environment"]++
		}
		if r.LastSeenAt.After(r.CreatedAt) {
			found["lastSeen again"]++
		}
		versions := make(map[string]int)
		for _, pv := range e.ProjectVersions {
			projects[pv.ProjectName] = true
			versions[pv.ProjectName]++
		}
		switch {
		case len(versions) == 0:
			found["no project"]++
		case len(versions) == 2:
			found["two projects"]++
		}
		for _, n := range versions {
			if n == 2 {
				found["two versions of a project"]++
			}
		}
	}
	for _, of := range kinds {
		if len(of) == 2 {
			found["slot with an image and a chart"]++
		}
	}
	for _, n := range running {
		if n > 1 {
			found["artifact that runs in several targets"]++
		}
	}
	for _, records := range byIdentity(all) {
		if records[len(records)-1].Status == deployments.Decommissioned {
			found["gone at the end"]++
		}
		before := make(map[string]bool)
		for i, r := range records {
			if i > 0 && records[i-1].Status == deployments.Superseded && before[r.Artifact.Digest] {
				found["rollback"]++
			}
			if i > 0 && records[i-1].Status == deployments.Decommissioned {
				found["back after decommissioning"]++
			}
			before[r.Artifact.Digest] = true
		}
	}
	t.Logf("%d records: %v", len(all), found)
	for _, what := range []string{
		"DEPLOYED", "SUPERSEDED", "DECOMMISSIONED", "no logical environment", "lastSeen again", "no project", "two projects", "two versions of a project",
		"slot with an image and a chart", "artifact that runs in several targets", "gone at the end", "rollback", "back after decommissioning",
	} {
		if found[what] == 0 {
			t.Errorf("%s: none", what)
		}
	}
	for what, c := range map[string]struct{ got, least, most int }{
		"environments": {len(environments), 6, 8}, "logical environments, and none": {len(logical), 4, 4},
		"services": {len(services), 11, 13}, "charts": {len(charts), 3, 4}, "projects": {len(projects), 3, 3},
		"rollbacks": {found["rollback"], 5, 40},
	} {
		if c.got < c.least || c.got > c.most {
			t.Errorf("%s: %d", what, c.got)
		}
	}
	newest := slices.MaxFunc(all, func(a, b deployments.ImportEntry) int { return a.Record.CreatedAt.Compare(b.Record.CreatedAt) }).Record.CreatedAt
	if newest.Format(time.DateOnly) != "2026-11-20" {
		t.Errorf("it ends %v", newest)
	}
}

func TestTheDemoCanBeImported(t *testing.T) {
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		all := theDemoRecords(t)
		for _, want := range []deployments.ImportSummary{{Added: 400}, {Unchanged: 400}} {
			file, err := os.Open(demoFile)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			got, err := s.Import(t.Context(), "acme", importer.Entries(file, stopped(theDemo.End)))
			if err != nil || got != want {
				t.Fatalf("got %+v, %v, want %+v", got, err, want)
			}
		}
		acme := deployments.Scope{Organization: "acme"}
		slices.SortFunc(all, func(a, b deployments.ImportEntry) int {
			return cmp.Or(b.Record.CreatedAt.Compare(a.Record.CreatedAt), cmp.Compare(b.Record.ID, a.Record.ID))
		})
		for page := range int32(4) {
			got := storetest.Ask(t, s, acme, deployments.Query{History: deployments.All, Page: deployments.Page{Number: page, Size: 100}})
			for i, r := range got.Records {
				if want := all[int(page)*100+i].Record; r != want {
					t.Errorf("record %d of page %d: got %+v, want %+v", i, page, r, want)
				}
			}
		}
	})
}

func TestALongHistoryCanBeImported(t *testing.T) {
	file := generate(t, demo.Options{Records: 4_000, Seed: 5, End: theDemo.End})
	storetest.OnEachEngine(t, func(t *testing.T, s deployments.Store) {
		got, err := s.Import(t.Context(), "acme", importer.Entries(bytes.NewReader(file), stopped(theDemo.End)))
		if err != nil || got.Added != 4_000 {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// heapWatch is a writer that samples the heap.
type heapWatch struct{ writes, most uint64 }

func (w *heapWatch) Write(p []byte) (int, error) {
	if w.writes++; w.writes%200 == 0 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		w.most = max(w.most, stats.HeapAlloc)
	}
	return len(p), nil
}

func TestMemoryDependsOnSlotsNotRecords(t *testing.T) {
	var watch heapWatch
	if err := demo.Generate(&watch, demo.Options{Records: 200_000, Seed: 6, End: theDemo.End}); err != nil {
		t.Fatal(err)
	}
	if watch.most == 0 || watch.most > 32<<20 {
		t.Errorf("held %d bytes", watch.most)
	}
}

type brokenWriter struct{}

var errBroken = errors.New("the disk is full")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestGenerateReturnsWriteErrorsAndRejectsInvalidOptions(t *testing.T) {
	for _, records := range []int{10, 1_000_000_000} {
		if err := demo.Generate(brokenWriter{}, demo.Options{Records: records, End: theDemo.End}); !errors.Is(err, errBroken) {
			t.Errorf("%d records: got %v", records, err)
		}
	}
	for _, o := range []demo.Options{
		{Records: -1, End: theDemo.End},
		{Records: 1_000_000_001, End: theDemo.End},
		{Records: 1},
		{Records: 1, Slots: -1, End: theDemo.End},
		{Records: 1, Slots: 20_001, End: theDemo.End},
	} {
		if err := demo.Generate(brokenWriter{}, o); err == nil || errors.Is(err, errBroken) {
			t.Errorf("%+v: got %v", o, err)
		}
	}
}
