package importer_test

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/importer"
)

// liveHeap returns the number of reachable bytes.
func liveHeap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// wantBoundedHeap reads the stream, measures the heap every sampleEvery pieces, and checks the results.
func wantBoundedHeap(t *testing.T, piece string, times, sampleEvery int, rest string, wantEntries, wantViolations int) {
	t.Helper()
	const limit = 32 << 20
	before := liveHeap()
	var most uint64
	count := 0
	pieces := &repeater{piece: []byte(piece), times: times}
	pieces.every = func() {
		if count++; count%sampleEvery == 0 {
			most = max(most, liveHeap())
		}
	}
	entries, violations := 0, 0
	for _, err := range importer.Entries(io.MultiReader(pieces, strings.NewReader(rest)), clock) {
		if err != nil {
			violations++
		} else {
			entries++
		}
	}
	if entries != wantEntries || violations != wantViolations {
		t.Errorf("%d entries and %d violations, want %d and %d", entries, violations, wantEntries, wantViolations)
	}
	if most == 0 || most > before+limit {
		t.Errorf("the heap grew from %d to %d bytes, more than %d", before, most, limit)
	}
}

func TestI4_AFileOfAnyLengthIsReadInBoundedMemory(t *testing.T) {
	wantBoundedHeap(t, record()+"\n", 200_000, 20_000, "", 200_000, 0)
}

func TestI4_ALineOfAnyLengthIsReadInBoundedMemory(t *testing.T) {
	wantBoundedHeap(t, strings.Repeat("x", 1<<20), 1024, 100, "\n"+record()+"\n", 1, 1)
}

func TestI4_LinesAtTheLimitAreReadInBoundedMemory(t *testing.T) {
	for name, line := range map[string]string{
		"good":         padded(maxLine) + "\n",
		"faulty":       record("project_versions=["+strings.Repeat("{},", maxLine/3-200)+"{}]") + "\n",
		"of one text":  record(`id="`+strings.Repeat("x", maxLine-300)+`"`) + "\n",
		"deeply wrong": " " + strings.Repeat(`{"":`, maxLine/4) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			wantViolations := map[string]int{"good": 0, "faulty": 20 * 40, "of one text": 40, "deeply wrong": 40}[name]
			wantEntries := map[string]int{"good": 40}[name]
			wantBoundedHeap(t, line, 40, 10, "", wantEntries, wantViolations)
		})
	}
}

func TestAnEntryRetainsOnlyItsTexts(t *testing.T) {
	line := strings.Repeat(" ", 500_000) + record() + "\n"
	before := liveHeap()
	entries := readGood(t, strings.Repeat(line, 40))
	if grown := int64(liveHeap()) - int64(before); grown > 8<<20 {
		t.Errorf("%d entries of %d bytes each hold %d bytes", len(entries), len(line), grown)
	}
	runtime.KeepAlive(entries)
}

// Buffers are reused: the memory of an entry does not depend on the entries before it.
func TestAnEntryNeedsFewAllocations(t *testing.T) {
	file := []byte(strings.Repeat(record()+"\n", 1000))
	each := testing.AllocsPerRun(5, func() {
		for _, err := range importer.Entries(bytes.NewReader(file), clock) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}) / 1000
	if each > 30 {
		t.Errorf("%.1f allocations an entry", each)
	}
}
