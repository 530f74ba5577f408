//go:build soak

package snapshots_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// A snapshot in parts may name far more identities than a batch, and a statement of the server ends after 30 s.
func TestW8_ASnapshotOf120000Identities(t *testing.T) {
	const parts, named, omitted = 24, 120_000, 5_000
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		s := store.New(storetest.OpenDatabase(t, url), store.Parts{})
		running := make([]deployments.ImportEntry, named+omitted)
		for i := range running {
			running[i] = storetest.Entry(i, 0, "eu", fmt.Sprint("shop/x", i), storetest.WithDigest(i))
		}
		storetest.Load(t, s, "acme", running...)
		p := storetest.Parts{ID: "s", At: time.Now()}
		for number := 1; number <= parts; number++ {
			var items []deployments.Recording
			for i := range named / parts {
				n := (number-1)*named/parts + i
				item := imageOf(fmt.Sprint("shop/x", n))
				item.Digest = storetest.Digest(n)
				items = append(items, item)
			}
			started := time.Now()
			mustRecord(t, s, p.Part(number, 0, items...))
			t.Logf("part %d took %v", number, time.Since(started))
		}
		started := time.Now()
		result := mustRecord(t, s, p.Part(parts+1, parts+1))
		took := time.Since(started)
		t.Logf("the final part took %v", took)
		if result.Decommissioned != omitted || took > 30*time.Second {
			t.Errorf("got %+v in %v", result, took)
		}
		if got := storetest.Ask(t, s, storetest.Acme, deployments.Query{Status: deployments.Deployed}).Total; got != named {
			t.Errorf("%d records are deployed", got)
		}
	})
}
