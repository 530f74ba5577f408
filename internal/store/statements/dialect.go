package statements

import (
	"fmt"
	"strings"
	"time"

	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

// portable replaces functions that have other names in SQLite.
func (s Shape) portable(sql string) string {
	if s.dialect == database.SQLite {
		return strings.NewReplacer("greatest(", "max(", "least(", "min(").Replace(sql)
	}
	return sql
}

// position writes a position as the constant columns created_at and id.
func (s Shape) position(p counts.Position) string {
	if s.dialect == database.SQLite {
		return fmt.Sprintf("%d AS created_at, '%s' AS id", p.CreatedAt.UnixMicro(), p.RecordID)
	}
	return fmt.Sprintf("CAST('%s' AS timestamptz) AS created_at, CAST('%s' AS uuid) AS id", p.CreatedAt.Format(time.RFC3339Nano), p.RecordID)
}
