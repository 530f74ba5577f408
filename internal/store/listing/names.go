package listing

import (
	"context"
	"fmt"
	"slices"

	lru "github.com/hashicorp/golang-lru/v2"
	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// defaultNameCacheSize bounds each of the three caches. An artifact takes some 500 bytes; all together stay below
// 100 MiB even if every name has its maximum length.
const defaultNameCacheSize = 1 << 14

// nameCache completes records, which a statement reads with ids alone, by the names that their ids stand for. Joining
// the names took more than half of a page's time. Names never change and are never removed (I4 rejects a
// contradiction), and a cached name was committed, because a listing has read it: the cache needs no invalidation. One
// statement a table reads the names that are not cached; most pages need none.
type nameCache struct {
	environments        lookup[schema.Environment, string]
	logicalEnvironments lookup[schema.Environment, string]
	artifacts           lookup[schema.Artifact, deployments.Artifact]
}

func newNameCache(size int) *nameCache {
	environment := func(row schema.Environment) (string, string) { return row.ID, row.Name }
	return &nameCache{
		environments: lookup[schema.Environment, string]{
			schema.Environments, newCache[nameKey, string](size), environment,
			func(r *deployments.Record) (string, *string) { return r.EnvironmentID, &r.EnvironmentName },
		},
		logicalEnvironments: lookup[schema.Environment, string]{
			schema.LogicalEnvironments, newCache[nameKey, string](size), environment,
			func(r *deployments.Record) (string, *string) {
				return r.LogicalEnvironmentID, &r.LogicalEnvironmentName
			},
		},
		artifacts: lookup[schema.Artifact, deployments.Artifact]{
			"artifacts", newCache[nameKey, deployments.Artifact](size),
			func(row schema.Artifact) (string, deployments.Artifact) { return row.ID, row.Parts() },
			func(r *deployments.Record) (string, *deployments.Artifact) { return r.ArtifactID, &r.Artifact },
		},
	}
}

// complete sets the names of the organization's records.
func (c *nameCache) complete(ctx context.Context, db *gorm.DB, organization string, records []deployments.Record) error {
	if err := c.environments.complete(ctx, db, organization, records); err != nil {
		return err
	}
	if err := c.logicalEnvironments.complete(ctx, db, organization, records); err != nil {
		return err
	}
	return c.artifacts.complete(ctx, db, organization, records)
}

// nameKey is an id within an organization: a record never shows names of another one, whichever id it has.
type nameKey struct{ organization, id string }

// lookup is the cached values of a table's rows.
type lookup[Row, Value any] struct {
	table string
	cache *lru.Cache[nameKey, Value]
	// value returns a row's id and what it stands for, field a record's id and the field for that.
	value func(Row) (id string, value Value)
	field func(*deployments.Record) (id string, field *Value)
}

// complete sets the field of each record that has an id.
func (l *lookup[Row, Value]) complete(ctx context.Context, db *gorm.DB, organization string, records []deployments.Record) error {
	var missing []string // ids that are not cached
	for i := range records {
		id, field := l.field(&records[i])
		if id == "" {
			continue
		}
		value, ok := l.cache.Get(nameKey{organization, id})
		if *field = value; !ok {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	missing = slices.Compact(missing)
	var rows []Row
	if err := rowsByID(db.WithContext(ctx), l.table, organization, missing).Find(&rows).Error; err != nil {
		return err
	}
	found := make(map[string]Value, len(rows))
	for _, row := range rows {
		id, value := l.value(row)
		found[id] = value
		l.cache.Add(nameKey{organization, id}, value)
	}
	for i := range records {
		id, field := l.field(&records[i])
		if _, isMissing := slices.BinarySearch(missing, id); !isMissing {
			continue
		}
		value, ok := found[id]
		if !ok {
			return fmt.Errorf("record %s refers to %s, which does not exist in %s of its organization", records[i].ID, id, l.table)
		}
		*field = value
	}
	return nil
}

// rowsByID selects the organization's rows with the ids. The plus sign keeps SQLite, which has no statistics of a table
// that was never analyzed, from reading all rows of the organization by another index.
func rowsByID(db *gorm.DB, table, organization string, ids []string) *gorm.DB {
	return db.Table(table).Where("+organization_id = (SELECT id FROM organizations WHERE key = ?) AND id IN (?)", organization, database.IDs(ids))
}
