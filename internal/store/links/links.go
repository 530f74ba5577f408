// Package links stores which artifacts belong to which project versions, and keeps what follows from that: the project set of
// each artifact, which its records and rows of current_slots carry.
package links

import (
	"cmp"
	"maps"
	"slices"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

const (
	linksPostgreSQL = "(SELECT CAST(value->>0 AS bigint) AS project_version_id, CAST(value->>1 AS uuid) AS artifact_id FROM jsonb_array_elements(CAST(? AS jsonb)) AS value)"
	linksSQLite     = "(SELECT json_extract(value, '$[0]') AS project_version_id, json_extract(value, '$[1]') AS artifact_id FROM json_each(?))"

	insertLinks = `INSERT INTO project_version_artifacts (project_version_id, artifact_id)
SELECT project_version_id, artifact_id FROM ? AS new WHERE true ON CONFLICT DO NOTHING RETURNING CAST(artifact_id AS text)`

	// selectMissingLinks searches each link: PostgreSQL could join all stored links with NOT EXISTS.
	selectMissingLinks = `SELECT new.project_version_id, new.artifact_id FROM ? AS new WHERE (
  SELECT 1 FROM project_version_artifacts l WHERE l.project_version_id = new.project_version_id AND l.artifact_id = new.artifact_id) IS NULL`
)

// linkSet is a set of links for FROM ? AS alias, in one order for all writers.
func linkSet(links []schema.Link) database.JSONSet {
	sorted := slices.SortedFunc(slices.Values(links), func(a, b schema.Link) int {
		return cmp.Or(cmp.Compare(a.ProjectVersionID, b.ProjectVersionID), cmp.Compare(a.ArtifactID, b.ArtifactID))
	})
	var pairs [][2]any
	for _, link := range slices.Compact(sorted) {
		pairs = append(pairs, [2]any{link.ProjectVersionID, link.ArtifactID})
	}
	return database.NewJSONSet(pairs, linksPostgreSQL, linksSQLite)
}

// Add stores links and returns the project sets of the artifacts whose set changes by it, which it propagates to
// their records and current_slots. Fresh artifacts have no records yet.
func Add(tx *gorm.DB, links []schema.Link, fresh map[string]bool) (changed map[string]int64, err error) {
	if len(links) == 0 {
		return nil, nil
	}
	var stored []string
	for _, link := range links {
		if !fresh[link.ArtifactID] {
			stored = append(stored, link.ArtifactID)
		}
	}
	if err := LockArtifacts(tx, stored); err != nil {
		return nil, err
	}
	linked, err := database.Column[string](tx.Raw(insertLinks, linkSet(links)))
	if err != nil {
		return nil, err
	}
	if changed, err = RecomputeSets(tx, linked); err != nil {
		return nil, err
	}
	used := slices.DeleteFunc(slices.Collect(maps.Keys(changed)), func(id string) bool { return fresh[id] })
	return changed, PropagateSets(tx, used)
}

// Missing returns the links that are not stored.
func Missing(tx *gorm.DB, links []schema.Link) ([]schema.Link, error) {
	if len(links) == 0 {
		return nil, nil
	}
	var missing []schema.Link
	err := tx.Raw(selectMissingLinks, linkSet(links)).Scan(&missing).Error
	return missing, err
}
