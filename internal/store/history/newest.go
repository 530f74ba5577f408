package history

import (
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

const (
	// newestOfIdentity is the id of the newest record for a row of keys. Computed values keep the planner from the indexes
	// by kind and by logical environment: only the one by slot selects few records, and the planner cannot know that before the
	// table is analyzed.
	newestOfIdentity = `r.id = (SELECT n.id FROM deployment_records n
WHERE n.organization_id = ? AND n.environment_id = w.environment_id AND n.deployment_name = w.deployment_name
  AND n.kind + 0 = w.kind AND coalesce(CAST(n.logical_environment_id AS text), '') = w.logical_environment_id
  AND (w.digest = '' OR w.digest = (SELECT a.digest FROM artifacts a WHERE a.id = n.artifact_id))
  AND (w.changed = 0 OR n.updated_at >= ? OR n.last_seen_at >= ?)
ORDER BY n.created_at DESC, n.id DESC LIMIT 1)`

	newestPostgreSQL = `(SELECT CAST(value->>0 AS integer) AS number, CAST(value->>1 AS uuid) AS environment_id, value->>2 AS deployment_name,
  value->>3 AS logical_environment_id, CAST(value->>4 AS integer) AS kind, value->>5 AS digest,
  CAST(value->>6 AS integer) AS changed
FROM jsonb_array_elements(CAST(? AS jsonb)) AS value)`
	newestSQLite = `(SELECT json_extract(value, '$[0]') AS number, json_extract(value, '$[1]') AS environment_id, json_extract(value, '$[2]') AS deployment_name,
  json_extract(value, '$[3]') AS logical_environment_id, json_extract(value, '$[4]') AS kind, json_extract(value, '$[5]') AS digest,
  json_extract(value, '$[6]') AS changed
FROM json_each(?))`
)

// Key selects the newest record of an identity. A digest that is not empty must match. If Changed is set, the record must have
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

// Newest reads and locks the newest record of each key that has one, for a batch that was observed at a time.
func (r *Reader) Newest(keys []Key, observedAt time.Time) (map[Key]deployments.Record, error) {
	values := make([][]any, len(keys))
	for i, key := range keys {
		changed := 0
		if key.Changed {
			changed = 1
		}
		values[i] = []any{i, key.Slot.EnvironmentID, key.Slot.DeploymentName, key.LogicalEnvironmentID, key.Kind, key.Digest, changed}
	}
	observed := database.Timestamp{Time: observedAt}
	var rows []row
	err := r.selectRecords("? w CROSS JOIN deployment_records r", database.NewJSONSet(values, newestPostgreSQL, newestSQLite)).
		Select(columns+", w.number").Where(newestOfIdentity, r.organizationID, observed, observed).Order("r.id").Clauses(forUpdate).Find(&rows).Error
	newest := make(map[Key]deployments.Record, len(rows))
	for _, row := range rows {
		newest[keys[row.Number]] = r.recordOf(row)
	}
	return newest, err
}
