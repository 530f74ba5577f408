// Package namecache completes records, which statements read with ids alone, by the names that the ids stand for: joining the
// names took more than half of a page's time.
package namecache

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"
	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// DefaultSize bounds each of the three caches. An artifact takes about 500 bytes; all three together stay below 100 MiB even
// if every name has its maximum length.
const DefaultSize = 1 << 14

// Cache has the names of environments, logical environments and artifacts. Names never change and are never removed (I4
// rejects a contradiction), and a cached name was committed, because a listing has read it: the cache needs no invalidation.
// Names that are not cached are read by one statement for each table; most pages need none. It is safe for concurrent use.
type Cache []interface {
	complete(ctx context.Context, db *gorm.DB, organization string, records []deployments.Record) error
}

// New returns an empty cache of so many names of each kind; 0 is DefaultSize.
func New(size int) Cache {
	size = cmp.Or(size, DefaultSize)
	environment := func(row schema.Environment) (string, string) { return row.ID, row.Name }
	return Cache{
		&lookup[schema.Environment, string]{
			schema.Environments, newLRU[string](size), environment,
			func(r *deployments.Record) (string, *string) { return r.EnvironmentID, &r.EnvironmentName },
		},
		&lookup[schema.Environment, string]{
			schema.LogicalEnvironments, newLRU[string](size), environment,
			func(r *deployments.Record) (string, *string) {
				return r.LogicalEnvironmentID, &r.LogicalEnvironmentName
			},
		},
		&lookup[schema.Artifact, deployments.Artifact]{
			"artifacts", newLRU[deployments.Artifact](size),
			func(row schema.Artifact) (string, deployments.Artifact) { return row.ID, row.Parts() },
			func(r *deployments.Record) (string, *deployments.Artifact) { return r.ArtifactID, &r.Artifact },
		},
	}
}

// Complete sets the names of the organization's records, and reads those that are not cached from db.
func (c Cache) Complete(ctx context.Context, db *gorm.DB, organization string, records []deployments.Record) error {
	for _, table := range c {
		if err := table.complete(ctx, db, organization, records); err != nil {
			return err
		}
	}
	return nil
}

// nameKey is an id within an organization: a record never shows names of another one, whichever id it has.
type nameKey struct{ organization, id string }

// lookup caches what the ids of a table stand for.
type lookup[Row, Value any] struct {
	table string
	cache *lru.Cache[nameKey, Value]
	// value returns a row's id and what it stands for; field returns a record's id and its field for that.
	value func(Row) (id string, value Value)
	field func(*deployments.Record) (id string, field *Value)
}

// complete sets the field of each record that has an id.
func (l *lookup[Row, Value]) complete(ctx context.Context, db *gorm.DB, organization string, records []deployments.Record) error {
	var missing map[string][]*deployments.Record // by ids that are not cached
	for i := range records {
		id, field := l.field(&records[i])
		if id == "" {
			continue
		}
		if value, ok := l.cache.Get(nameKey{organization, id}); ok {
			*field = value
			continue
		}
		if missing == nil {
			missing = make(map[string][]*deployments.Record)
		}
		missing[id] = append(missing[id], &records[i])
	}
	if missing == nil {
		return nil
	}
	var rows []Row
	ids := slices.Collect(maps.Keys(missing))
	if err := rowsByID(db.WithContext(ctx), l.table, organization, ids).Find(&rows).Error; err != nil {
		return err
	}
	for _, row := range rows {
		id, value := l.value(row)
		l.cache.Add(nameKey{organization, id}, value)
		for _, record := range missing[id] {
			_, field := l.field(record)
			*field = value
		}
		delete(missing, id)
	}
	for id, records := range missing {
		return fmt.Errorf("record %s refers to %s, which does not exist in %s of its organization", records[0].ID, id, l.table)
	}
	return nil
}

func newLRU[Value any](size int) *lru.Cache[nameKey, Value] {
	cache, err := lru.New[nameKey, Value](size)
	if err != nil {
		panic(err) // the size is negative
	}
	return cache
}

// rowsByID selects the organization's rows with the ids. The plus sign keeps SQLite, which has no statistics of a table
// that was never analyzed, from reading all rows of the organization by another index.
func rowsByID(db *gorm.DB, table, organization string, ids []string) *gorm.DB {
	return db.Table(table).Where("+organization_id = (SELECT id FROM organizations WHERE key = ?) AND id IN (?)", organization, database.IDs(ids))
}
