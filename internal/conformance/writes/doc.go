// Package writes judges how a server records. It records under names of its own, which begin with Prefix, and compares the
// whole history of an environment before and after each request. Every check has an environment of its own, so a finding does
// not hide another, and records of other clients do not matter.
//
//	before:  GET the environment's history
//	         POST a recording
//	after:   GET the environment's history
//
// Rules that hold for every recording are checked at each step (checkStep). The expectations of a rule follow in its check.
//
// # Clocks
//
// The server's clock may differ from this machine's, and may stand still. A time that a recording moves to now is therefore
// compared with created_at of a record that was added just before (environment.moment). Exact times are checked with observed_at.
package writes
