package naming

import (
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// cacheSize bounds the names in memory, of a few hundred bytes each.
const cacheSize = 1 << 14

// Cache has environments and logical environments that are stored, so that most recordings need not read theirs. Names never change
// and are never removed. It is safe for concurrent use.
type Cache struct {
	rows *lru.Cache[cacheKey, schema.Environment]
}

// cacheKey has the organization's key: its id may be another one's after a restore.
type cacheKey struct{ organization, table, name string }

// NewCache returns an empty cache.
func NewCache() *Cache {
	rows, err := lru.New[cacheKey, schema.Environment](cacheSize)
	if err != nil {
		panic(err) // cannot happen: cacheSize is positive
	}
	return &Cache{rows}
}

// Clear removes all names.
func (c *Cache) Clear() { c.rows.Purge() }

// find is Find of a table, which reads only the names that are not cached.
func (c *Cache) find(organization, table string, finder *schema.NameFinder, refs []schema.NameRef) error {
	var missing []schema.NameRef
	for _, ref := range refs {
		if row, ok := c.rows.Get(cacheKey{organization, table, ref.Name}); ok {
			finder.Put(row)
		} else {
			missing = append(missing, ref)
		}
	}
	if err := finder.Find(missing); err != nil {
		return err
	}
	for _, ref := range missing {
		if row, ok := finder.ByName[ref.Name]; ok {
			c.rows.Add(cacheKey{organization, table, ref.Name}, row)
		}
	}
	return nil
}
