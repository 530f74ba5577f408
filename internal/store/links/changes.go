package links

import (
	"maps"
	"slices"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// Changes are the links that a batch adds, by artifact.
type Changes struct {
	tx *gorm.DB
	// Stored has the links that are stored, as far as they have been read.
	Stored map[schema.Link]bool
	// versions are the ids of project versions that recordings name.
	versions map[string][]int64
	// sources are the ids of artifacts whose stored links the artifact gets.
	sources map[string][]string
}

// NewChanges returns no changes.
func NewChanges(tx *gorm.DB) *Changes {
	return &Changes{tx: tx, Stored: make(map[schema.Link]bool), versions: make(map[string][]int64), sources: make(map[string][]string)}
}

// Add links an artifact to project versions.
func (c *Changes) Add(artifactID string, versionIDs ...int64) {
	if len(versionIDs) > 0 {
		c.versions[artifactID] = append(c.versions[artifactID], versionIDs...)
	}
}

// Copy links an artifact to the project versions of the source, as the batch has left it so far.
func (c *Changes) Copy(artifactID, source string) {
	c.Add(artifactID, c.versions[source]...)
	c.sources[artifactID] = append(append(c.sources[artifactID], source), c.sources[source]...)
}

// Replace moves the changes of an artifact to the one that another writer has stored for it.
func (c *Changes) Replace(artifactID, winner string) {
	c.Add(winner, c.versions[artifactID]...)
	delete(c.versions, artifactID)
	if sources := c.sources[artifactID]; len(sources) > 0 {
		c.sources[winner] = append(c.sources[winner], sources...)
		delete(c.sources, artifactID)
	}
	for _, sources := range c.sources {
		for i, source := range sources {
			if source == artifactID {
				sources[i] = winner
			}
		}
	}
}

// Empty reports whether there are no changes.
func (c *Changes) Empty() bool { return len(c.versions)+len(c.sources) == 0 }

// Save stores the links that are not stored. See Add.
func (c *Changes) Save(fresh map[string]bool) (changed map[string]int64, err error) {
	links, err := c.missing()
	if err != nil {
		return nil, err
	}
	return Add(c.tx, links, fresh)
}

// missing returns the links that the batch adds and that are not stored.
func (c *Changes) missing() ([]schema.Link, error) {
	if err := c.readCopied(); err != nil {
		return nil, err
	}
	var links []schema.Link
	for artifactID, versions := range c.versions {
		for _, versionID := range versions {
			if link := (schema.Link{ProjectVersionID: versionID, ArtifactID: artifactID}); !c.Stored[link] {
				links = append(links, link)
			}
		}
	}
	return links, nil
}

// readCopied replaces the sources of links by the versions that they have. The caller has locked the sources.
func (c *Changes) readCopied() error {
	if len(c.sources) == 0 {
		return nil
	}
	ids := slices.Collect(maps.Keys(c.sources))
	for _, sources := range c.sources {
		ids = append(ids, sources...)
	}
	var stored []schema.Link
	if err := c.tx.Where("artifact_id IN (?)", database.IDs(ids)).Find(&stored).Error; err != nil {
		return err
	}
	versions := make(map[string][]int64)
	for _, link := range stored {
		c.Stored[link] = true
		versions[link.ArtifactID] = append(versions[link.ArtifactID], link.ProjectVersionID)
	}
	for artifactID, sources := range c.sources {
		for _, source := range sources {
			c.Add(artifactID, versions[source]...)
		}
	}
	return nil
}
