// Package schema holds the tables: GORM models, migrations, and the invariants that every writer maintains. Each name and each
// artifact has one row (names.go, projects.go, artifacts.go). Artifacts, records and slots carry the project set that
// results from the artifact's links (project_sets.go). current_slots has the latest record of each slot (slots.go).
//
// # Lock order
//
// All writers lock in this order, and rows of one table in the order of their keys, so that two writers never wait for each
// other:
//
//  1. the organization's row (imports and repairs only),
//  2. names: environments, logical environments, projects, project versions,
//  3. slots (recorders only),
//  4. artifacts,
//  5. records,
//  6. rows of current_slots,
//  7. the organization's counters (package counts).
//
// There are two exceptions. A writer creates its artifacts after it has locked records: such a row blocks only another
// writer that creates the same artifact. An import locks names and artifacts of its next batch while it holds the records
// of the batches before: PostgreSQL ends a deadlock by aborting one of the two, and a recorder then retries.
//
// A writer of a record locks its artifact with Share before it reads the artifact's project set; a writer of a link locks
// the artifact with NoKeyUpdate. So no record is written with a set that is changing.
package schema
