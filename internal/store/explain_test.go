package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Buffers counts the pages of PostgreSQL's memory that a list touches: work that is the same on every machine. The
// statement runs as the server's does, prepared and with one plan for all arguments. The plan is for reading.
func (s *lister) Buffers(t testing.TB, scope deployments.Scope, q deployments.Query) (buffers int64, plan string) {
	t.Helper()
	list := listStatement(engine(s.db.Dialect), s.spacing, scope, q)
	values := make([]string, len(list.args))
	for i, v := range list.args {
		if moment, ok := v.(interface{ Format(layout string) string }); ok {
			v = moment.Format("2006-01-02 15:04:05.999999Z07:00")
		}
		values[i] = "'" + strings.ReplaceAll(fmt.Sprint(v), "'", "''") + "'"
	}
	err := s.db.WithContext(t.Context()).Connection(func(tx *gorm.DB) error {
		pool, ctx := tx.Statement.ConnPool, context.Background()
		if _, err := pool.ExecContext(ctx, "PREPARE list AS "+list.text.String()); err != nil {
			return err
		}
		defer func() { _, _ = pool.ExecContext(ctx, "DEALLOCATE list") }()
		var out []byte
		if err := pool.QueryRowContext(ctx, "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE list("+strings.Join(values, ", ")+")").Scan(&out); err != nil {
			return err
		}
		var explained []struct {
			Plan struct {
				Hit  int64 `json:"Shared Hit Blocks"`
				Read int64 `json:"Shared Read Blocks"`
			}
		}
		if err := json.Unmarshal(out, &explained); err != nil {
			return err
		}
		buffers, plan = explained[0].Plan.Hit+explained[0].Plan.Read, string(out)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return buffers, plan
}
