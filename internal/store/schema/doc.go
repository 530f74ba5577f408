// Package schema holds the tables: GORM models, migrations, and the invariants that every writer maintains. Each name and each
// artifact has one row (names.go, projects.go, artifacts.go). current_slots has the latest record of each slot (slots.go).
// Artifacts, records and rows of current_slots carry the project set that results from the artifact's links (package links).
//
// # Lock order
//
// All writers lock in this order, and rows of one table by their keys, so that two writers never wait for each other:
//
//  1. the organization's row: imports and repairs lock it; a recorder or import inserts it if there is none,
//  2. idempotency_keys, or snapshots and then snapshot_parts (recorders only),
//  3. names: environments, logical environments, projects, project versions,
//  4. slots (recorders only),
//  5. artifacts,
//  6. project_version_artifacts, project_sets, project_set_members: ON CONFLICT waits for another writer of the same row,
//  7. records,
//  8. rows of current_slots,
//  9. the organization's compaction lock (package compaction),
//  10. organization_usage (package quotas).
//
// There are exceptions. A recorder inserts its artifacts, links and project sets after it has locked records: such a row
// blocks only another writer that inserts the same row. It locks ended records after DEPLOYED ones: the lock of their slot
// keeps other recorders from them. A recorder that fills in a name or version (W3) may raise its lock of the new artifact
// to add links to it. links.PropagateSets locks records without their slots. An import locks names and artifacts of its next batch
// while it holds records. PostgreSQL ends a deadlock by aborting one writer: recorders and repairs
// retry, and an import fails with ErrConflict.
//
// A writer of a record locks its artifact with Share before it reads the artifact's project set, or takes the set from a
// record that it has locked. A writer of a link locks the artifact with NoKeyUpdate, and then the artifact's records. So no
// record is written with a set that is changing.
package schema
