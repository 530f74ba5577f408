package schema

import (
	"cmp"
	"slices"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

// ArtifactFinder finds and creates artifacts in a transaction. Artifacts never change, apart from their project sets, and are
// never removed.
type ArtifactFinder struct {
	tx             *gorm.DB
	organizationID int64
	newID          func() string
	// ByID has the cached artifacts of any organization, ByParts those of this one.
	ByID    map[string]Artifact
	ByParts map[deployments.Artifact]Artifact
	// digests are those whose artifacts are all in the cache.
	digests map[string]bool
	// given and made are the rows for Create, with an id of the caller or of newID.
	given, made []Artifact
}

// NewArtifactFinder returns an empty cache.
func NewArtifactFinder(tx *gorm.DB, organizationID int64, newID func() string) *ArtifactFinder {
	c := &ArtifactFinder{tx: tx, organizationID: organizationID, newID: newID}
	c.reset()
	return c
}

func (c *ArtifactFinder) reset() {
	c.ByID, c.ByParts, c.digests = make(map[string]Artifact), make(map[deployments.Artifact]Artifact), make(map[string]bool)
}

// Limit empties a cache that has more than limit artifacts.
func (c *ArtifactFinder) Limit(limit int) {
	if len(c.ByID) > limit {
		c.reset()
	}
}

// ArtifactsByDigest returns the organization's artifacts a with the digests, in the order of their ids, and locks them by the
// strength unless it is empty. A row has the columns of Artifact and the further columns.
func ArtifactsByDigest[Row any](tx *gorm.DB, organizationID int64, digests []string, strength, columns string) (rows []Row, err error) {
	dialect := database.DialectOf(tx)
	err = tx.Raw("SELECT a.id, a.organization_id, a.kind, a.name, a.version, a.digest, a.made, a.project_set_id"+columns+
		dialect.SearchSets(" FROM artifacts a WHERE a.organization_id = ? AND a.digest IN (?) ORDER BY a.id")+dialect.Lock(strength, "a"),
		organizationID, database.Texts(digests)).Scan(&rows).Error
	return rows, err
}

// Put adds stored artifacts. If imports gave several ids to the same parts, the generated id counts, or else the least.
func (c *ArtifactFinder) Put(rows ...Artifact) {
	for _, row := range rows {
		c.ByID[row.ID] = row
		if row.OrganizationID != c.organizationID {
			continue
		}
		if other, ok := c.ByParts[row.Parts()]; !ok || row.Made && !other.Made || row.Made == other.Made && row.ID < other.ID {
			c.ByParts[row.Parts()] = row
		}
	}
}

// Find reads the artifacts of the digests and ids that the cache lacks.
func (c *ArtifactFinder) Find(digests, ids []string) error {
	var newDigests, newIDs []string
	for _, digest := range digests {
		if !c.digests[digest] {
			c.digests[digest] = true
			newDigests = append(newDigests, digest)
		}
	}
	for _, id := range ids {
		if _, ok := c.ByID[id]; !ok && id != "" {
			newIDs = append(newIDs, id)
		}
	}
	rows, err := findIn[Artifact](c.tx.Where("organization_id = ?", c.organizationID), "digest", newDigests, database.Texts)
	if err != nil {
		return err
	}
	c.Put(rows...)
	rows, err = findIn[Artifact](c.tx, "id", newIDs, database.IDs)
	c.Put(rows...)
	return err
}

// Add adds an artifact that does not exist and returns its id, which is generated unless it is given. Create stores it.
func (c *ArtifactFinder) Add(id string, parts deployments.Artifact) string {
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

// Create stores the artifacts that Add added since the last Create. Another writer may have created one of the same parts
// since: replaced maps the id that was not stored to the stored artifact to use instead, which Create locks with the strength.
// Fresh has the ids that were stored: they have no records yet.
func (c *ArtifactFinder) Create(strength string) (fresh map[string]bool, replaced map[string]Artifact, err error) {
	given, made := c.given, c.made
	c.given, c.made = nil, nil
	fresh = make(map[string]bool, len(given)+len(made))
	for _, row := range append(given, made...) {
		fresh[row.ID] = true
	}
	if err := database.CreateAll(c.tx, given); err != nil {
		return nil, nil, err
	}
	slices.SortFunc(made, func(a, b Artifact) int {
		return cmp.Or(cmp.Compare(a.Digest, b.Digest), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	created, err := database.CreateMissing(c.tx, made)
	if err != nil || created == len(made) {
		return fresh, nil, err
	}
	digests := make([]string, len(made))
	for i, row := range made {
		digests[i] = row.Digest
	}
	stored, err := ArtifactsByDigest[Artifact](c.tx, c.organizationID, digests, strength, "")
	byParts := make(map[deployments.Artifact]Artifact, len(stored))
	for _, row := range stored {
		if row.Made {
			byParts[row.Parts()] = row
		}
	}
	replaced = make(map[string]Artifact)
	for _, row := range made {
		if winner := byParts[row.Parts()]; winner.ID != row.ID {
			replaced[row.ID] = winner
			delete(fresh, row.ID)
			delete(c.ByID, row.ID)
			delete(c.ByParts, row.Parts())
			c.Put(winner)
		}
	}
	return fresh, replaced, err
}
