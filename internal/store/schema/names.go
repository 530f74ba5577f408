package schema

import (
	"cmp"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/store/database"
)

// FindOrganization returns the id of an organization, or 0 if there is none with this key.
func FindOrganization(tx *gorm.DB, key string) (int64, error) {
	var row Organization
	err := tx.Where("key = ?", key).Limit(1).Find(&row).Error
	return row.ID, err
}

// EnsureOrganization returns the id of an organization, which it creates if there is none with this key. After that, each wait of
// the transaction for a lock takes maxLockWait at most, or as long as any if that is 0.
func EnsureOrganization(tx *gorm.DB, key string, maxLockWait time.Duration) (int64, error) {
	id, err := FindOrganization(database.WithLockLimit(tx, maxLockWait), key)
	if err != nil || id != 0 {
		return id, err
	}
	if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&Organization{Key: key}).Error; err != nil {
		return 0, err
	}
	return FindOrganization(database.WithLockLimit(tx, maxLockWait), key)
}

// LockOrganization locks an organization against imports and repairs until the transaction ends. Recorders go on: the
// lock does not conflict with foreign keys to the row.
func LockOrganization(tx *gorm.DB, key string) (int64, error) {
	var row Organization
	err := tx.Clauses(clause.Locking{Strength: database.NoKeyUpdate}).Where("key = ?", key).Take(&row).Error
	return row.ID, err
}

// NameRef refers to an environment or a logical environment by its name, and by its id unless that is empty.
type NameRef struct{ ID, Name string }

// NameFinder finds and creates rows of environments or logical_environments in a transaction. Names never change and are
// never removed.
type NameFinder struct {
	tx             *gorm.DB
	table          string
	organizationID int64
	newID          func() string
	// ByID has the cached rows of any organization, ByName those of this one.
	ByID, ByName map[string]Environment
	// Created is how many rows the cache has created.
	Created int64
}

// NewNameFinder returns an empty cache of a table.
func NewNameFinder(tx *gorm.DB, table string, organizationID int64, newID func() string) *NameFinder {
	c := &NameFinder{tx: tx, table: table, organizationID: organizationID, newID: newID}
	c.reset()
	return c
}

func (c *NameFinder) reset() {
	c.ByID, c.ByName = make(map[string]Environment), make(map[string]Environment)
}

// Table returns the table of the names.
func (c *NameFinder) Table() string { return c.table }

// Limit empties a cache that has more than limit rows.
func (c *NameFinder) Limit(limit int) {
	if len(c.ByID) > limit {
		c.reset()
	}
}

// Put adds rows that exist.
func (c *NameFinder) Put(rows ...Environment) {
	for _, row := range rows {
		c.ByID[row.ID] = row
		if row.OrganizationID == c.organizationID {
			c.ByName[row.Name] = row
		}
	}
}

// Find reads the rows that the references name and the cache lacks.
func (c *NameFinder) Find(refs []NameRef) error {
	var ids, names []string
	for _, ref := range refs {
		if _, ok := c.ByName[ref.Name]; !ok {
			names = append(names, ref.Name)
		}
		if _, ok := c.ByID[ref.ID]; !ok && ref.ID != "" {
			ids = append(ids, ref.ID)
		}
	}
	rows, err := findIn[Environment](c.tx.Table(c.table).Where("organization_id = ?", c.organizationID), "name", names, database.Texts)
	if err != nil {
		return err
	}
	c.Put(rows...)
	rows, err = findIn[Environment](c.tx.Table(c.table), "id", ids, database.IDs)
	c.Put(rows...)
	return err
}

// findIn returns the rows of a query whose column is one of the values.
func findIn[Row any](tx *gorm.DB, column string, values []string, set func([]string) database.JSONSet) (rows []Row, err error) {
	if len(values) > 0 {
		err = tx.Where(database.DialectOf(tx).SearchSets(column+" IN (?)"), set(values)).Find(&rows).Error
	}
	return rows, err
}

// Ensure is Find that also creates the rows that do not exist. Of references that contradict each other or a stored row,
// the stored row or the first reference counts.
func (c *NameFinder) Ensure(refs []NameRef) error {
	if err := c.Find(refs); err != nil {
		return err
	}
	return c.Create(refs)
}

// Create creates the rows that Find did not find.
func (c *NameFinder) Create(refs []NameRef) error {
	for {
		rows := c.missing(refs)
		created, err := database.CreateMissing(c.tx.Table(c.table), rows)
		c.Created += int64(created)
		if err != nil || created == len(rows) {
			return err
		}
		c.reset() // another writer has committed one of the names since: its row counts
		if err := c.Find(refs); err != nil {
			return err
		}
	}
}

// missing returns the rows to create, in the order of their names (see Lock order).
func (c *NameFinder) missing(refs []NameRef) []Environment {
	var rows []Environment
	for _, ref := range refs {
		_, idFound := c.ByID[ref.ID]
		_, nameFound := c.ByName[ref.Name]
		if idFound || nameFound {
			continue
		}
		row := Environment{ID: ref.ID, OrganizationID: c.organizationID, Name: ref.Name}
		if row.ID == "" {
			row.ID = c.newID()
		}
		c.Put(row)
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b Environment) int { return cmp.Compare(a.Name, b.Name) })
	return rows
}
