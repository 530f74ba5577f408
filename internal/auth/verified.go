package auth

import (
	"crypto/sha256"

	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"
)

// maxVerified is how many tokens a verifiedTokens remembers. An entry takes about 500 bytes, or at
// most 12 KiB, for the longest token with the longest subject: below 50 MiB for all entries.
const maxVerified = 4096

// verifiedTokens caches accepted tokens: a client sends the same token many times, and checking its signature and
// reading its claims costs more than the rest of this package. When the cache is full, it evicts the least recently
// used token.
//
// It holds only accepted tokens, so that nobody without a key can fill it. It belongs to one set of keys and never
// outlives it: see Verifier.reset.
type verifiedTokens struct {
	// The cache holds only the SHA-256 of a token: a core dump does not reveal it.
	byDigest *lru.Cache[[sha256.Size]byte, verifiedToken]
}

// verifiedToken holds what is needed to accept a token again.
type verifiedToken struct {
	principal Principal
	// dates are exp, nbf, iat and jti, which are checked again at every use (rule T1). The rest can't change.
	dates jwt.RegisteredClaims
}

func newVerifiedTokens() *verifiedTokens {
	cache, err := lru.New[[sha256.Size]byte, verifiedToken](maxVerified)
	if err != nil {
		panic(err) // the size is not positive
	}
	return &verifiedTokens{cache}
}

// reset replaces the cache after the keys or the rules changed (rule T2). Verify loads the cache before it reads any of
// them, so that a token verified by an old key enters the old cache, which nothing reads any more. If the cache were emptied instead, a
// concurrent Verify could add such a token afterwards, and it would be accepted until its exp.
func (v *Verifier) reset() { v.verified.Store(newVerifiedTokens()) }
