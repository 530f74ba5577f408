package store

import (
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// contentKey is what makes artifacts the same for the rules of recording.
type contentKey struct {
	kind   deployments.Kind
	digest string
}

// knownArtifacts are those of the batch's kinds and digests.
type knownArtifacts struct {
	ids map[deployments.Artifact]string
	// latest is the record by which an artifact is the newest of its content, and carries that artifact.
	latest map[contentKey]deployments.Record
	made   []artifactRow
}

// readArtifacts reads the artifacts that have a digest of the batch, each with its newest record.
func (w *recording) readArtifacts() (*knownArtifacts, error) {
	known := &knownArtifacts{ids: make(map[deployments.Artifact]string), latest: make(map[contentKey]deployments.Record)}
	var digests []string
	for _, item := range w.sound() {
		if item.Digest != "" {
			digests = append(digests, item.Digest)
		}
	}
	if len(digests) == 0 {
		return known, nil
	}
	rows, err := w.tx.Raw(`SELECT a.id, a.kind, a.name, a.version, a.digest, r.id, r.created_at
FROM artifacts a
LEFT JOIN deployment_records r ON r.id = (
  SELECT id FROM deployment_records WHERE artifact_id = a.id ORDER BY created_at DESC, id DESC LIMIT 1)
WHERE a.organization_id = ? AND `+w.engine.oneOf("a.digest")+" ORDER BY a.made DESC, a.id", w.organizationID, jsonList(distinct(digests))).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var (
			record   deployments.Record
			recordID *string
			created  timestamp
			a        = &record.Artifact
		)
		if err := rows.Scan(&record.ArtifactID, &a.Kind, &a.Name, &a.Version, &a.Digest, &recordID, &created); err != nil {
			return nil, err
		}
		if _, ok := known.ids[*a]; !ok { // of several ids for the same parts, the one made here, or the least
			known.ids[*a] = record.ArtifactID
		}
		if recordID != nil {
			record.ID, record.CreatedAt = *recordID, created.Time
			known.newest(record)
		}
	}
	return known, rows.Err()
}

// newest notes that a record has the newest artifact of its content, if it has.
func (k *knownArtifacts) newest(record deployments.Record) {
	key := contentKey{record.Artifact.Kind, record.Artifact.Digest}
	if old, ok := k.latest[key]; !ok || record.NewerThan(old) {
		k.latest[key] = record
	}
}

// of is the artifact that a recording is about, which is made if it is new. A name or version that was left out is
// that of the newest artifact of the same content.
func (k *knownArtifacts) of(r deployments.Recording, newID func() string) (id string, a deployments.Artifact) {
	a = k.latest[contentKey{r.Kind, r.Digest}].Artifact
	a.Kind, a.Digest = r.Kind, r.Digest
	if r.Name != nil {
		a.Name = *r.Name
	}
	if r.Version != nil {
		a.Version = *r.Version
	}
	if id, ok := k.ids[a]; ok {
		return id, a
	}
	row := newArtifactRow(0, "", a, newID)
	k.ids[a] = row.ID
	k.made = append(k.made, row)
	return row.ID, a
}

// save writes the artifacts that were made. One that another recorder made at the same time counts instead, and the
// records get its id.
func (k *knownArtifacts) save(w *recording) error {
	if len(k.made) == 0 {
		return nil
	}
	var digests []string
	for i := range k.made {
		k.made[i].OrganizationID = w.organizationID
		digests = append(digests, k.made[i].Digest)
	}
	if err := createAll(w.tx.Clauses(clause.OnConflict{DoNothing: true}), k.made); err != nil {
		return err
	}
	var stored []artifactRow
	err := w.tx.Where("made AND organization_id = ? AND "+w.engine.oneOf("digest"), w.organizationID, jsonList(distinct(digests))).Find(&stored).Error
	if err != nil {
		return err
	}
	ids := make(map[deployments.Artifact]string, len(stored))
	for _, row := range stored {
		ids[row.artifact()] = row.ID
	}
	replaced := make(map[string]string)
	for _, row := range k.made {
		if id := ids[row.artifact()]; id != row.ID {
			replaced[row.ID] = id
		}
	}
	if len(replaced) == 0 {
		return nil
	}
	for id, record := range w.records {
		if other, ok := replaced[record.ArtifactID]; ok {
			record.ArtifactID = other
			w.records[id] = record
		}
	}
	for i := range w.links {
		if other, ok := replaced[w.links[i].ArtifactID]; ok {
			w.links[i].ArtifactID = other
		}
	}
	return nil
}
