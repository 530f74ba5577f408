package links

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// maxCopied is the maximum number of links that a batch copies (W3). The request bounds only the links that it names.
const maxCopied = 100_000

// selectSources selects the stored links of artifacts.
const selectSources = `SELECT project_version_id, CAST(artifact_id AS text) FROM project_version_artifacts WHERE artifact_id IN (?) LIMIT ?`

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
	// copied is the number of links in added that were copied, at most one more than maxCopied.
	copied int
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
		c.add(artifactID, id)
	}
}

func (c *Changes) add(artifactID string, versionID int64) (added bool) {
	link := schema.Link{ProjectVersionID: versionID, ArtifactID: artifactID}
	if c.added[link] {
		return false
	}
	c.added[link] = true
	c.versions[artifactID] = append(c.versions[artifactID], versionID)
	return true
}

// Copy links an artifact to the project versions of the source, as the batch has left it so far. Save fails if the batch
// copies more links than it may.
func (c *Changes) Copy(artifactID, source string) {
	for other := range c.sources[source] {
		c.addSource(artifactID, other)
	}
	c.addSource(artifactID, source)
	versions := c.versions[source]
	for _, id := range versions[c.sources[artifactID][source]:] {
		c.copyLink(artifactID, id)
	}
	c.sources[artifactID][source] = len(versions)
}

// copyLink adds a link unless the batch has copied too many.
func (c *Changes) copyLink(artifactID string, versionID int64) {
	if c.copied <= maxCopied && c.add(artifactID, versionID) {
		c.copied++
	}
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

// Save stores the links that are not stored. See Add. It returns a *deployments.BatchError if the batch copies more than
// maxCopied links.
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

// readCopied copies the stored links of the sources. The caller has locked the sources. If the request ends, so does the loop.
func (c *Changes) readCopied() error {
	if len(c.sources) == 0 {
		return nil
	}
	artifacts, mostSources := make(map[string][]string), 0 // by source
	for artifactID, sources := range c.sources {
		mostSources = max(mostSources, len(sources))
		for source := range sources {
			artifacts[source] = append(artifacts[source], artifactID)
		}
	}
	// So many links make more than maxCopied new ones: each adds one that is not in added, unless another source of the artifact
	// does so.
	limit := (maxCopied + 1 + len(c.added)) * mostSources
	ids := database.IDs(slices.Collect(maps.Keys(artifacts)))
	err := database.ForEachRow(c.tx.Raw(database.DialectOf(c.tx).SearchSets(selectSources), ids, limit), func(rows *sql.Rows) error {
		var link schema.Link
		if err := rows.Scan(&link.ProjectVersionID, &link.ArtifactID); err != nil {
			return err
		}
		for _, artifactID := range artifacts[link.ArtifactID] {
			c.copyLink(artifactID, link.ProjectVersionID)
		}
		return c.checkCopied()
	})
	if err != nil {
		return err
	}
	return c.checkCopied()
}

// checkCopied rejects the batch if it copies too many links.
func (c *Changes) checkCopied() error {
	if c.copied <= maxCopied {
		return nil
	}
	violation := deployments.Violation{Field: "deployments", Message: fmt.Sprintf(
		"%d artifacts get a name or version, and with it more than %d project versions of other artifacts, the limit of one batch: send smaller batches",
		len(c.sources), maxCopied)}
	if len(c.sources) == 1 {
		violation = deployments.Violation{Field: "artifact_name", Message: fmt.Sprintf(
			"the artifact that gets the name or version belongs to more than %d project versions, the limit of one request: leave out artifact_name and artifact_version",
			maxCopied)}
	}
	return &deployments.BatchError{Violations: []deployments.Violation{violation}}
}
