package session

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/pgtest"
)

// PostgreSQL ends the wait for a synchronous standby with a warning when the COMMIT is cancelled. The transaction is committed here,
// and a failover loses it.
func TestACommitThatNoStandbyHasConfirmedIsAnError(t *testing.T) {
	t.Parallel()
	cluster := pgtest.NewCluster(t)
	pgtest.Exec(t, cluster.URL(), "CREATE TABLE slots (n int)")
	pgtest.Exec(t, cluster.URL(), "ALTER SYSTEM SET synchronous_standby_names = 'none_is_connected'")
	pgtest.Exec(t, cluster.URL(), "SELECT pg_reload_conf()")
	db := openTest(t, cluster.URL(), 1, Timeouts{})
	for confirmed := true; confirmed; { // until the session has the setting
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		tx, err := db.BeginTx(ctx, nil)
		if err == nil {
			_, err = tx.ExecContext(ctx, "INSERT INTO slots VALUES (1)")
		}
		if err != nil {
			t.Fatal(err)
		}
		var standbys string
		if err := tx.QueryRowContext(ctx, "SHOW synchronous_standby_names").Scan(&standbys); err != nil {
			t.Fatal(err)
		}
		confirmed = standbys == ""
		if err := tx.Commit(); !confirmed && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the commit returned %v", err)
		}
	}
}
