package schema

import (
	"cmp"
	"slices"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/database"
)

// NameRef refers to an environment or a logical environment by its name, and by its id unless that is empty.
type NameRef struct{ ID, Name string }

// NameCache finds and creates rows of environments or logical_environments in a transaction, and remembers them: by id
// those of any organization, by name those of its own. Names never change and are never removed.
type NameCache struct {
	tx             *gorm.DB
	table          string
	organizationID int64
	newID          func() string
	byID, byName   map[string]Environment
}

// NewNameCache returns an empty cache of a table.
func NewNameCache(tx *gorm.DB, table string, organizationID int64, newID func() string) *NameCache {
	c := &NameCache{tx: tx, table: table, organizationID: organizationID, newID: newID}
	c.reset()
	return c
}

func (c *NameCache) reset() {
	c.byID, c.byName = make(map[string]Environment), make(map[string]Environment)
}

// Limit empties a cache that has more than limit rows.
func (c *NameCache) Limit(limit int) {
	if len(c.byID) > limit {
		c.reset()
	}
}

// ByID returns a row that is in the cache.
func (c *NameCache) ByID(id string) (Environment, bool) { row, ok := c.byID[id]; return row, ok }

// ByName returns a row of the organization that is in the cache.
func (c *NameCache) ByName(name string) (Environment, bool) {
	row, ok := c.byName[name]
	return row, ok
}

func (c *NameCache) add(rows ...Environment) {
	for _, row := range rows {
		c.byID[row.ID] = row
		if row.OrganizationID == c.organizationID {
			c.byName[row.Name] = row
		}
	}
}

// Find reads the rows that the references name and the cache lacks.
func (c *NameCache) Find(refs []NameRef) error {
	var ids, names []string
	for _, ref := range refs {
		if _, ok := c.byName[ref.Name]; !ok {
			names = append(names, ref.Name)
		}
		if _, ok := c.byID[ref.ID]; !ok && ref.ID != "" {
			ids = append(ids, ref.ID)
		}
	}
	if len(names) > 0 {
		var rows []Environment
		err := c.tx.Table(c.table).Where("organization_id = ? AND name IN (?)", c.organizationID, database.Texts(distinct(names))).Find(&rows).Error
		if err != nil {
			return err
		}
		c.add(rows...)
	}
	if len(ids) == 0 {
		return nil
	}
	var rows []Environment
	err := c.tx.Table(c.table).Where("id IN (?)", database.IDs(distinct(ids))).Find(&rows).Error
	c.add(rows...)
	return err
}

// Ensure is Find that also creates the rows that do not exist. Of references that contradict each other or a stored row,
// the stored row or the first reference counts.
func (c *NameCache) Ensure(refs []NameRef) error {
	for {
		if err := c.Find(refs); err != nil {
			return err
		}
		all, err := database.CreateMissing(c.tx.Table(c.table), c.missing(refs))
		if err != nil || all {
			return err
		}
		c.reset() // another writer has committed one of the names since: its row counts
	}
}

// missing returns the rows to create, in the order of their names (see Lock order).
func (c *NameCache) missing(refs []NameRef) []Environment {
	var rows []Environment
	for _, ref := range refs {
		_, idFound := c.byID[ref.ID]
		_, nameFound := c.byName[ref.Name]
		if idFound || nameFound {
			continue
		}
		row := Environment{ID: ref.ID, OrganizationID: c.organizationID, Name: ref.Name}
		if row.ID == "" {
			row.ID = c.newID()
		}
		c.add(row)
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b Environment) int { return cmp.Compare(a.Name, b.Name) })
	return rows
}

// distinct returns each value once, sorted.
func distinct[Value cmp.Ordered](values []Value) []Value {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}
