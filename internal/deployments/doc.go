// Package deployments is the domain: what a deployment record is, what can be asked of the records, and what a
// store of them promises. It knows the standard library only; HTTP, JSON and SQL are translated at its edges.
//
// # Latest per slot
//
// A slot is an (environment, deployment name) pair, and its latest record is the one with the greatest
// (created_at, id). A question asks about one of two sets: the latest record of each slot, or the whole history.
// The set is chosen first and filtered after (rule L1): a filter never brings an older record of a slot forward.
// Asking for status SUPERSEDED among the latest is therefore "slots whose latest record was superseded", which is
// seldom what was meant, and never "the newest superseded record of each slot".
//
// # Exact totals
//
// A page comes with the number of all records that the question matches, and both are read from one snapshot of
// the data (rule L9): a total that belongs to another moment than its page is a wrong total.
//
// The numbers of rules (L1, R2, I3 ...) are those of docs/semantics.md.
package deployments
