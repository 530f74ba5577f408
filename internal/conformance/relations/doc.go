// Package relations checks a server by metamorphic relations: properties that connect the answers to several requests and
// hold for any data, such as "a filter returns a subset of the unfiltered list". No expected data is needed. The package
// also has probes, single requests whose status the document or docs/semantics.md determines. Values for filters come from
// earlier answers.
//
// # Concurrent writers
//
// A record may be added between two requests of a relation. Therefore a relation that fails is not a fault at once:
// requireStable sends the same requests again, in the same order. If every answer is as before, all of them held at one
// moment: between the last request of the first round and the first request of the second. This holds as long as data
// only moves forward; an import that moves records back can break it. Only a relation that is broken in such a snapshot is a fault.
//
//	round 1:  GET latest -> A    GET history -> B
//	                                            * moment at which A and B both hold
//	round 2:  GET latest -> A    GET history -> B
//
// If an answer differs, the second round replaces the first, and so on. If no two consecutive rounds agree, the rule is
// unsettled. A check of a single answer needs no second round.
//
// # Errors
//
// As in bufio.Writer, the first error of a phase (no requests left, server gone, interrupted) sticks to the Suite. After it,
// get returns empty answers and record ignores checks, and the phase ends without effect. So a relation consists of requests
// and requirements only, without error handling. Run clears or returns the error.
package relations
