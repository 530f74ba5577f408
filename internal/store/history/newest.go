package history

import (
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

const (
	// matchesKey narrows the records n of the identity of a key w to those that meet its conditions.
	matchesKey = ` AND (w.digest = '' OR w.digest = (SELECT a.digest FROM artifacts a WHERE a.id = n.artifact_id))
  AND (w.changed = 0 OR n.updated_at >= @observed OR n.last_seen_at >= @observed)
ORDER BY n.created_at DESC, n.id DESC LIMIT 1`

	keysPostgreSQL = `(SELECT CAST(value->>0 AS uuid) AS environment_id, value->>1 AS deployment_name, value->>2 AS logical_environment_id,
  CAST(value->>3 AS integer) AS kind, value->>4 AS digest, CAST(value->>5 AS integer) AS changed
FROM jsonb_array_elements(CAST(? AS jsonb)) AS value)`
	keysSQLite = `(SELECT json_extract(value, '$[0]') AS environment_id, json_extract(value, '$[1]') AS deployment_name,
  json_extract(value, '$[2]') AS logical_environment_id, json_extract(value, '$[3]') AS kind, json_extract(value, '$[4]') AS digest,
  json_extract(value, '$[5]') AS changed
FROM json_each(?))`
)

// Key selects the newest record of an identity among those that are not DEPLOYED. A digest that is not empty must match. If Changed is set, the record must have
// been updated or seen at or after the batch was observed (W7).
type Key struct {
	Identity
	Digest  string
	Changed bool
}

// Matches reports whether a record of the identity meets the conditions of the key.
func (k Key) Matches(record deployments.Record, observed deployments.Observation) bool {
	return (k.Digest == "" || record.Artifact.Digest == k.Digest) && (!k.Changed || observed.PrecedesChangeOf(record))
}

// Newest reads and locks the newest record of each key that has one, for a batch that was observed at a time. Each key may read the
// history of its identity. A batch has at most three keys for one, because its items name one digest (deployments.Batch.AddViolations).
func (r *Reader) Newest(keys []Key, observed deployments.Observation) (map[Key]deployments.Record, error) {
	values := make([][]any, len(keys))
	for i, key := range keys {
		changed := 0
		if key.Changed {
			changed = 1
		}
		values[i] = []any{key.Slot.EnvironmentID, key.Slot.DeploymentName, key.LogicalEnvironmentID, key.Kind, key.Digest, changed}
	}
	lookup := schema.EndedOfIdentity(r.dialect)
	lookup.Condition += matchesKey
	records, err := r.read("SELECT ("+r.dialect.Select("n.id", lookup)+") FROM @keys AS w", database.Update, map[string]any{
		"keys": database.NewJSONSet(values, keysPostgreSQL, keysSQLite), "observed": database.Timestamp{Time: observed.At},
	})
	ofIdentity := make(map[Identity][]deployments.Record)
	for _, record := range records {
		ofIdentity[IdentityOf(record)] = append(ofIdentity[IdentityOf(record)], record)
	}
	newest := make(map[Key]deployments.Record, len(records))
	for _, key := range keys {
		for _, record := range ofIdentity[key.Identity] { // at most one for each of its keys
			if best, ok := newest[key]; key.Matches(record, observed) && (!ok || record.NewerThan(best)) {
				newest[key] = record
			}
		}
	}
	return newest, err
}
