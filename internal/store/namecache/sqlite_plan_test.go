package namecache_test

import (
	"path/filepath"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/namecache"
	"github.com/deployrecords/deployrecords/internal/store/schema"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// SQLite has no statistics of a table that was never analyzed, as one is that only recordings fill.
func TestSQLiteReadsNamesByTheirIDsWithoutStatistics(t *testing.T) {
	db := storetest.OpenDatabase(t, "sqlite://"+filepath.Join(t.TempDir(), "records.db"))
	names := namecache.RowsByID(db.WithContext(t.Context()).Session(&gorm.Session{DryRun: true}), "artifacts", "acme", nil).Find(&[]schema.Artifact{}).Statement
	plan := strings.Join(storetest.SQLitePlan(t, db.Pool, names.SQL.String(), names.Vars), "\n")
	if !strings.Contains(plan, "SEARCH artifacts USING INDEX sqlite_autoindex_artifacts_1 (id=?)") {
		t.Errorf("artifacts are not read by their ids:\n%s", plan)
	}
}
