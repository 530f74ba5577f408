//go:build soak

package replicas_test

import (
	"context"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/pgtest"
	"github.com/deployrecords/deployrecords/internal/store/replicas"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func init() { soakRounds, soakWorkers = 10, 16 }

// Another organization's import writes WAL all the time. Standbys replay it as it arrives and go on answering.
func TestAnImportLeavesTheStandbysInUse(t *testing.T) {
	primary := pgtest.NewCluster(t)
	standby := primary.NewStandby(t)
	s := storetest.Open(t, primary.URL())
	set, err := replicas.Open(replicas.Options{PrimaryURL: primary.URL(), URL: pgtest.MultiHostURL(nil, standby)})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	imported := make(chan error, 1)
	go func() {
		_, err := s.Import(context.Background(), "other", func(yield func(deployments.ImportEntry, error) bool) {
			for n := range 200_000 {
				entry := storetest.Entry(n+1, n, "eu", "api")
				if entry.Line = n + 1; !yield(entry, nil) {
					return
				}
			}
		})
		imported <- err
	}()
	answered, total := 0, 0
	for {
		select {
		case err := <-imported:
			if err != nil {
				t.Error(err)
			}
			t.Logf("during the import, the standby answered %d of %d reads", answered, total)
			if answered < total/2 {
				t.Error("the primary answered more than half of the reads")
			}
			return
		default:
		}
		total++
		if set.Read(t.Context(), func(*gorm.DB) error { return nil }) {
			answered++
		}
		time.Sleep(5 * time.Millisecond)
	}
}
