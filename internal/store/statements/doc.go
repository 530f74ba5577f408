// Package statements builds the statements of listings: each reads a page of records in list order (L6) and the exact total, from one
// snapshot (L9).
//
// # From a query to a statement
//
// The Shape of a query (shape.go) is everything that determines the text of its statement: the set of records, the filters
// that are present, and the values that the planner must see. GORM renders each shape once, in a dry run, from the scopes and
// subqueries of statement.go, which has the whole statement from top to bottom. Those of later pages are in pages.go. A Statement has the
// text and the order of its parameters (compile.go). A request only binds their values. testdata has the SQL of every kind of shape.
//
// A new filter is a field of Shape, a condition in filters or artifactFilters (filters.go), and a parameter if it has a value to bind.
//
// # Totals
//
// If counters have the total, it is the sum of counters and pending deltas (see package counts). A full history by a digest or a project
// version is the union of the lists of its artifacts (artifacts.go): the statement reads the counters of those that are counted, and
// counts the records of the others. Listings with other filters together have no counters (counts.Filters.HasCounter), and their
// statements count the records.
//
// # Pages
//
// The first page is read from the end of an index. For any other page, the statement computes its target: the ranks from
// low (inclusive) to high (exclusive). A rank is the number of older records in the listing. The database reads from the nearest anchor, a
// position with a known rank, and skips the records between:
//
//	oldest                                                             newest
//	beginning      milestone        low  high        milestone            end
//	    |--------------|-------------|====|--------------|-----------------|
//	    0                             page                             total
//	                   |-- skip ---->|--->|                                     forward
//	                                 |<---|<--- skip ----|                      backward
//
// If an anchor lies inside the target, the page has records on both of its sides.
package statements
