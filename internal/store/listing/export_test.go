package listing

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/statements"
)

// Statement returns the text and the values of a query's statement.
func (l *Lister) Statement(t testing.TB, scope deployments.Scope, query deployments.Query) (text string, values []any) {
	t.Helper()
	compiled, err := l.statement(statements.NewShape(l.dialect, l.options.MilestoneInterval, scope, &query))
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Text, compiled.Bind(scope, &query)
}

// Buffers returns how many buffers a query's statement reads in PostgreSQL, which is the same on every machine, and its
// plan for a failing test to print. The statement runs as in a server: prepared, with one plan for all values.
func (l *Lister) Buffers(t testing.TB, scope deployments.Scope, query deployments.Query) (buffers int64, plan string) {
	t.Helper()
	text, values := l.Statement(t, scope, query)
	ctx := context.Background()
	pool, err := l.gorm.DB()
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "PREPARE list AS "+text); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = conn.ExecContext(ctx, "DEALLOCATE list") }()
	literals := make([]string, len(values))
	for i, value := range values {
		literals[i] = "'" + strings.ReplaceAll(fmt.Sprint(value), "'", "''") + "'"
	}
	var out []byte
	err = conn.QueryRowContext(ctx, "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE list("+strings.Join(literals, ", ")+")").Scan(&out)
	if err != nil {
		t.Fatal(err)
	}
	var explained []struct {
		Plan struct {
			Hit  int64 `json:"Shared Hit Blocks"`
			Read int64 `json:"Shared Read Blocks"`
		}
	}
	if err := json.Unmarshal(out, &explained); err != nil {
		t.Fatal(err)
	}
	return explained[0].Plan.Hit + explained[0].Plan.Read, string(out)
}
