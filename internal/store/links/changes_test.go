package links

import (
	"fmt"
	"runtime"
	"testing"
)

// Each item of a batch may add a project version to an artifact and fill another from it (W3): the versions are copied once.
func TestRepeatedCopiesTakeWorkInProportionToTheLinks(t *testing.T) {
	allocated := func(items int) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c := NewChanges(nil)
		for i := range items {
			c.Add("source", int64(i))
			c.Copy("artifact", "source")
		}
		c.Copy("another", "artifact")
		runtime.ReadMemStats(&after)
		if got := len(c.versions["another"]); got != items {
			t.Fatal(fmt.Sprint(got, " versions are copied"))
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	allocated(1)
	if few, many := allocated(500), allocated(4000); many > 16*few {
		t.Errorf("500 items allocate %d bytes, 4000 items %d", few, many)
	}
}
