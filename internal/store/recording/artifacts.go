package recording

import (
	"maps"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

const (
	selectArtifactsWithNewest = `SELECT a.*, r.id AS record_id, r.created_at AS record_created_at
FROM artifacts a
LEFT JOIN deployment_records r ON r.id = (
  SELECT id FROM deployment_records WHERE artifact_id = a.id ORDER BY created_at DESC, id DESC LIMIT 1)
WHERE a.organization_id = ? AND a.digest IN (?) ORDER BY a.id`

	selectArtifactLinks = `SELECT a.id, a.kind, a.digest, l.project_version_id
FROM artifacts a LEFT JOIN project_version_artifacts l ON l.artifact_id = a.id
WHERE a.organization_id = ? AND a.digest IN (?)`
)

// contentKey is the kind and the digest: the rules of recording treat artifacts that share both as one.
type contentKey struct {
	kind   deployments.Kind
	digest string
}

// readArtifacts reads and locks the artifacts with a digest of the batch, and reads the newest record of each. The lock is
// shared with other recorders unless the batch adds a link.
func (w *work) readArtifacts() error {
	var digests []string
	for _, item := range w.valid() {
		if item.Digest != "" {
			digests = append(digests, item.Digest)
		}
	}
	if len(digests) == 0 {
		return nil
	}
	allLinked, err := w.readLinks()
	if err != nil {
		return err
	}
	var rows []struct {
		schema.Artifact
		RecordID        *string
		RecordCreatedAt database.Timestamp
	}
	err = w.tx.Raw(selectArtifactsWithNewest+w.db.Dialect.Lock(artifactLock(!allLinked), "a"), w.organizationID, database.Texts(digests)).Scan(&rows).Error
	for _, row := range rows {
		w.artifacts.Put(row.Artifact)
		w.sets[row.ID] = row.ProjectSetID
		if row.RecordID != nil {
			w.putNewest(deployments.Record{ID: *row.RecordID, ArtifactID: row.ID, Artifact: row.Parts(), CreatedAt: row.RecordCreatedAt.Time})
		}
	}
	return err
}

// artifactLock returns the strength of the lock on artifacts (see package schema).
func artifactLock(addsLinks bool) string {
	if addsLinks {
		return database.NoKeyUpdate
	}
	return database.Share
}

// readLinks reads the links of stored artifacts to the project versions of the batch. It reports whether all links that the
// batch may add to stored artifacts exist.
func (w *work) readLinks() (all bool, err error) {
	wanted := make(map[contentKey][]int64)
	var digests []string
	for _, item := range w.valid() {
		if item.Digest != "" && len(item.versionIDs) > 0 {
			key := contentKey{item.Kind, item.Digest}
			wanted[key] = append(wanted[key], item.versionIDs...)
			digests = append(digests, item.Digest)
		}
	}
	if len(digests) == 0 {
		return true, nil
	}
	var rows []struct {
		schema.Artifact
		ProjectVersionID *int64
	}
	if err := w.tx.Raw(selectArtifactLinks, w.organizationID, database.Texts(digests)).Scan(&rows).Error; err != nil {
		return false, err
	}
	for _, row := range rows {
		if row.ProjectVersionID != nil {
			w.links.Stored[schema.Link{ProjectVersionID: *row.ProjectVersionID, ArtifactID: row.ID}] = true
		}
	}
	for _, row := range rows {
		for _, versionID := range wanted[contentKey{row.Kind, row.Digest}] {
			if !w.links.Stored[schema.Link{ProjectVersionID: versionID, ArtifactID: row.ID}] {
				return false, nil
			}
		}
	}
	return true, nil
}

// putNewest stores a record as the newest of its content if it is, or if it is newer than the stored one.
func (w *work) putNewest(record deployments.Record) {
	key := contentKey{record.Artifact.Kind, record.Artifact.Digest}
	if old, ok := w.newestOf[key]; !ok || record.ID == old.ID || record.NewerThan(old) {
		w.newestOf[key] = record
	}
}

// artifact returns the artifact of a recording, which it adds if it is new. A name or version that was left out is that of the
// newest artifact of the same content.
func (w *work) artifact(r deployments.Recording) (id string, parts deployments.Artifact) {
	parts = w.newestOf[contentKey{r.Kind, r.Digest}].Artifact
	parts.Kind, parts.Digest = r.Kind, r.Digest
	if r.Name != nil {
		parts.Name = *r.Name
	}
	if r.Version != nil {
		parts.Version = *r.Version
	}
	return w.artifactID(parts), parts
}

// artifactID returns the id of the artifact with the parts, which it adds if there is none.
func (w *work) artifactID(parts deployments.Artifact) string {
	if row, ok := w.artifacts.ByParts[parts]; ok {
		return row.ID
	}
	return w.artifacts.Add("", parts)
}

// saveArtifacts stores the new artifacts and links, and updates the project sets that change by them.
func (w *work) saveArtifacts() error {
	fresh, replaced, err := w.artifacts.Create(artifactLock(!w.links.Empty()))
	if err != nil {
		return err
	}
	for id, record := range w.records {
		if winner, ok := replaced[record.ArtifactID]; ok {
			record.ArtifactID = winner.ID
			w.records[id] = record
			w.sets[winner.ID] = winner.ProjectSetID
		}
	}
	for artifactID, winner := range replaced {
		w.links.Replace(artifactID, winner.ID)
	}
	changed, err := w.links.Save(fresh)
	maps.Copy(w.sets, changed)
	return err
}
