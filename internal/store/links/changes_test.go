package links

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
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

// Copies of links that the batch itself adds are bounded too. The links that it names are not.
func TestW3_CopiesOfAddedLinksAreBounded(t *testing.T) {
	for _, c := range []struct {
		versions, artifacts int
		want                string // the beginning of the error
	}{
		{maxCopied, 1, ""},
		{maxCopied + 1, 1, "artifact_name: "},
		{maxCopied / 100, 100, ""},
		{maxCopied / 100, 5000, "deployments: 5000 artifacts"},
	} {
		changes := NewChanges(nil)
		for id := range c.versions {
			changes.Add("source", int64(id))
		}
		for i := range c.artifacts {
			changes.Copy(fmt.Sprint(i), "source")
		}
		err := changes.checkCopied()
		var rejected *deployments.BatchError
		if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &rejected) || !strings.HasPrefix(rejected.Violations[0].String(), c.want)) {
			t.Errorf("%d versions for %d artifacts: %v", c.versions, c.artifacts, err)
		}
		if most := c.versions + maxCopied + 1; len(changes.added) > most {
			t.Errorf("%d versions for %d artifacts take %d entries, want at most %d", c.versions, c.artifacts, len(changes.added), most)
		}
	}
}
