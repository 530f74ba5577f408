// Package deployments is the domain: deployment records, queries for them, the rules of recording, and the Store
// interface. It imports the standard library only; the packages at its edges translate HTTP, JSON and SQL.
//
// # Latest per slot
//
// A slot is a pair of environment and deployment name. Its latest record is the one with the greatest (created_at, id).
// A query reads one of two sets: the latest record of each slot, or the full history. Filters apply to that set (rule
// L1), so a filter never brings an older record of a slot forward. Querying the latest records with status SUPERSEDED
// returns the slots whose latest record is superseded, not the newest superseded record of each slot.
//
// # Exact totals
//
// A page comes with the number of all records that match. Both are read from one snapshot of the data (rule L9): a
// total of another moment than its page is a wrong total.
//
// Rule numbers (L1, R2, I3 ...) refer to docs/semantics.md.
package deployments
