package recording_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/racetest"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// A batch copies 100,000 project versions to the artifacts that it fills, and not one more.
func TestW3_ABatchCopiesABoundedNumberOfProjectVersions(t *testing.T) {
	racetest.Skip(t)
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		db := storetest.OpenDatabase(t, url)
		s := store.New(db, store.Parts{})
		record := func(change func(batch *deployments.Batch)) (deployments.BatchResult, error) {
			batch := deployments.Batch{AutoCreate: true}
			change(&batch)
			return s.Record(t.Context(), "acme", batch)
		}
		const slots, versions = 100, 1000
		named := func(i int) (named []deployments.ProjectVersion) {
			for j := range 100 {
				named = append(named, deployments.ProjectVersion{ProjectName: "web", VersionName: fmt.Sprintf("v%d.%d", i, j)})
			}
			return named
		}
		if _, err := record(func(batch *deployments.Batch) {
			for i := range slots + 1 {
				r := recordingAt(fmt.Sprint("s", i), 1)
				if i < versions/100 {
					r.ProjectVersions = named(i)
				}
				batch.Items = append(batch.Items, deployments.BatchItem{Recording: r})
			}
		}); err != nil {
			t.Fatal(err)
		}
		// fill gives the artifact of each slot another name.
		fill := func(slots int) func(batch *deployments.Batch) {
			return func(batch *deployments.Batch) {
				for i := range slots {
					r, name := recordingAt(fmt.Sprint("s", i), 1), fmt.Sprint("n", i)
					r.Name = &name
					batch.Items = append(batch.Items, deployments.BatchItem{Recording: r})
				}
			}
		}
		for _, partial := range []bool{false, true} {
			var rejected *deployments.BatchError
			_, err := record(func(batch *deployments.Batch) {
				fill(slots + 1)(batch)
				batch.Partial = partial
			})
			if !errors.As(err, &rejected) || !strings.Contains(rejected.Violations[0].String(), "deployments: 101 artifacts") {
				t.Fatalf("got %v", err)
			}
		}
		counted := func(table string) (n int) {
			t.Helper()
			if err := db.Pool.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if artifacts, links := counted("artifacts"), counted("project_version_artifacts"); artifacts != 1 || links != versions {
			t.Errorf("a rejected batch leaves %d artifacts and %d links", artifacts, links)
		}
		if _, err := record(fill(slots)); err != nil {
			t.Error(err)
		}
		if artifacts, links := counted("artifacts"), counted("project_version_artifacts"); artifacts != 1+slots || links != versions*(1+slots) {
			t.Errorf("%d artifacts and %d links are stored", artifacts, links)
		}
	})
}
