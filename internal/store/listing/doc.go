// Package listing answers listings: it lets a statement of package statements run, and completes the records by their names. A Lister
// caches the statement of each shape.
package listing
