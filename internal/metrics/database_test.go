package metrics

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestAQueryThatDoesNotEndKeepsOthersFromStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var begun atomic.Int64
		end := make(chan struct{})
		c := newDatabaseCollector(func(context.Context) (int64, error) {
			begun.Add(1)
			<-end
			return 7, nil
		})
		for range 3 {
			start := time.Now()
			if _, ok := c.query(); ok || time.Since(start) != databaseTimeout {
				t.Errorf("ok is %v after %v", ok, time.Since(start))
			}
		}
		if n := begun.Load(); n != 1 {
			t.Errorf("%d queries began", n)
		}
		close(end)
		synctest.Wait()
		if n, ok := c.query(); !ok || n != 7 {
			t.Errorf("got %d, %v", n, ok)
		}
	})
}
