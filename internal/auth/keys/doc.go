// Package keys reads the keys that verify tokens: HMAC secrets, PEM public keys, and the keys of a JWKS. The key decides the
// algorithm, never the token: each key is filed under the algorithms that its type allows (rule T1).
package keys
