package store

import (
	"context"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// A record has the ids of its environment, its logical environment and its artifact; a list wants their names, which
// took more than half of a page's time to join. They never change and are never removed (I4 refuses what contradicts
// them), so a store remembers those that it has read: a page asks for what it has not met yet, in a statement of its
// own, and most pages ask for nothing. What is remembered was committed, since a list read it.

// maxNames is how many environments, logical environments and artifacts each are remembered. An artifact takes some
// 500 bytes; all together are below 100 MiB even if every name is as long as it may be.
const maxNames = 1 << 14

// names are what ids stand for.
type names struct {
	environments, logicalEnvironments *lru.Cache[nameKey, string]
	artifacts                         *lru.Cache[nameKey, deployments.Artifact]
}

// nameKey is an id within an organization: no record finds the names of another one, whatever it refers to.
type nameKey struct{ organization, id string }

func newNames(size int) *names {
	return &names{
		environments: newMemory[string](size), logicalEnvironments: newMemory[string](size), artifacts: newMemory[deployments.Artifact](size),
	}
}

func newMemory[V any](size int) *lru.Cache[nameKey, V] {
	cache, err := lru.New[nameKey, V](size)
	if err != nil {
		panic(err) // the size is not positive
	}
	return cache
}

// name gives the records of the organization the names that their ids stand for.
func (s *lister) name(ctx context.Context, organization string, records []deployments.Record) error {
	readNames := func(table string) func(ids []string) (map[string]string, error) {
		return func(ids []string) (map[string]string, error) {
			var rows []schema.Environment
			err := s.readByID(ctx, table, organization, ids, &rows)
			found := make(map[string]string, len(rows))
			for _, row := range rows {
				found[row.ID] = row.Name
			}
			return found, err
		}
	}
	err := complete(s.names.environments, organization, records, readNames("environments"), func(r *deployments.Record) (string, *string) {
		return r.EnvironmentID, &r.EnvironmentName
	})
	if err != nil {
		return err
	}
	err = complete(s.names.logicalEnvironments, organization, records, readNames("logical_environments"), func(r *deployments.Record) (string, *string) {
		return r.LogicalEnvironmentID, &r.LogicalEnvironmentName
	})
	if err != nil {
		return err
	}
	readArtifacts := func(ids []string) (map[string]deployments.Artifact, error) {
		var rows []schema.Artifact
		err := s.readByID(ctx, "artifacts", organization, ids, &rows)
		found := make(map[string]deployments.Artifact, len(rows))
		for _, row := range rows {
			found[row.ID] = row.Parts()
		}
		return found, err
	}
	return complete(s.names.artifacts, organization, records, readArtifacts, func(r *deployments.Record) (string, *deployments.Artifact) {
		return r.ArtifactID, &r.Artifact
	})
}

// readByID reads the organization's rows of the table with these ids.
func (s *lister) readByID(ctx context.Context, table, organization string, ids []string, rows any) error {
	return s.db.WithContext(ctx).Raw(byID(engine(s.db.Dialect), table), organization, jsonList(ids)).Scan(rows).Error
}

// byID is the query of an organization's rows with some ids, of the organization's key and of jsonList's. The sign keeps
// SQLite, which knows nothing of a table that was never analyzed, from reading all of the organization's by another index.
func byID(engine engine, table string) string {
	return "SELECT * FROM " + table + " WHERE +organization_id = (SELECT id FROM organizations WHERE key = ?) AND " + engine.oneOfIDs("id")
}

// complete puts what an id stands for into its place in each record, if there is an id. What is not remembered is read,
// all at once.
func complete[V any](memory *lru.Cache[nameKey, V], organization string, records []deployments.Record,
	read func(ids []string) (map[string]V, error), of func(*deployments.Record) (id string, place *V),
) error {
	var (
		missing []string
		without []int // of the records
	)
	for i := range records {
		id, place := of(&records[i])
		if id == "" {
			continue
		}
		value, found := memory.Get(nameKey{organization, id})
		if *place = value; !found {
			missing, without = append(missing, id), append(without, i)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	found, err := read(distinct(missing))
	if err != nil {
		return err
	}
	for id, value := range found {
		memory.Add(nameKey{organization, id}, value)
	}
	for _, i := range without {
		id, place := of(&records[i])
		value, ok := found[id]
		if !ok {
			return fmt.Errorf("the record %s refers to %s, which its organization has not", records[i].ID, id)
		}
		*place = value
	}
	return nil
}

// distinct gives each value once, in the order of its first appearance.
func distinct[Value comparable](values []Value) []Value {
	seen := make(map[Value]bool, len(values))
	out := make([]Value, 0, len(values))
	for _, v := range values {
		if !seen[v] {
			seen[v] = true
			out = append(out, v)
		}
	}
	return out
}
