package recording

import (
	"maps"
	"slices"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// linkChanges are the links that a batch adds, by artifact.
type linkChanges struct {
	// versions are the ids of project versions that recordings name.
	versions map[string][]int64
	// sources are the ids of artifacts whose stored links the artifact gets.
	sources map[string][]string
}

func newLinkChanges() linkChanges {
	return linkChanges{versions: make(map[string][]int64), sources: make(map[string][]string)}
}

// add links an artifact to project versions.
func (l linkChanges) add(artifactID string, versionIDs ...int64) {
	if len(versionIDs) > 0 {
		l.versions[artifactID] = append(l.versions[artifactID], versionIDs...)
	}
}

// copy links an artifact to the project versions of the source, as the batch has left it so far.
func (l linkChanges) copy(artifactID, source string) {
	l.add(artifactID, l.versions[source]...)
	l.sources[artifactID] = append(append(l.sources[artifactID], source), l.sources[source]...)
}

// replace moves the changes of an artifact to the one that another writer has stored for it.
func (l linkChanges) replace(artifactID, winner string) {
	l.add(winner, l.versions[artifactID]...)
	delete(l.versions, artifactID)
	if sources := l.sources[artifactID]; len(sources) > 0 {
		l.sources[winner] = append(l.sources[winner], sources...)
		delete(l.sources, artifactID)
	}
	for _, sources := range l.sources {
		for i, source := range sources {
			if source == artifactID {
				sources[i] = winner
			}
		}
	}
}

func (l linkChanges) empty() bool { return len(l.versions)+len(l.sources) == 0 }

// fill moves the answer of a change to the artifact with the parts that a recording has filled in (W3). The artifact gets the
// project versions of the one before.
func (w *work) fill(change *deployments.Change) {
	answer := &change.Answer
	source := answer.ArtifactID
	answer.ArtifactID = w.artifactID(answer.Artifact)
	w.links.copy(answer.ArtifactID, source)
	w.putNewest(*answer)
	for i, record := range change.Updated {
		if record.ID == answer.ID {
			change.Updated[i] = *answer
		}
	}
}

// missingLinks returns the links that the batch adds and that are not stored.
func (w *work) missingLinks() ([]schema.Link, error) {
	if err := w.readCopiedLinks(); err != nil {
		return nil, err
	}
	var links []schema.Link
	for artifactID, versions := range w.links.versions {
		for _, versionID := range versions {
			if link := (schema.Link{ProjectVersionID: versionID, ArtifactID: artifactID}); !w.linked[link] {
				links = append(links, link)
			}
		}
	}
	return links, nil
}

// readCopiedLinks replaces the sources of links by the versions that they have. The caller has locked the sources.
func (w *work) readCopiedLinks() error {
	if len(w.links.sources) == 0 {
		return nil
	}
	ids := slices.Collect(maps.Keys(w.links.sources))
	for _, sources := range w.links.sources {
		ids = append(ids, sources...)
	}
	var stored []schema.Link
	if err := w.tx.Where("artifact_id IN (?)", database.IDs(ids)).Find(&stored).Error; err != nil {
		return err
	}
	versions := make(map[string][]int64)
	for _, link := range stored {
		w.linked[link] = true
		versions[link.ArtifactID] = append(versions[link.ArtifactID], link.ProjectVersionID)
	}
	for artifactID, sources := range w.links.sources {
		for _, source := range sources {
			w.links.add(artifactID, versions[source]...)
		}
	}
	return nil
}
