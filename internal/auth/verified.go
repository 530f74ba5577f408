package auth

import (
	"crypto/sha256"

	"github.com/golang-jwt/jwt/v5"
	lru "github.com/hashicorp/golang-lru/v2"
)

// maxVerified is how many tokens a verifiedTokens remembers. What is kept of one takes some 500
// bytes, or 12 KiB if a token as long as they may be names a subject as long: below 50 MiB in all, even then.
const maxVerified = 4096

// verifiedTokens remembers tokens that were accepted: whoever sends one asks many times with it, and checking its
// signature and reading its claims costs more than all else that this package does. When it is full, the token that
// was not used for the longest time goes.
//
// Only what was accepted is in it, so that nobody without a key can fill it. It belongs to one set of keys and never
// outlives it: see Verifier.forget.
type verifiedTokens struct {
	// A token is kept by its SHA-256 only: whoever reads this memory, from a core dump say, can't send it.
	byDigest *lru.Cache[[sha256.Size]byte, verifiedToken]
}

// verifiedToken is what of a token must be known to accept it again.
type verifiedToken struct {
	principal Principal
	// dates are exp, nbf and iat, which are judged again at every use (rule T1). The rest can't change.
	dates jwt.RegisteredClaims
}

func newVerifiedTokens() *verifiedTokens {
	cache, err := lru.New[[sha256.Size]byte, verifiedToken](maxVerified)
	if err != nil {
		panic(err) // the size is not positive
	}
	return &verifiedTokens{cache}
}

// forget ends the memory of tokens that were verified with the keys so far (rule T2). It comes after the new keys are
// in place. Verify takes hold of the memory before it looks at any key: what it remembers by an old key goes into the
// old memory then, which nobody reads any more, even if it was at work when the keys changed. Were one memory emptied
// instead, such a token would come into it afterwards and be accepted until its exp.
func (v *Verifier) forget() { v.verified.Store(newVerifiedTokens()) }
