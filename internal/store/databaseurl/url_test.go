package databaseurl_test

import (
	"testing"

	"github.com/deployrecords/deployrecords/internal/store/databaseurl"
)

func TestIsLocal(t *testing.T) {
	t.Setenv("PGHOST", "db.internal") // for URLs that have no host
	for url, want := range map[string]bool{
		"sqlite:///var/lib/records.db":                                     true,
		"postgres://u:p@localhost/records":                                 true,
		"postgres://u:p@127.0.0.1:5432/records":                            true,
		"postgres://u:p@[::1]/records":                                     true,
		"postgres:///records?host=/var/run/postgresql&port=5433":           true,
		"postgres://u:p@db.internal/records":                               false,
		"postgres://u:p@10.0.0.7/records":                                  false,
		"postgres:///records":                                              false,
		"postgres://u:p@db-1.internal,127.0.0.1/records":                   false,
		"postgres://u:p@localhost,db-2.internal/records":                   false, // whichever may be written to
		"postgres://u:p@localhost,127.0.0.1/records":                       true,
		"postgres://u:p@localhost.example.com/records?sslmode=verify-full": false,
	} {
		if got := databaseurl.IsLocal(url); got != want {
			t.Errorf("%s: got %v, want %v", url, got, want)
		}
	}
}
