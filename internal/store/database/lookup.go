package database

import "strings"

// PostgreSQL chooses indexes and kinds of joins by statistics, which are wrong after a table has grown. SearchSets and Lookup
// leave it no choice: each value or row of a set is one search of an index.

// SearchSets returns a statement or condition in which the values of each JSONSet after IN are searched by an index.
// PostgreSQL could join a table with the subquery of IN in any order; for an array, it searches an index.
func (d Dialect) SearchSets(sql string) string {
	if d == SQLite {
		return sql
	}
	return strings.ReplaceAll(sql, " IN (?)", " = ANY(ARRAY(?))")
}

// In returns the condition that a column has a value of a subquery. The values are searched by an index, as by SearchSets.
func (d Dialect) In(column, subquery string) string {
	if d == SQLite {
		return column + " IN (" + subquery + ")"
	}
	return column + " = ANY(ARRAY(" + subquery + "))"
}

// Lookup searches a table for the rows that belong to one row of a set.
type Lookup struct {
	// Table and Alias name the table; Index is the index that SQLite must use, or empty for the planner's choice.
	Table, Alias, Index string
	// Condition selects the rows.
	Condition string
	// Lock is the strength of the lock on the rows, or empty.
	Lock string
}

func (d Dialect) from(l Lookup) string {
	if d == SQLite && l.Index != "" {
		return l.Table + " AS " + l.Alias + " INDEXED BY " + l.Index
	}
	return l.Table + " AS " + l.Alias
}

// Select returns a subquery without its parentheses.
func (d Dialect) Select(columns string, l Lookup) string {
	return "SELECT " + columns + " FROM " + d.from(l) + " WHERE " + l.Condition + d.Lock(l.Lock, l.Alias)
}

// Join returns a join for FROM that searches once for each row of the tables before it, in their order. Columns are those
// that the statement uses of the table, each with the alias.
func (d Dialect) Join(columns string, l Lookup) string {
	if d == SQLite {
		return " CROSS JOIN " + d.from(l) + " ON " + l.Condition // keeps the order of the tables
	}
	subquery := d.Select(columns, l)
	if l.Lock == "" {
		subquery += " OFFSET 0" // the planner does not merge it with the statement
	}
	return " CROSS JOIN LATERAL (" + subquery + ") AS " + l.Alias
}
