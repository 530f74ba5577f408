// Package listing answers listings: a page of records in list order (L6) and the exact total, from one snapshot (L9).
//
// # From a query to a statement
//
// The shape of a query (shape.go) is everything that determines the text of its statement: the set of records, the filters
// that are present, and the values that the planner must see. GORM renders each shape once, in a dry run, from the scopes and
// subqueries of statement.go, which has the whole statement from top to bottom. A Lister caches the text with the order of
// its parameters (compile.go); a request only binds their values. testdata/statements has the SQL of every kind of shape.
//
// A new filter is a field of shape, a condition in filters or artifactFilters (filters.go), and a parameter if it has a value to bind.
//
// # Totals
//
// If counters have the total, it is the sum of counters and pending deltas (see package counts). Listings by digest, by
// project version, or by a deployment name or project together with one more filter among the latest records or with two in the
// full history, have no counters (counts.Filters.HasCounter). Their statements count the records.
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
package listing
