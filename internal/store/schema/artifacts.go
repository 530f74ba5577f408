package schema

import (
	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

// ArtifactCache finds and creates artifacts in a transaction, and remembers them: by id those of any organization, by
// parts those of its own. Artifacts never change, apart from their project sets, and are never removed.
type ArtifactCache struct {
	tx             *gorm.DB
	organizationID int64
	newID          func() string
	byID           map[string]Artifact
	byParts        map[deployments.Artifact]Artifact
	// digests are those whose artifacts are all in the cache.
	digests map[string]bool
	// added are the rows that Create writes: given with an id by the caller, made with one of newID.
	given, made []Artifact
}

// NewArtifactCache returns an empty cache.
func NewArtifactCache(tx *gorm.DB, organizationID int64, newID func() string) *ArtifactCache {
	c := &ArtifactCache{tx: tx, organizationID: organizationID, newID: newID}
	c.reset()
	return c
}

func (c *ArtifactCache) reset() {
	c.byID, c.byParts, c.digests = make(map[string]Artifact), make(map[deployments.Artifact]Artifact), make(map[string]bool)
}

// Limit empties a cache that has more than limit artifacts.
func (c *ArtifactCache) Limit(limit int) {
	if len(c.byID) > limit {
		c.reset()
	}
}

// ByID returns an artifact that is in the cache.
func (c *ArtifactCache) ByID(id string) (Artifact, bool) { row, ok := c.byID[id]; return row, ok }

// ByParts returns an artifact of the organization that is in the cache.
func (c *ArtifactCache) ByParts(parts deployments.Artifact) (Artifact, bool) {
	row, ok := c.byParts[parts]
	return row, ok
}

// Put adds stored artifacts. Imports may have given several ids to the same parts: the generated id counts, or else the
// least.
func (c *ArtifactCache) Put(rows ...Artifact) {
	for _, row := range rows {
		c.byID[row.ID] = row
		if row.OrganizationID != c.organizationID {
			continue
		}
		if other, ok := c.byParts[row.Parts()]; !ok || row.Made && !other.Made || row.Made == other.Made && row.ID < other.ID {
			c.byParts[row.Parts()] = row
		}
	}
}

// Find reads the artifacts of the digests and ids that the cache lacks.
func (c *ArtifactCache) Find(digests, ids []string) error {
	var newDigests, newIDs []string
	for _, digest := range digests {
		if !c.digests[digest] {
			c.digests[digest] = true
			newDigests = append(newDigests, digest)
		}
	}
	for _, id := range ids {
		if _, ok := c.byID[id]; !ok && id != "" {
			newIDs = append(newIDs, id)
		}
	}
	if len(newDigests) > 0 {
		var rows []Artifact
		if err := c.tx.Where("organization_id = ? AND digest IN (?)", c.organizationID, database.Texts(newDigests)).Find(&rows).Error; err != nil {
			return err
		}
		c.Put(rows...)
	}
	if len(newIDs) == 0 {
		return nil
	}
	var rows []Artifact
	err := c.tx.Where("id IN (?)", database.IDs(distinct(newIDs))).Find(&rows).Error
	c.Put(rows...)
	return err
}

// Add adds an artifact that does not exist and returns its id, which is generated unless it is given. Create stores it.
func (c *ArtifactCache) Add(id string, parts deployments.Artifact) string {
	row := Artifact{
		ID: id, OrganizationID: c.organizationID,
		Kind: parts.Kind, Name: parts.Name, Version: parts.Version, Digest: parts.Digest, Made: id == "",
	}
	if row.Made {
		row.ID = c.newID()
		c.made = append(c.made, row)
	} else {
		c.given = append(c.given, row)
	}
	c.Put(row)
	return row.ID
}

// Created is the outcome of ArtifactCache.Create.
type Created struct {
	// Fresh are the ids of the artifacts that this transaction has added and that have no records yet.
	Fresh map[string]bool
	// Replaced maps an id that was not stored to the artifact that counts instead: another writer has created one of the
	// same parts since.
	Replaced map[string]Artifact
}

// Create stores the artifacts that Add added since the last Create. It locks those in Replaced with the strength.
func (c *ArtifactCache) Create(strength string) (Created, error) {
	created := Created{Fresh: make(map[string]bool, len(c.given)+len(c.made))}
	for _, rows := range [][]Artifact{c.given, c.made} {
		for _, row := range rows {
			created.Fresh[row.ID] = true
		}
	}
	given, made := c.given, c.made
	c.given, c.made = nil, nil
	if err := database.CreateAll(c.tx, given); err != nil {
		return Created{}, err
	}
	all, err := database.CreateMissing(c.tx, made)
	if err != nil || all {
		return created, err
	}
	digests := make([]string, len(made))
	for i, row := range made {
		digests[i] = row.Digest
	}
	var stored []Artifact
	err = c.tx.Raw("SELECT a.* FROM artifacts a WHERE made AND organization_id = ? AND digest IN (?) ORDER BY a.id"+
		database.DialectOf(c.tx).Lock(strength, "a"), c.organizationID, database.Texts(distinct(digests))).Scan(&stored).Error
	if err != nil {
		return Created{}, err
	}
	byParts := make(map[deployments.Artifact]Artifact, len(stored))
	for _, row := range stored {
		byParts[row.Parts()] = row
	}
	created.Replaced = make(map[string]Artifact)
	for _, row := range made {
		if winner := byParts[row.Parts()]; winner.ID != row.ID {
			created.Replaced[row.ID] = winner
			delete(created.Fresh, row.ID)
			delete(c.byID, row.ID)
			delete(c.byParts, row.Parts())
			c.Put(winner)
		}
	}
	return created, nil
}
