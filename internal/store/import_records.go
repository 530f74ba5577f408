package store

import (
	"maps"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// records takes the records that are new and replaces those that the file knows better (I3).
func (m *importing) records() error {
	now := maps.Clone(m.stored)
	changed := make(map[string]bool)
	var order []string // of the ids to write
	for item := range m.sound() {
		row := rowOf(m.organizationID, item.Record)
		row.ProjectSetID = m.sets[row.ArtifactID]
		old, known := now[row.ID]
		switch {
		case !known:
			m.summary.Added++
			order = append(order, row.ID)
		case old.OrganizationID != m.organizationID:
			m.refuse(item, "id", "%s is a record of another organization", row.ID)
			continue
		case !row.UpdatedAt.After(old.UpdatedAt.Time):
			m.summary.Unchanged++
			continue
		default:
			m.summary.Changed++
			if _, stored := m.stored[row.ID]; stored && !changed[row.ID] {
				changed[row.ID] = true
				order = append(order, row.ID)
			}
		}
		now[row.ID] = row
	}

	var replaced []recordRow
	for _, id := range order {
		row := now[id]
		if _, unwritten := m.unwritten[id]; changed[id] && !unwritten {
			replaced = append(replaced, row)
		} else {
			m.unwritten[id] = &row
		}
	}
	// The conditions hold by what was just read, except for what a recording may have done since.
	replace := m.tx.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "id"}},
		UpdateAll: true,
		Where: clause.Where{Exprs: []clause.Expression{clause.Expr{
			SQL: "deployment_records.organization_id = excluded.organization_id AND deployment_records.updated_at < excluded.updated_at",
		}}},
	})
	if err := createAll(replace, replaced); err != nil {
		return err
	}
	if err := m.noteSlots(replaced); err != nil {
		return err
	}
	if limit := m.limits.unwritten; len(m.unwritten) >= limit {
		return m.writeOldest(limit / 4 * 3)
	}
	return nil
}

func rowOf(organizationID int64, r deployments.Record) recordRow {
	row := recordRow{
		ID:             r.ID,
		OrganizationID: organizationID,
		EnvironmentID:  r.EnvironmentID,
		DeploymentName: r.DeploymentName,
		ArtifactID:     r.ArtifactID,
		Kind:           r.Artifact.Kind,
		Status:         r.Status,
		CreatedAt:      timestamp{r.CreatedAt},
		UpdatedAt:      timestamp{r.UpdatedAt},
		LastSeenAt:     timestamp{r.LastSeenAt},
	}
	if id := r.LogicalEnvironmentID; id != "" {
		row.LogicalEnvironmentID = &id // not a part of the record, all of which it would keep in memory
	}
	return row
}

// insertRecords adds records that are not stored. PostgreSQL takes them by COPY, which goes around the parameters,
// the parser and the planner that an INSERT has.
func (m *importing) insertRecords(rows []recordRow) error {
	if m.engine == sqLite || len(rows) == 0 {
		return createAll(m.tx, rows)
	}
	return m.conn.Raw(func(driver any) error {
		_, err := driver.(*stdlib.Conn).Conn().CopyFrom(m.tx.Statement.Context, pgx.Identifier{"deployment_records"}, copiedColumns,
			pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) { return copiedValues(rows[i]) }))
		return err
	})
}

var copiedColumns = []string{
	"id", "organization_id", "environment_id", "logical_environment_id", "deployment_name", "artifact_id", "kind", "status",
	"project_set_id", "created_at", "updated_at", "last_seen_at",
}

// copiedValues are a row's values in the order of copiedColumns, of the types that pgx writes without a detour.
func copiedValues(r recordRow) ([]any, error) {
	var ids [4]pgtype.UUID
	for i, text := range []*string{&r.ID, &r.EnvironmentID, r.LogicalEnvironmentID, &r.ArtifactID} {
		if text == nil {
			continue // NULL
		}
		id, err := uuid.Parse(*text)
		if err != nil {
			return nil, err
		}
		ids[i] = pgtype.UUID{Bytes: id, Valid: true}
	}
	return []any{
		ids[0], r.OrganizationID, ids[1], ids[2], r.DeploymentName, ids[3], int16(r.Kind), int16(r.Status),
		r.ProjectSetID, r.CreatedAt.Time, r.UpdatedAt.Time, r.LastSeenAt.Time,
	}, nil
}

// insertPortion is how many rows an INSERT has at most: databases bound the number of a statement's parameters.
const insertPortion = 1024

// createAll inserts the rows in portions whose sizes are powers of two: statements are kept prepared by their text,
// and a text for every possible number of rows would fill the server's memory with them.
func createAll[Row any](tx *gorm.DB, rows []Row) error {
	_, err := createCounted(tx, rows)
	return err
}

// createMissing is createAll for rows that were not there when it was looked. It is false if another writer has made
// some of them since.
func createMissing[Row any](tx *gorm.DB, rows []Row) (all bool, err error) {
	made, err := createCounted(tx.Clauses(clause.OnConflict{DoNothing: true}), rows)
	return made == len(rows), err
}

func createCounted[Row any](tx *gorm.DB, rows []Row) (made int, err error) {
	for size := insertPortion; len(rows) > 0; {
		if len(rows) < size {
			size /= 2
			continue
		}
		portion := rows[:size]
		result := tx.Session(&gorm.Session{}).Create(&portion)
		if result.Error != nil {
			return made, result.Error
		}
		made += int(result.RowsAffected)
		rows = rows[size:]
	}
	return made, nil
}
