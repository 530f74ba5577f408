// Package conformance asks a server about GET /v1/deployments from outside and judges every answer: by the OpenAPI
// document, which it reads, by the laws that a list with filters and pages keeps whatever stands behind it, and by the
// rules of docs/semantics.md for what the document leaves open.
//
// # What it may do
//
// It sends GET requests, follows no redirect, and sends a token to no other place than the URL that the token was given
// for. It knows nothing of the data: the values that it filters by are those that it met in answers.
//
// # Faults while others write
//
// A law is about several answers, and between two of them a record may have been added. So nothing that several answers
// say counts as a fault at once. The same requests are sent again, in the same order: if each is answered as before, then
// all of these answers held at one moment, that between the last request of the first round and the first of the
// second, since what is recorded moves forward and does not come back. Only what is broken in such a snapshot is a fault.
// If the answers differ, the second round is judged in place of the first, and so on; if no two rounds agree, the rule
// was not settled, and the report says so. What one answer says of itself needs no second look.
package conformance
