// Package claims reads the payload of a token: its registered claims, and claims by their path. It is strict: no claim is
// guessed, converted or skipped because it has another type than expected.
package claims
