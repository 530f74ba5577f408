package idempotency

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

// The ranges of a quota are disjoint and cover all digests, and their limits together are at most the quota.
func TestRangesDivideTheDigestsAndTheQuota(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		quota := rapid.Int64Range(1, 1_000_000_000).Draw(t, "quota")
		digest := bound(int64(rapid.Uint32().Draw(t, "digest")))
		r := rangeOf(digest, quota)
		if bytes.Compare(digest, r.from) < 0 || r.to != nil && bytes.Compare(digest, r.to) >= 0 {
			t.Fatalf("%x is not within %x to %x", digest, r.from, r.to)
		}
		if r.limit*r.parts > quota || r.limit < min(quota, rangeSize) || r.limit >= 2*rangeSize {
			t.Fatalf("%d ranges of %d keys", r.parts, r.limit)
		}
		if r.to != nil {
			if next := rangeOf(r.to, quota); !bytes.Equal(next.from, r.to) {
				t.Fatalf("after %x begins %x", r.to, next.from)
			}
		}
	})
}
