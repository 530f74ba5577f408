package database

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// maxInsertRows bounds the rows of one INSERT: databases bound the number of a statement's parameters.
const maxInsertRows = 1024

// CreateAll inserts the rows by statements whose row counts are powers of two: prepared statements are cached by their
// text, and a text for every possible number of rows would fill the server's memory.
func CreateAll[Row any](tx *gorm.DB, rows []Row) error {
	_, err := createCounted(tx, rows)
	return err
}

// CreateMissing is CreateAll for rows that a query did not find. It reports whether it inserted all of them: false means
// that another writer has inserted some since.
func CreateMissing[Row any](tx *gorm.DB, rows []Row) (all bool, err error) {
	created, err := createCounted(tx.Clauses(clause.OnConflict{DoNothing: true}), rows)
	return created == len(rows), err
}

func createCounted[Row any](tx *gorm.DB, rows []Row) (created int, err error) {
	for size := maxInsertRows; len(rows) > 0; {
		if len(rows) < size {
			size /= 2
			continue
		}
		portion := rows[:size]
		result := tx.Session(&gorm.Session{}).Create(&portion)
		if result.Error != nil {
			return created, result.Error
		}
		created += int(result.RowsAffected)
		rows = rows[size:]
	}
	return created, nil
}

// Column returns the only column of a query's rows.
func Column[Value any](query *gorm.DB) ([]Value, error) {
	var values []Value
	err := query.Scan(&values).Error
	return values, err
}

// Copy inserts rows into a table of PostgreSQL by COPY, which bypasses the parameters, the parser and the planner of an
// INSERT.
func Copy(ctx context.Context, conn *sql.Conn, table string, columns []string, rows int, values func(row int) ([]any, error)) error {
	return conn.Raw(func(driver any) error {
		_, err := driver.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromSlice(rows, values))
		return err
	})
}
