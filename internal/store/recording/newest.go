package recording

import (
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

const (
	// newestOfIdentity is the id of the newest record for a row of newestKeys. Computed values keep the planner from the indexes
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

// newestKey selects the newest record of an identity. A digest that is not empty must match. If changed is set, the record must
// have been updated or seen at or after the batch was observed (W7).
type newestKey struct {
	identityKey
	digest  string
	changed bool
}

func (k newestKey) matches(record deployments.Record, observed deployments.Observation) bool {
	return (k.digest == "" || record.Artifact.Digest == k.digest) && (!k.changed || observed.PrecedesChangeOf(record))
}

// newestKeys returns the keys of the records that the rules may ask for. The identity has no DEPLOYED record, or an earlier item
// of the batch may leave it none.
func (w *work) newestKeys() []newestKey {
	items := make(map[identityKey]int)
	for _, item := range w.valid() {
		items[item.identity()]++
	}
	wanted := make(map[newestKey]bool)
	var keys []newestKey
	add := func(key newestKey) {
		if !wanted[key] {
			wanted[key] = true
			keys = append(keys, key)
		}
	}
	for _, item := range w.valid() {
		identity := item.identity()
		_, hasRecords := w.latest[identity.slot]
		if !hasRecords || len(w.identity(identity).deployed) > 0 && items[identity] == 1 {
			continue
		}
		if item.Status == deployments.Decommissioned {
			add(newestKey{identity, item.Digest, false})
		}
		// A time that lies ahead of now counts as now, so no change is as late as an observation ahead of it.
		if !w.observed.At.IsZero() && !w.observed.At.After(w.observed.Now) {
			add(newestKey{identity, "", true})
		}
	}
	return keys
}

// readNewest reads and locks the records that newest may return.
func (w *work) readNewest() error {
	keys := w.newestKeys()
	if len(keys) == 0 {
		return nil
	}
	values := make([][]any, len(keys))
	for i, key := range keys {
		changed := 0
		if key.changed {
			changed = 1
		}
		values[i] = []any{i, key.slot.EnvironmentID, key.slot.DeploymentName, key.logicalEnvironmentID, key.kind, key.digest, changed}
	}
	observed := database.Timestamp{Time: w.observed.At}
	var rows []namedRecord
	err := w.selectRecords("? w CROSS JOIN deployment_records r", database.NewJSONSet(values, newestPostgreSQL, newestSQLite)).
		Select(namedColumns+", w.number").Where(newestOfIdentity, w.organizationID, observed, observed).Order("r.id").Clauses(forUpdate("r")).Find(&rows).Error
	for _, row := range rows {
		w.newestRecords[keys[row.Number]] = w.recordOf(row)
	}
	return err
}

// newest returns the newest record of the key as the batch has left it, or nil.
func (w *work) newest(key newestKey) *deployments.Record {
	var newest *deployments.Record
	if record, ok := w.newestRecords[key]; ok {
		record = w.current(record)
		newest = &record
	}
	for _, id := range w.identity(key.identityKey).written {
		record := w.records[id]
		if key.matches(record, w.observed) && (newest == nil || record.NewerThan(*newest)) {
			newest = &record
		}
	}
	return newest
}
