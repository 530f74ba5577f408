// Package auth turns a bearer token (a JWT) into a [Principal]: the caller,
// its organization, and what the token allows. It also mints such
// tokens. It knows no HTTP framework; rules T1 to T5 of docs/semantics.md are
// its contract.
//
// # What a token grants
//
// A token is checked in three steps, and no claim is trusted before the
// first is done.
//
// First the signature (T1, T2). The key decides the algorithm, never the
// token: the header's "alg" only picks which keys are tried, and each kind of
// key serves only the algorithms of its type: see package keys. A public key therefore can't be turned into
// an HMAC secret by a token with alg HS256, and "none" has no keys at all.
// Keys from configuration are tried before the JWKS, so that a token which
// they verify never causes a request to the issuer.
//
// Second the registered claims (T1). exp must be there; exp, nbf and iat are
// honoured with 30 seconds of leeway, iss and aud when they are set.
//
// Third what the token names and grants (T3, T4, T5):
//
//   - The organization claim is the tenant. It is never guessed or defaulted.
//     Names that two writers could spell differently and that would be read
//     alike (see claims.CheckName) are refused, because one tenant would see the
//     other's records.
//   - scope and scp grant reading and recording. A token that has neither of
//     them, nor roles or permissions, falls under [Options.AllowMissingScope],
//     which lets it read, never record. An empty scope grants nothing.
//   - project_name limits a token to a project and excludes recording.
//     A malformed project claim is refused, not ignored: ignoring it would
//     widen the token to the whole organization.
//
// # Which rule is a token's
//
// Before these steps, the token's issuer, algorithm, audience and claims select an
// entry: a rule of package trust, or last the keys and claims of [Options].
// Nothing is granted by this selection, since the entry's own keys must verify
// the token. The rules can be replaced while tokens are verified.
//
// A token that Verify refuses is a 401, or a 503 while the token's key may
// still be fetched ([KeysError]). A request that a verified [Principal] does
// not allow is a 403.
package auth
