package keys

import (
	"crypto"
	"encoding/json"
	"errors"
	"slices"

	"github.com/MicahParks/jwkset"
)

// Named is a public key of a JWKS, under its kid, or under "" if it has
// none: then it serves tokens without a kid alone.
type Named struct {
	Algorithms []string // that it may verify
	Key        any
}

// Equal reports whether two public keys are the same.
func Equal(a, b any) bool {
	key, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(b)
}

// ReadSet reads the keys of a JWKS (RFC 7517 section 5) by kid; ignored counts
// the ones that can't be used. An answer without "keys" is
// most likely an error page in JSON; to take it as an empty set would throw
// the good keys away. An empty array revokes all keys.
func ReadSet(body []byte) (keys map[string][]Named, ignored int, err error) {
	var set map[string]json.RawMessage
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, 0, errors.New("the key set is not a JSON object")
	}
	var list []json.RawMessage
	if err := json.Unmarshal(set["keys"], &list); err != nil || list == nil {
		return nil, 0, errors.New(`the key set has no array "keys"`)
	}
	keys = map[string][]Named{}
	for _, raw := range list {
		kid, key, ok := readKey(raw)
		if !ok {
			ignored++ // RFC 7517 section 5: one unusable key does not spoil the set
			continue
		}
		keys[kid] = append(keys[kid], key)
	}
	return keys, ignored, nil
}

// useJWTSVID is the use of keys that sign tokens of SPIFFE.
const useJWTSVID = "jwt-svid"

// readKey reads one key of a JWKS; ok is false where it must not verify
// tokens.
func readKey(raw json.RawMessage) (kid string, key Named, ok bool) {
	var m jwkset.JWKMarshal
	if err := json.Unmarshal(raw, &m); err != nil {
		return "", Named{}, false
	}
	switch {
	case m.KTY == jwkset.KtyOct, m.D != "":
		// A secret that was published verifies nothing: anyone can sign with
		// it (rule T2).
		return "", Named{}, false
	case m.USE != "" && m.USE != jwkset.UseSig && m.USE != useJWTSVID:
		return "", Named{}, false
	case m.KEYOPS != nil && !slices.Contains(m.KEYOPS, jwkset.KeyOpsVerify):
		return "", Named{}, false
	}
	// Private false: jwkset then refuses symmetric keys on its own as well.
	// use and key_ops were checked above, and its own check would refuse a key
	// over a registered operation that jwkset does not know yet.
	jwk, err := jwkset.NewJWKFromMarshal(m, jwkset.JWKMarshalOptions{Private: false},
		jwkset.JWKValidateOptions{SkipUse: true, SkipKeyOps: true})
	if err != nil {
		return "", Named{}, false
	}
	algorithms, err := algorithmsOf(jwk.Key())
	if err != nil || m.ALG != "" && !slices.Contains(algorithms, m.ALG.String()) {
		return "", Named{}, false
	}
	if m.ALG != "" {
		algorithms = []string{m.ALG.String()}
	}
	return m.KID, Named{Algorithms: algorithms, Key: jwk.Key()}, true
}
