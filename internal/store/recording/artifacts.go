package recording

import (
	"maps"
	"slices"

	"gorm.io/gorm"

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

// contentKey is the kind and the digest: artifacts with both in common are the same for the rules of recording.
type contentKey struct {
	kind   deployments.Kind
	digest string
}

// artifacts are those with a digest of the batch.
type artifacts struct {
	*schema.ArtifactCache
	// newest is the newest record of each content, with its artifact.
	newest map[contentKey]deployments.Record
	// sets are the project sets by artifact id, also of the artifacts of records that were read.
	sets map[string]int64
	// linked are the stored links.
	linked map[schema.Link]bool
}

func newArtifacts(r *Recorder, tx *gorm.DB, organizationID int64) *artifacts {
	return &artifacts{
		ArtifactCache: schema.NewArtifactCache(tx, organizationID, r.newID),
		newest:        make(map[contentKey]deployments.Record),
		sets:          make(map[string]int64),
		linked:        make(map[schema.Link]bool),
	}
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
	linked, err := w.readLinks()
	if err != nil {
		return err
	}
	strength := database.NoKeyUpdate
	if linked {
		strength = database.Share
	}
	var rows []struct {
		schema.Artifact
		RecordID        *string
		RecordCreatedAt database.Timestamp
	}
	err = w.tx.Raw(selectArtifactsWithNewest+w.db.Dialect.Lock(strength, "a"), w.organizationID, database.Texts(digests)).Scan(&rows).Error
	for _, row := range rows {
		w.artifacts.Put(row.Artifact)
		w.artifacts.sets[row.ID] = row.ProjectSetID
		if row.RecordID != nil {
			w.artifacts.putNewest(deployments.Record{ID: *row.RecordID, ArtifactID: row.ID, Artifact: row.Parts(), CreatedAt: row.RecordCreatedAt.Time})
		}
	}
	return err
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
			w.artifacts.linked[schema.Link{ProjectVersionID: *row.ProjectVersionID, ArtifactID: row.ID}] = true
		}
	}
	for _, row := range rows {
		for _, versionID := range wanted[contentKey{row.Kind, row.Digest}] {
			if !w.artifacts.linked[schema.Link{ProjectVersionID: versionID, ArtifactID: row.ID}] {
				return false, nil
			}
		}
	}
	return true, nil
}

// putNewest stores a record as the newest of its content if it is newer than the stored one.
func (a *artifacts) putNewest(record deployments.Record) {
	key := contentKey{record.Artifact.Kind, record.Artifact.Digest}
	if old, ok := a.newest[key]; !ok || record.NewerThan(old) {
		a.newest[key] = record
	}
}

// find returns the artifact of a recording, which is added if it is new. A name or version that was left out is the one of
// the newest artifact of the same content.
func (a *artifacts) find(r deployments.Recording) (id string, parts deployments.Artifact) {
	parts = a.newest[contentKey{r.Kind, r.Digest}].Artifact
	parts.Kind, parts.Digest = r.Kind, r.Digest
	if r.Name != nil {
		parts.Name = *r.Name
	}
	if r.Version != nil {
		parts.Version = *r.Version
	}
	if row, ok := a.ByParts(parts); ok {
		return row.ID, parts
	}
	return a.Add("", parts), parts
}

// saveArtifacts stores the new artifacts and links, and updates the project sets that change by them.
func (w *work) saveArtifacts() error {
	strength := database.Share
	if len(w.links) > 0 {
		strength = database.NoKeyUpdate
	}
	created, err := w.artifacts.Create(strength)
	if err != nil {
		return err
	}
	if len(created.Replaced) > 0 {
		for id, record := range w.records {
			if winner, ok := created.Replaced[record.ArtifactID]; ok {
				record.ArtifactID = winner.ID
				w.records[id] = record
				w.artifacts.sets[winner.ID] = winner.ProjectSetID
			}
		}
		for i := range w.links {
			if winner, ok := created.Replaced[w.links[i].ArtifactID]; ok {
				w.links[i].ArtifactID = winner.ID
			}
		}
	}
	links := slices.DeleteFunc(w.links, func(l schema.Link) bool { return w.artifacts.linked[l] })
	changed, err := schema.AddLinks(w.tx, links, created.Fresh)
	maps.Copy(w.artifacts.sets, changed)
	return err
}
