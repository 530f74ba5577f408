package applying

import (
	"maps"
	"slices"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// newestRecordColumns are the columns of an artifact's newest record.
const newestRecordColumns = `,
  (SELECT r.id FROM deployment_records r WHERE r.artifact_id = a.id ORDER BY r.created_at DESC, r.id DESC LIMIT 1) AS record_id,
  (SELECT r.created_at FROM deployment_records r WHERE r.artifact_id = a.id ORDER BY r.created_at DESC, r.id DESC LIMIT 1) AS record_created_at`

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
	type row struct {
		schema.Artifact
		RecordID        *string
		RecordCreatedAt database.Timestamp
	}
	rows, err := schema.ArtifactsByDigest[row](w.tx, w.organizationID, digests, artifactLock(!allLinked), newestRecordColumns)
	for _, row := range rows {
		w.artifacts.Put(row.Artifact)
		w.sets[row.ID] = row.ProjectSetID
		if row.RecordID != nil {
			w.putNewestOfContent(deployments.Record{ID: *row.RecordID, ArtifactID: row.ID, Artifact: row.Parts(), CreatedAt: row.RecordCreatedAt.Time})
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

// readLinks reads which links the batch may add to stored artifacts, and reports whether all of them exist. It reports false
// without reading if these artifacts are many more than the versions that the batch names.
func (w *work) readLinks() (all bool, err error) {
	wanted := make(map[contentKey][]int64)
	named := 0
	var digests []string
	for _, item := range w.valid() {
		if item.Digest != "" && len(item.ids.Versions) > 0 {
			key := contentKey{item.Kind, item.Digest}
			wanted[key] = append(wanted[key], item.ids.Versions...)
			digests = append(digests, item.Digest)
		}
	}
	if len(digests) == 0 {
		return true, nil
	}
	for key, versionIDs := range wanted {
		slices.Sort(versionIDs)
		wanted[key] = slices.Compact(versionIDs)
		named += len(wanted[key])
	}
	artifacts, err := schema.ArtifactsByDigest[schema.Artifact](w.tx, w.organizationID, digests, "", "")
	if err != nil {
		return false, err
	}
	var candidates []schema.Link
	for _, artifact := range artifacts {
		versionIDs := wanted[contentKey{artifact.Kind, artifact.Digest}]
		if len(candidates)+len(versionIDs) > max(minCheckedLinks, maxArtifactsPerVersion*named) {
			return false, nil
		}
		for _, versionID := range versionIDs {
			candidates = append(candidates, schema.Link{ProjectVersionID: versionID, ArtifactID: artifact.ID})
		}
	}
	return w.links.Read(candidates)
}

const (
	// minCheckedLinks is a number of links that every batch may read.
	minCheckedLinks = 1000
	// maxArtifactsPerVersion bounds the links that a larger batch reads by those that it names.
	maxArtifactsPerVersion = 4
)

// putNewestOfContent stores a record as the newest of its content if it is, or if it is newer than the stored one.
func (w *work) putNewestOfContent(record deployments.Record) {
	key := contentKey{record.Artifact.Kind, record.Artifact.Digest}
	if old, ok := w.newestByContent[key]; !ok || record.ID == old.ID || record.NewerThan(old) {
		w.newestByContent[key] = record
	}
}

// artifact returns the artifact of a recording, which it adds if it is new. A name or version that was left out is that of the
// newest artifact of the same content.
func (w *work) artifact(r deployments.Recording) (id string, parts deployments.Artifact) {
	parts = w.newestByContent[contentKey{r.Kind, r.Digest}].Artifact
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
	winners := make(map[string]string, len(replaced))
	for artifactID, winner := range replaced {
		winners[artifactID] = winner.ID
	}
	w.links.Replace(winners)
	changed, err := w.links.Save(fresh)
	maps.Copy(w.sets, changed)
	return err
}
