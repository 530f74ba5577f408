package store

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"gorm.io/gorm"
)

// statement collects SQL and its values, in the words of its engine. A list is asked for too often to have GORM look
// for question marks in some thousand characters each time: a fifth of the memory of an answer went into that.
type statement struct {
	engine engine
	text   strings.Builder
	args   []any
	// columns are those of a record that a page has from the start; others are looked up by id.
	columns string
	bySet   bool // records are asked for by the project sets that "sets" names
}

func newStatement(engine engine) *statement {
	w := &statement{engine: engine, args: make([]any, 0, 16)}
	w.text.Grow(2048) // what a first page has
	return w
}

// write adds SQL in which each question mark stands for one of the values.
func (w *statement) write(sql string, args ...any) {
	for _, arg := range args {
		before, after, _ := strings.Cut(sql, "?")
		w.args = append(w.args, w.engine.value(arg))
		w.text.WriteString(before)
		if w.engine == sqLite {
			w.text.WriteByte('?')
		} else {
			w.text.WriteByte('$')
			w.text.WriteString(strconv.Itoa(len(w.args)))
		}
		sql = after
	}
	w.text.WriteString(sql)
}

// run asks, on the connections that db has: prepared, as db prepares.
func (w *statement) run(ctx context.Context, db *gorm.DB) (*sql.Rows, error) {
	return db.Statement.ConnPool.QueryContext(ctx, w.text.String(), w.args...)
}

// text is a value that is compared with a column of text. To SQLite a bare parameter is a value that it may plan by, once
// a table was analyzed, and it reads and plans the whole statement anew for each one that is bound.
const text = "CAST(? AS text)"
