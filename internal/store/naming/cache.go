package naming

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/deployrecords/deployrecords/internal/store/schema"
)

const (
	// cacheSize bounds the names in memory, of 300 bytes or, with the longest names, 3 KiB each.
	cacheSize = 1 << 14
	// cacheTime bounds how long a name is used that the database has lost, as by a restore or a failover.
	cacheTime = time.Minute
)

// Cache has environments and logical environments that are stored, so that most recordings need not read theirs. Names never change
// and are never removed. It is safe for concurrent use.
type Cache struct {
	rows *lru.Cache[cacheKey, cachedRow]
}

// cacheKey has the organization's key: after a restore, another organization may have its id.
type cacheKey struct{ organization, table, name string }

type cachedRow struct {
	schema.Environment
	readAt time.Time
}

// NewCache returns an empty cache.
func NewCache() *Cache {
	rows, err := lru.New[cacheKey, cachedRow](cacheSize)
	if err != nil {
		panic(err) // cannot happen: cacheSize is positive
	}
	return &Cache{rows}
}

// get returns the row of a name of the organization.
func (c *Cache) get(key cacheKey, organizationID int64) (schema.Environment, bool) {
	row, ok := c.rows.Get(key)
	return row.Environment, ok && row.OrganizationID == organizationID && time.Since(row.readAt) < cacheTime
}
