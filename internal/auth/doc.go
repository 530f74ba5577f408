// Package auth turns a bearer token (a JWT) into a [Principal]: who asks, in
// which organization, and what the token lets them do. It also mints such
// tokens. It knows no HTTP framework; rules T1 to T5 of docs/semantics.md are
// its contract.
//
// # What a token grants
//
// A token is judged in three steps, and nothing of it is believed before the
// first is done.
//
// First the signature (T1, T2). The key decides the algorithm, never the
// token: the header's "alg" only picks which keys are tried, and each kind of
// key serves one algorithm. HMAC secrets verify HS256, RSA keys RS256, P-256
// keys ES256, Ed25519 keys EdDSA. A public key therefore can't be turned into
// an HMAC secret by a token that says HS256, and "none" has no keys at all.
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
//     alike (see claims.go) are refused, because one tenant would see the
//     other's records.
//   - scope grants reading and recording. A scope claim that is absent is told
//     from one that is empty: only the absent one falls under
//     [Options.AllowMissingScope], and that lets read, never record.
//   - project_name narrows a token to a project, and takes recording away.
//     A malformed project claim is refused, not ignored: ignoring it would
//     widen the token to the whole organization.
//
// What Verify refuses is a 401; what a verified [Principal] does not allow is
// a 403.
package auth
