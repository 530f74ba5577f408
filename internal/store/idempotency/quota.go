package idempotency

import (
	"encoding/binary"
	"math"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

// rangeSize is how many valid keys of an organization a range of digests has at least when the quota is used up. A claim
// counts the keys of one range, so it bounds the work.
const rangeSize = 1000

// digestRange is a part of all digests. The digests of an organization spread evenly: if no range has more than its share of
// the quota, all of them together are within the quota. Beyond rangeSize, the first range is full when about nine tenths of
// the quota are used.
type digestRange struct {
	// from is inclusive. to is exclusive, or nil at the end.
	from, to []byte
	// limit is the share of the quota, and parts the number of ranges.
	limit, parts int64
}

// rangeOf returns the range of a digest.
func rangeOf(digest []byte, quota int64) digestRange {
	parts := min(max(quota/rangeSize, 1), math.MaxUint32)
	width := (1<<32 + parts - 1) / parts
	index := int64(binary.BigEndian.Uint32(digest)) / width
	r := digestRange{from: bound(index * width), limit: quota / parts, parts: parts}
	if end := (index + 1) * width; end <= math.MaxUint32 {
		r.to = bound(end)
	}
	return r
}

func bound(n int64) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

// checkQuota returns a *deployments.QuotaError if the claimed key exceeds the quota, unless that is 0. It does not see the
// keys that concurrent transactions claim: these may exceed the quota by their number.
func checkQuota(tx *gorm.DB, claimed row, quota int64) error {
	if quota == 0 {
		return nil
	}
	r := rangeOf(claimed.KeyDigest, quota)
	valid := tx.Model(&row{}).Select("1").Where("organization_id = ? AND key_digest >= ? AND created_at >= ?",
		claimed.OrganizationID, r.from, database.Timestamp{Time: expiry(claimed.CreatedAt.Time)})
	if r.to != nil {
		valid = valid.Where("key_digest < ?", r.to)
	}
	var n int64
	if err := tx.Table("(?) AS valid", valid.Limit(int(r.limit+1))).Count(&n).Error; err != nil || n <= r.limit {
		return err
	}
	return &deployments.QuotaError{Field: "Idempotency-Key", Quota: "idempotency keys", Used: (n - 1) * r.parts, Limit: quota}
}
