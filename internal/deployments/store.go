package deployments

import (
	"context"
	"iter"
)

// Store keeps the records. storetest.Run is the suite that every implementation passes.
//
// Every method returns ErrUnavailable if the database cannot be reached or is shutting down, and the context's error if
// the context ended first. Record and RecordIdempotent return ErrReadOnly if the store is read-only. Any other undocumented error is a defect of the program or of the database, and must not
// reach a client.
type Store interface {
	// List returns a page of the records that match the query, newest first (L6), and their total. Both come from one
	// snapshot of the data (L9). A page past the end has no records and the same total. Records is never nil. An unknown
	// organization has no records.
	List(ctx context.Context, scope Scope, query Query) (Result, error)

	// Overview groups the records that the query selects, from one snapshot of the data. The query's page is one of deployment
	// names. An unknown organization has no columns and no groups.
	Overview(ctx context.Context, scope Scope, query Query, columns Columns) (Overview, error)

	// Search finds names and digests that begin with a text, which is not empty. It finds what a record in the scope has, also
	// if that record is not the latest of its slot. Case matters.
	Search(ctx context.Context, scope Scope, prefix string) (Matches, error)

	// Record records a batch in one transaction by the rules W1 to W9. Concurrent recordings of a slot wait for each
	// other (W5), and Record retries conflicts: it returns ErrConflict only after the last attempt. It returns a
	// *BatchError if an item is rejected and the batch is not partial, or if the batch contradicts other parts of its
	// snapshot (W8). A part of a snapshot that is recorded again has the same result. Parts are kept for 24 hours. It returns a
	// *QuotaError if the batch would exceed a quota of the organization (W9). In a partial batch, only the items that would
	// are rejected.
	Record(ctx context.Context, organization string, batch Batch) (BatchResult, error)

	// RecordIdempotent records a batch of one valid recording under a key. For 24 hours after a success, the same key and request
	// record nothing and return the same record in its current state. A request under a key that is in progress waits.
	// RecordIdempotent returns ErrKeyReused if the key came with another request, and a *BatchError if the recording is
	// rejected or a *QuotaError if it or the key exceeds a quota, which leave the key unused.
	RecordIdempotent(ctx context.Context, organization string, key IdempotencyKey, batch Batch) (Record, error)

	// Import loads entries into the organization in one transaction and creates the organization if necessary. It
	// returns an *ImportError if an entry is invalid, and the error of entries if there is one; in both cases it imports
	// nothing (I4). Import reads entries once, in order, and does not keep them in memory.
	Import(ctx context.Context, organization string, entries iter.Seq2[ImportEntry, error]) (ImportSummary, error)
}

// IdempotencyKey identifies a request within an organization.
type IdempotencyKey struct {
	// Subject is the subject of the client's token; each subject has its own keys.
	Subject string
	// Key is the client's key, 1 to 128 characters.
	Key string
	// Request is a digest of the request.
	Request [32]byte
}

// ImportEntry is a record to load unchanged (I2). An empty EnvironmentID or LogicalEnvironmentID is looked up by name,
// an empty ArtifactID by the four parts of the artifact; what is not found is created.
type ImportEntry struct {
	// Line is the entry's line number in its file, counted from 1.
	Line            int
	Record          Record
	ProjectVersions []ProjectVersion
}

// ImportSummary counts the entries of an import.
type ImportSummary struct {
	// Added counts entries with a new id, Changed those that replaced a stored record with an earlier updated_at,
	// Unchanged those that left the stored record as it was.
	Added, Changed, Unchanged int
}
