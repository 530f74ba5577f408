package audit

import (
	"database/sql"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

const (
	// isAhead selects records with a time after the limit. Repair cannot lower a time below created_at.
	isAhead           = `created_at > ? OR ` + isRepairablyAhead
	isRepairablyAhead = `(updated_at > ? AND updated_at > created_at) OR (last_seen_at > ? AND last_seen_at > created_at)`

	// lowered is a column, or now instead of a value after the limit, but at least created_at.
	lowered = `CASE WHEN %[1]s <= ? THEN %[1]s WHEN created_at > ? THEN created_at ELSE ? END`
)

// verifyTimes reports the records whose times lie ahead of the clock (I1). Imports stored them before they rejected them.
func (v *verifier) verifyTimes() error {
	now, err := database.Now(v.tx)
	if err != nil {
		return err
	}
	limit := database.Timestamp{Time: now.Add(deployments.MaxAhead)}
	query := v.tx.Model(&schema.Record{}).Select("id, created_at, updated_at, last_seen_at").
		Where("organization_id = ?", v.organizationID).Where(isAhead, limit, limit, limit).Order("created_at, id")
	return database.ForEachRow(query, func(rows *sql.Rows) error {
		var id string
		var created, updated, lastSeen database.Timestamp
		if err := rows.Scan(&id, &created, &updated, &lastSeen); err != nil {
			return err
		}
		if created.After(limit.Time) {
			v.result.notice("the record %s has created_at %s, ahead of the clock, %s: repair leaves it", id, format(created.Time), format(now))
		}
		var ahead []string
		for _, column := range []struct {
			name  string
			value database.Timestamp
		}{{"updated_at", updated}, {"last_seen_at", lastSeen}} {
			if column.value.After(limit.Time) && column.value.After(created.Time) {
				ahead = append(ahead, column.name+" "+format(column.value.Time))
			}
		}
		if len(ahead) > 0 {
			v.result.Ahead++
			v.result.add("the record %s has %s, ahead of the clock, %s", id, strings.Join(ahead, " and "), format(now))
		}
		return nil
	})
}

// repairTimes lowers updated_at and last_seen_at that lie ahead of the clock to now, or to created_at if that is later, in the
// records and in the copies of the latest. No counter depends on them.
func repairTimes(tx *gorm.DB, organizationID int64) error {
	clock, err := database.Now(tx)
	if err != nil {
		return err
	}
	now, limit := database.Timestamp{Time: clock}, database.Timestamp{Time: clock.Add(deployments.MaxAhead)}
	values := make(map[string]any)
	for _, column := range []string{"updated_at", "last_seen_at"} {
		values[column] = gorm.Expr(fmt.Sprintf(lowered, column), limit, now, now)
	}
	for _, model := range []any{&schema.Record{}, &schema.CurrentSlot{}} {
		err := tx.Model(model).Where("organization_id = ?", organizationID).Where(isRepairablyAhead, limit, limit).UpdateColumns(values).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// format formats a time as the API does (R2).
func format(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
