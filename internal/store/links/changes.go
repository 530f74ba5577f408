package links

import (
	"maps"
	"slices"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// Changes are the links that a batch adds. Its items may repeat the same links and copies any number of times.
type Changes struct {
	tx *gorm.DB
	// stored has the links that have been read, and whether they are stored.
	stored map[schema.Link]bool
	// versions are the ids of project versions that recordings name, by artifact; added has each of these links.
	versions map[string][]int64
	added    map[schema.Link]bool
	// sources are the artifacts whose stored links an artifact gets, and the number of their versions that it has got.
	sources map[string]map[string]int
}

// NewChanges returns no changes.
func NewChanges(tx *gorm.DB) *Changes {
	c := &Changes{tx: tx, stored: make(map[schema.Link]bool)}
	c.reset()
	return c
}

func (c *Changes) reset() {
	c.versions, c.added, c.sources = make(map[string][]int64), make(map[schema.Link]bool), make(map[string]map[string]int)
}

// Read reads which of the links are stored, and reports whether all are.
func (c *Changes) Read(links []schema.Link) (all bool, err error) {
	missing, err := Missing(c.tx, links)
	for _, link := range links {
		c.stored[link] = true
	}
	for _, link := range missing {
		c.stored[link] = false
	}
	return len(missing) == 0, err
}

// Add links an artifact to project versions.
func (c *Changes) Add(artifactID string, versionIDs ...int64) {
	for _, id := range versionIDs {
		if link := (schema.Link{ProjectVersionID: id, ArtifactID: artifactID}); !c.added[link] {
			c.added[link] = true
			c.versions[artifactID] = append(c.versions[artifactID], id)
		}
	}
}

// Copy links an artifact to the project versions of the source, as the batch has left it so far.
func (c *Changes) Copy(artifactID, source string) {
	for other := range c.sources[source] {
		c.addSource(artifactID, other)
	}
	c.addSource(artifactID, source)
	versions := c.versions[source]
	c.Add(artifactID, versions[c.sources[artifactID][source]:]...)
	c.sources[artifactID][source] = len(versions)
}

func (c *Changes) addSource(artifactID, source string) {
	if c.sources[artifactID] == nil {
		c.sources[artifactID] = make(map[string]int)
	}
	if _, ok := c.sources[artifactID][source]; !ok {
		c.sources[artifactID][source] = 0
	}
}

// Replace moves the changes of artifacts to those that other writers have stored for them.
func (c *Changes) Replace(winners map[string]string) {
	if len(winners) == 0 {
		return
	}
	winnerOf := func(artifactID string) string {
		if winner, ok := winners[artifactID]; ok {
			return winner
		}
		return artifactID
	}
	versions, sources := c.versions, c.sources
	c.reset()
	for artifactID, ids := range versions {
		c.Add(winnerOf(artifactID), ids...)
	}
	for artifactID, of := range sources {
		for source := range of {
			c.addSource(winnerOf(artifactID), winnerOf(source))
		}
	}
}

// Empty reports whether there are no changes.
func (c *Changes) Empty() bool { return len(c.versions)+len(c.sources) == 0 }

// Save stores the links that are not stored. See Add.
func (c *Changes) Save(fresh map[string]bool) (changed map[string]int64, err error) {
	links, err := c.missing(fresh)
	if err != nil {
		return nil, err
	}
	return Add(c.tx, links, fresh)
}

// missing returns the links that the batch adds and that are not stored. Fresh artifacts have no stored links.
func (c *Changes) missing(fresh map[string]bool) ([]schema.Link, error) {
	if err := c.readCopied(); err != nil {
		return nil, err
	}
	var missing, unread []schema.Link
	for artifactID, versions := range c.versions {
		for _, versionID := range versions {
			link := schema.Link{ProjectVersionID: versionID, ArtifactID: artifactID}
			switch stored, read := c.stored[link]; {
			case !read && !fresh[artifactID]:
				unread = append(unread, link)
			case !stored:
				missing = append(missing, link)
			}
		}
	}
	found, err := Missing(c.tx, unread)
	return append(missing, found...), err
}

// readCopied replaces the sources of links by the versions that they have. The caller has locked the sources.
func (c *Changes) readCopied() error {
	if len(c.sources) == 0 {
		return nil
	}
	ids := slices.Collect(maps.Keys(c.sources))
	for _, sources := range c.sources {
		ids = slices.AppendSeq(ids, maps.Keys(sources))
	}
	var stored []schema.Link
	err := c.tx.Where(database.DialectOf(c.tx).SearchSets("artifact_id IN (?)"), database.IDs(ids)).Find(&stored).Error
	if err != nil {
		return err
	}
	versions := make(map[string][]int64)
	for _, link := range stored {
		c.stored[link] = true
		versions[link.ArtifactID] = append(versions[link.ArtifactID], link.ProjectVersionID)
	}
	for artifactID, sources := range c.sources {
		for source := range sources {
			c.Add(artifactID, versions[source]...)
		}
	}
	return nil
}
