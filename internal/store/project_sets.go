package store

import (
	"slices"

	"gorm.io/gorm"
)

// Artifacts, records and slots carry the set of all projects that the artifact belongs to. It changes with a link of
// the artifact to a version of another project, and then in all three; list_projects.go says what for.
//
// In PostgreSQL, whoever writes a record holds its artifact by forShare, and whoever links it by forChange, before
// either looks: no record comes to be with a set that is changing. Several artifacts are held in the order of their
// ids, and artifacts before records, records before slots.

// projectSet is an expression for the id of the set that the links of an artifact make, by the names that a statement has
// for its columns: 0 without links, -1 if the set is not stored.
func projectSet(artifactID, organizationID string) string {
	return `coalesce((SELECT ps.id FROM project_sets ps WHERE ps.organization_id = ` + organizationID + ` AND ps.members = ` + projectsOfArtifact(artifactID) + `),
  CASE WHEN EXISTS (SELECT 1 FROM project_version_artifacts pva WHERE pva.artifact_id = ` + artifactID + `) THEN -1 ELSE 0 END)`
}

// projectsOfArtifact is a subquery of the members of that set, as project_sets has them; NULL without links.
//
// Each link looks up its version: PostgreSQL, which cannot know how few links an artifact has while an import adds them,
// would join them to all versions there are, for each artifact.
func projectsOfArtifact(artifactID string) string {
	return `(SELECT string_agg(CAST(project_id AS text), ',' ORDER BY project_id) FROM (
    SELECT DISTINCT (SELECT pv.project_id FROM project_versions pv WHERE pv.id = pva.project_version_id) AS project_id
    FROM project_version_artifacts pva WHERE pva.artifact_id = ` + artifactID + `) AS linked)`
}

// link adds artifacts to project versions, and what is new of it to the artifacts' sets. It gives the sets of the
// artifacts whose set is now another; their records and slots have it, too. Artifacts that the transaction has made and
// that have no records yet are fresh.
func link(tx *gorm.DB, engine engine, links []projectVersionArtifactRow, fresh map[string]bool) (map[string]int64, error) {
	links = distinct(links)
	if len(links) == 0 {
		return nil, nil
	}
	slices.SortFunc(links, compareLinks)
	var held []string
	for _, l := range links {
		if !fresh[l.ArtifactID] {
			held = append(held, l.ArtifactID)
		}
	}
	if err := holdArtifacts(tx, engine, distinct(held)); err != nil {
		return nil, err
	}
	linked, err := readStrings(tx, `INSERT INTO project_version_artifacts (project_version_id, artifact_id)
SELECT project_version_id, artifact_id FROM `+engine.linkSet()+` AS new WHERE true ON CONFLICT DO NOTHING RETURNING CAST(artifact_id AS text)`, jsonLinks(links))
	if err != nil {
		return nil, err
	}
	changed, err := renewSets(tx, engine, distinct(linked))
	if err != nil {
		return nil, err
	}
	var used []string
	for id := range changed {
		if !fresh[id] {
			used = append(used, id)
		}
	}
	return changed, spreadSets(tx, engine, used)
}

// missingLinks are those that are not stored.
func missingLinks(tx *gorm.DB, engine engine, links []projectVersionArtifactRow) ([]projectVersionArtifactRow, error) {
	if len(links) == 0 {
		return nil, nil
	}
	var missing []projectVersionArtifactRow
	err := tx.Raw("SELECT new.project_version_id, new.artifact_id FROM "+engine.linkSet()+` AS new WHERE NOT EXISTS (
  SELECT 1 FROM project_version_artifacts l WHERE l.project_version_id = new.project_version_id AND l.artifact_id = new.artifact_id)`,
		jsonLinks(distinct(links))).Scan(&missing).Error
	return missing, err
}

// holdArtifacts keeps others from linking the artifacts and from writing records of them.
func holdArtifacts(tx *gorm.DB, engine engine, ids []string) error {
	if engine == sqLite || len(ids) == 0 {
		return nil // nobody else writes
	}
	_, err := readStrings(tx, "SELECT id FROM artifacts a WHERE "+engine.oneOfIDs("id")+" ORDER BY id"+engine.forChange("a"), jsonList(ids))
	return err
}

// shareArtifacts keeps others from linking the artifacts and gives their sets.
func shareArtifacts(tx *gorm.DB, engine engine, ids []string) (map[string]int64, error) {
	var rows []artifactRow
	err := tx.Raw("SELECT a.* FROM artifacts a WHERE "+engine.oneOfIDs("id")+" ORDER BY id"+engine.forShare("a"), jsonList(ids)).Scan(&rows).Error
	sets := make(map[string]int64, len(rows))
	for _, row := range rows {
		sets[row.ID] = row.ProjectSetID
	}
	return sets, err
}

// renewSets gives artifacts, which are held, the sets that their links make, and tells of those that had another.
func renewSets(tx *gorm.DB, engine engine, ids []string) (map[string]int64, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if err := makeSets(tx, engine, ids); err != nil {
		return nil, err
	}
	set := projectSet("artifacts.id", "artifacts.organization_id")
	rows, err := tx.Raw("UPDATE artifacts SET project_set_id = "+set+" WHERE "+engine.oneOfIDs("id")+" AND project_set_id <> "+set+
		" RETURNING id, project_set_id", jsonList(ids)).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	changed := make(map[string]int64)
	for rows.Next() {
		var id string
		var setID int64
		if err := rows.Scan(&id, &setID); err != nil {
			return nil, err
		}
		changed[id] = setID
	}
	return changed, rows.Err()
}

// makeSets stores the sets of the artifacts that are not stored yet. Sets are few, and there is seldom a new one.
func makeSets(tx *gorm.DB, engine engine, ids []string) error {
	made := tx.Exec(`INSERT INTO project_sets (organization_id, members)
SELECT DISTINCT organization_id, members FROM (
  SELECT organization_id, `+projectsOfArtifact("a.id")+` AS members FROM artifacts a WHERE `+engine.oneOfIDs("id")+`) AS wanted
WHERE members IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM project_sets s WHERE s.organization_id = wanted.organization_id AND s.members = wanted.members)
ORDER BY organization_id, members ON CONFLICT DO NOTHING`, jsonList(ids))
	if made.Error != nil || made.RowsAffected == 0 {
		return made.Error // of a set that another has made since, these are the members that it has stored with it
	}
	return tx.Exec(`INSERT INTO project_set_members (project_id, project_set_id)
SELECT DISTINCT v.project_id, s.id
FROM artifacts a
JOIN project_sets s ON s.organization_id = a.organization_id AND s.members = `+projectsOfArtifact("a.id")+`
JOIN project_version_artifacts l ON l.artifact_id = a.id JOIN project_versions v ON v.id = l.project_version_id
WHERE `+engine.oneOfIDs("a.id")+` ON CONFLICT DO NOTHING`, jsonList(ids)).Error
}

// spreadSets gives the records and slots of artifacts, which are held, the artifact's set.
func spreadSets(tx *gorm.DB, engine engine, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	for _, table := range []struct{ name, order string }{
		{"deployment_records", "id"}, // the order in which recorders and imports hold them
		{"current_slots", "environment_id, deployment_name"},
	} {
		if engine == postgreSQL {
			err := tx.Exec("SELECT count(*) FROM (SELECT 1 FROM "+table.name+" t WHERE "+engine.oneOfIDs("artifact_id")+
				" ORDER BY "+table.order+engine.forChange("t")+") AS held", jsonList(ids)).Error
			if err != nil {
				return err
			}
		}
		set := "(SELECT a.project_set_id FROM artifacts a WHERE a.id = " + table.name + ".artifact_id)"
		err := tx.Exec("UPDATE "+table.name+" SET project_set_id = "+set+" WHERE "+engine.oneOfIDs("artifact_id")+
			" AND project_set_id <> "+set, jsonList(ids)).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// readStrings gives the only column of a query.
func readStrings(tx *gorm.DB, sql string, args ...any) ([]string, error) {
	var values []string
	err := tx.Raw(sql, args...).Scan(&values).Error
	return values, err
}
