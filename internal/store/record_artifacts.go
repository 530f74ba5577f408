package store

import (
	"maps"
	"slices"

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
	// sets are the project sets of artifacts by id, of those of records that were read, too.
	sets map[string]int64
	// linked are links that are stored, of these artifacts to versions of the batch.
	linked map[projectVersionArtifactRow]bool
}

// readArtifacts reads the artifacts that have a digest of the batch, each with its newest record, and holds them as
// project_sets.go says: for itself if there is a link to be made, or shared with other recorders.
func (w *recording) readArtifacts() (*knownArtifacts, error) {
	known := &knownArtifacts{
		ids: make(map[deployments.Artifact]string), latest: make(map[contentKey]deployments.Record),
		sets: make(map[string]int64), linked: make(map[projectVersionArtifactRow]bool),
	}
	var digests []string
	for _, item := range w.sound() {
		if item.Digest != "" {
			digests = append(digests, item.Digest)
		}
	}
	if len(digests) == 0 {
		return known, nil
	}
	all, err := known.readLinks(w)
	if err != nil {
		return nil, err
	}
	held := w.engine.forShare
	if !all {
		held = w.engine.forChange
	}
	rows, err := w.tx.Raw(`SELECT a.id, a.kind, a.name, a.version, a.digest, a.made, a.project_set_id, r.id, r.created_at
FROM artifacts a
LEFT JOIN deployment_records r ON r.id = (
  SELECT id FROM deployment_records WHERE artifact_id = a.id ORDER BY created_at DESC, id DESC LIMIT 1)
WHERE a.organization_id = ? AND `+w.engine.oneOf("a.digest")+" ORDER BY a.id"+held("a"), w.organizationID, jsonList(distinct(digests))).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var (
			record   deployments.Record
			made     bool
			setID    int64
			recordID *string
			created  timestamp
			a        = &record.Artifact
		)
		if err := rows.Scan(&record.ArtifactID, &a.Kind, &a.Name, &a.Version, &a.Digest, &made, &setID, &recordID, &created); err != nil {
			return nil, err
		}
		known.sets[record.ArtifactID] = setID
		if _, ok := known.ids[*a]; !ok || made { // of several ids for the same parts, the one made here, or the least
			known.ids[*a] = record.ArtifactID
		}
		if recordID != nil {
			record.ID, record.CreatedAt = *recordID, created.Time
			known.newest(record)
		}
	}
	return known, rows.Err()
}

// readLinks reads which versions of the batch its artifacts are linked to already. It says whether these are all that
// the batch may link, going by the artifacts that are stored. Links are never removed.
func (k *knownArtifacts) readLinks(w *recording) (all bool, err error) {
	wanted := make(map[contentKey][]int64)
	var digests []string
	for _, item := range w.sound() {
		if item.Digest != "" && len(item.versionIDs) > 0 {
			key := contentKey{item.Kind, item.Digest}
			wanted[key] = append(wanted[key], item.versionIDs...)
			digests = append(digests, item.Digest)
		}
	}
	if len(digests) == 0 {
		return true, nil
	}
	rows, err := w.tx.Raw(`SELECT a.id, a.kind, a.digest, l.project_version_id
FROM artifacts a LEFT JOIN project_version_artifacts l ON l.artifact_id = a.id
WHERE a.organization_id = ? AND `+w.engine.oneOf("a.digest"), w.organizationID, jsonList(distinct(digests))).Rows()
	if err != nil {
		return false, err
	}
	defer rows.Close()
	contents := make(map[string]contentKey)
	for rows.Next() {
		var (
			id, digest string
			kind       deployments.Kind
			versionID  *int64
		)
		if err := rows.Scan(&id, &kind, &digest, &versionID); err != nil {
			return false, err
		}
		contents[id] = contentKey{kind, digest}
		if versionID != nil {
			k.linked[projectVersionArtifactRow{ProjectVersionID: *versionID, ArtifactID: id}] = true
		}
	}
	for id, content := range contents {
		for _, versionID := range wanted[content] {
			if !k.linked[projectVersionArtifactRow{ProjectVersionID: versionID, ArtifactID: id}] {
				return false, rows.Err()
			}
		}
	}
	return true, rows.Err()
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
	held := w.engine.forShare
	if len(w.links) > 0 {
		held = w.engine.forChange
	}
	err := w.tx.Raw("SELECT a.* FROM artifacts a WHERE made AND organization_id = ? AND "+w.engine.oneOf("digest")+" ORDER BY a.id"+held("a"),
		w.organizationID, jsonList(distinct(digests))).Scan(&stored).Error
	if err != nil {
		return err
	}
	ids := make(map[deployments.Artifact]string, len(stored))
	for _, row := range stored {
		ids[row.artifact()] = row.ID
		k.sets[row.ID] = row.ProjectSetID
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

// link stores the batch's links that are new, and notes the sets of artifacts that change by it.
func (k *knownArtifacts) link(w *recording) error {
	links := slices.DeleteFunc(w.links, func(l projectVersionArtifactRow) bool { return k.linked[l] })
	fresh := make(map[string]bool)
	for _, row := range k.made {
		fresh[row.ID] = true
	}
	changed, err := link(w.tx, w.engine, links, fresh)
	maps.Copy(k.sets, changed)
	return err
}
