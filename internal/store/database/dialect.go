package database

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Dialect is the kind of a database.
type Dialect uint8

// The supported databases.
const (
	PostgreSQL Dialect = iota
	SQLite
)

// DialectOf returns the dialect that a GORM session speaks.
func DialectOf(db *gorm.DB) Dialect {
	if db.Name() == "sqlite" {
		return SQLite
	}
	return PostgreSQL
}

// Value converts a Timestamp to what the driver binds, and returns other values unchanged.
func (d Dialect) Value(v any) any {
	t, ok := v.(Timestamp)
	switch {
	case !ok:
		return v
	case d == SQLite:
		return t.UnixMicro()
	default:
		return t.Time
	}
}

// The row locks of PostgreSQL that statements here take.
const (
	// Share blocks changes of the rows and lets other transactions share them.
	Share = "SHARE"
	// NoKeyUpdate blocks changes and Share of the rows. Foreign keys to them do not conflict with it.
	NoKeyUpdate = "NO KEY UPDATE"
	// Update blocks changes, every other lock and foreign keys.
	Update = "UPDATE"
)

// Lock returns the clause that ends a SELECT and locks the rows of the alias until the transaction ends. It is empty for an
// empty strength, and for SQLite, where a transaction that writes is alone.
func (d Dialect) Lock(strength, alias string) string {
	if d == SQLite || strength == "" {
		return ""
	}
	return " FOR " + strength + " OF " + alias
}

// JSONSet is a set of values as one parameter, for statements with one text whatever the number of values. In a statement
// it stands for a subquery: column IN (?) (see SearchSets), or FROM ? AS alias.
type JSONSet struct {
	values any
	// postgres and sqlite are the subquery of each dialect, over one JSON parameter.
	postgres, sqlite string
}

// NewJSONSet returns a set of values, whose JSON form is an array, that the subquery of each dialect reads.
func NewJSONSet(values any, postgres, sqlite string) JSONSet {
	return JSONSet{values, postgres, sqlite}
}

// Texts is a set of texts, for column IN (?).
func Texts(values []string) JSONSet {
	return JSONSet{distinct(values), "SELECT value FROM jsonb_array_elements_text(CAST(? AS jsonb)) AS value", sqliteValues}
}

// IDs is a set of UUIDs, for column IN (?).
func IDs(values []string) JSONSet {
	return JSONSet{distinct(values), "SELECT CAST(value AS uuid) FROM jsonb_array_elements_text(CAST(? AS jsonb)) AS value", sqliteValues}
}

// distinct returns each value once, sorted.
func distinct(values []string) []string {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

const sqliteValues = "SELECT value FROM json_each(?)"

// GormValue implements gorm.Valuer.
func (s JSONSet) GormValue(_ context.Context, db *gorm.DB) clause.Expr {
	text, err := json.Marshal(s.values)
	if err != nil {
		panic(err) // numbers and strings always have a JSON form
	}
	sql := s.postgres
	if DialectOf(db) == SQLite {
		sql = s.sqlite
	}
	return clause.Expr{SQL: sql, Vars: []any{string(text)}}
}

// Timestamp is a time as the databases store it: timestamptz in PostgreSQL, microseconds since 1970 in SQLite (whose text
// times would keep the writer's zone and sort by it). It is read in UTC.
type Timestamp struct{ time.Time }

// GormDataType makes GORM see a column, not an embedded struct.
func (Timestamp) GormDataType() string { return "time" }

// GormValue implements gorm.Valuer.
func (t Timestamp) GormValue(_ context.Context, db *gorm.DB) clause.Expr {
	return clause.Expr{SQL: "?", Vars: []any{DialectOf(db).Value(t)}}
}

// Scan implements sql.Scanner. NULL is the zero time.
func (t *Timestamp) Scan(value any) error {
	switch v := value.(type) {
	case time.Time:
		t.Time = v.UTC()
	case int64:
		t.Time = time.UnixMicro(v).UTC()
	case nil:
		t.Time = time.Time{}
	default:
		return fmt.Errorf("a time is stored as %T", value)
	}
	return nil
}

// ScanTimestamptz implements pgtype.TimestamptzScanner for session.Read.
func (t *Timestamp) ScanTimestamptz(v pgtype.Timestamptz) error {
	if v.InfinityModifier != pgtype.Finite {
		return fmt.Errorf("a time is %s", v.InfinityModifier)
	}
	t.Time = v.Time.UTC()
	return nil
}
