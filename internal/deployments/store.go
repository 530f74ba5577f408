package deployments

import (
	"context"
	"iter"
)

// Store keeps the records. Every implementation passes the suite in internal/storetest.
//
// Errors: ErrUnavailable if the database cannot be reached or is shutting down (asking again may help); the
// context's own error if it ended first; ErrConflict if other writers were in the way of one; *ImportError from Import;
// *BatchError and ErrKeyReused from recording; anything else is a fault of the program or of
// the database and has nothing for a client in it.
type Store interface {
	// List answers a question from one snapshot of the data (L9): the total belongs to the page. Records come
	// newest first (L6). A page past the end has no records and the same total; Records is never nil. An
	// organization that does not exist has no records.
	List(ctx context.Context, scope Scope, query Query) (Result, error)

	// Record records a batch in one transaction, by the rules W1 to W6. Whoever records at the same time waits for the
	// slot (W5); what two writers run into is tried again here. A *BatchError refuses the batch: an item is at fault and
	// the batch is not partial.
	Record(ctx context.Context, organization string, batch Batch) (BatchResult, error)

	// RecordIdempotent is Record for one recording, which must be without fault, under a key: for 24 hours after a success,
	// the same key and request name the same record, as it is then, and record nothing. ErrKeyReused if the request is
	// another one. While the first is under way, the second waits. A refused recording is a *BatchError and leaves the
	// key unused.
	RecordIdempotent(ctx context.Context, organization string, key IdempotencyKey, item Recording, autoCreate bool) (Record, error)

	// Import loads entries into the organization, which is made if it does not exist, in one transaction: if an
	// entry is at fault, or the entries end in an error, nothing of them stays (I4). Entries are read once, in
	// order, and are not kept in memory.
	Import(ctx context.Context, organization string, entries iter.Seq2[ImportEntry, error]) (ImportSummary, error)
}

// IdempotencyKey tells a request from others of the same organization.
type IdempotencyKey struct {
	// Subject is whom the token was made for; each has keys of its own.
	Subject string
	// Key is the client's, 1 to 128 characters.
	Key string
	// Request is a digest of what is requested.
	Request [32]byte
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
