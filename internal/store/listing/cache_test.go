package listing

import (
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/statements"
)

func TestStatementCacheIsBounded(t *testing.T) {
	db, err := database.Open(database.Options{URL: "postgres://localhost/none"})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	lister := New(db, Options{})
	for size := range int32(maxStatements + 10) {
		query := deployments.Query{Page: deployments.Page{Size: 1 + size}}
		if _, err := lister.statement(statements.NewShape(db.Dialect, 1, deployments.Scope{}, &query)); err != nil {
			t.Fatal(err)
		}
	}
	if n := lister.statements.Len(); n != maxStatements {
		t.Errorf("%d statements, want %d", n, maxStatements)
	}
}
