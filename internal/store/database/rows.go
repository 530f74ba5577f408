package database

import (
	"database/sql"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// maxInsertRows bounds the rows of one INSERT, because databases bound the number of a statement's parameters.
const maxInsertRows = 1024

// fewRows is the number of rows up to which each number has a statement of its own.
const fewRows = 8

// CreateAll inserts the rows by statements whose row counts are powers of two, or at most fewRows: prepared statements are
// cached by their text, and a text for every possible number of rows would fill the server's memory.
func CreateAll[Row any](tx *gorm.DB, rows []Row) error {
	_, err := createCounted(tx, rows)
	return err
}

// CreateMissing is CreateAll for rows that a query did not find. It returns how many it inserted: fewer than all means
// that another writer has inserted the others since.
func CreateMissing[Row any](tx *gorm.DB, rows []Row) (created int, err error) {
	return createCounted(tx.Clauses(clause.OnConflict{DoNothing: true}), rows)
}

// Upsert is CreateAll that updates the rows whose primary keys exist: the columns of updates, or all columns if updates is
// nil, where the condition holds unless it is empty.
func Upsert[Row any](tx *gorm.DB, rows []Row, updates clause.Set, condition string) error {
	conflict := clause.OnConflict{DoUpdates: updates, UpdateAll: updates == nil}
	model := &gorm.Statement{DB: tx}
	if err := model.Parse(new(Row)); err != nil {
		return err
	}
	for _, column := range model.Schema.PrimaryFieldDBNames {
		conflict.Columns = append(conflict.Columns, clause.Column{Name: column})
	}
	if condition != "" {
		conflict.Where.Exprs = []clause.Expression{clause.Expr{SQL: condition}}
	}
	return CreateAll(tx.Clauses(conflict), rows)
}

func createCounted[Row any](tx *gorm.DB, rows []Row) (created int, err error) {
	for size := maxInsertRows; len(rows) > 0; {
		if len(rows) <= fewRows {
			size = len(rows)
		}
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

// ForEachRow calls scan for each row of a query.
func ForEachRow(query *gorm.DB, scan func(*sql.Rows) error) error {
	rows, err := query.Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
