package deployments

import (
	"context"
	"iter"
)

// Store keeps the records. Every implementation passes the suite in internal/storetest.
//
// Errors: ErrUnavailable if the database cannot be reached or is shutting down (asking again may help); the
// context's own error if it ended first; *ImportError from Import; anything else is a fault of the program or of
// the database and has nothing for a client in it.
type Store interface {
	// List answers a question from one snapshot of the data (L9): the total belongs to the page. Records come
	// newest first (L6). A page past the end has no records and the same total; Records is never nil. An
	// organization that does not exist has no records.
	List(ctx context.Context, scope Scope, query Query) (Result, error)

	// Import loads entries into the organization, which is made if it does not exist, in one transaction: if an
	// entry is at fault, or the entries end in an error, nothing of them stays (I4). Entries are read once, in
	// order, and are not kept in memory.
	Import(ctx context.Context, organization string, entries iter.Seq2[ImportEntry, error]) (ImportSummary, error)
}

// ImportEntry is a record to load as it stands (I2). Of EnvironmentID, LogicalEnvironmentID and ArtifactID, an
// empty one is found by name (the artifact's by its four parts), or made.
type ImportEntry struct {
	// Line is where the entry stands in its file, counted from 1.
	Line            int
	Record          Record
	ProjectVersions []ProjectVersion
}

// ImportSummary tells what an import did, in numbers of entries.
type ImportSummary struct {
	// Added entries were unknown by id, Changed ones had a later updated_at than what was stored, Unchanged ones
	// left the stored record as it was.
	Added, Changed, Unchanged int
}
