package schema

import (
	"cmp"
	"slices"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

// ProjectFinder finds and creates projects and their versions in a transaction, and remembers their ids.
type ProjectFinder struct {
	tx             *gorm.DB
	organizationID int64
	// Projects has the ids of the cached projects by name.
	Projects map[string]int64
	versions map[versionKey]int64
	// CreatedProjects and CreatedVersions are how many rows the cache has created.
	CreatedProjects, CreatedVersions int64
}

type versionKey struct {
	projectID int64
	name      string
}

// NewProjectFinder returns an empty cache.
func NewProjectFinder(tx *gorm.DB, organizationID int64) *ProjectFinder {
	c := &ProjectFinder{tx: tx, organizationID: organizationID}
	c.reset()
	return c
}

func (c *ProjectFinder) reset() {
	c.Projects, c.versions = make(map[string]int64), make(map[versionKey]int64)
}

// Limit empties a cache that has more than limit projects or versions.
func (c *ProjectFinder) Limit(limit int) {
	if max(len(c.Projects), len(c.versions)) > limit {
		c.reset()
	}
}

// VersionID returns the id of a project version that is in the cache.
func (c *ProjectFinder) VersionID(pv deployments.ProjectVersion) (id int64, ok bool) {
	id, ok = c.versions[versionKey{c.Projects[pv.ProjectName], pv.VersionName}]
	return id, ok
}

// Find reads the projects and versions that the cache lacks. If create is true, it creates those that do not exist.
func (c *ProjectFinder) Find(wanted []deployments.ProjectVersion, create bool) error {
	missingProjects := func() (names []string) {
		for _, pv := range wanted {
			if c.Projects[pv.ProjectName] == 0 {
				names = append(names, pv.ProjectName)
			}
		}
		return slices.Compact(slices.Sorted(slices.Values(names)))
	}
	newProject := func(name string) Project { return Project{OrganizationID: c.organizationID, Name: name} }
	created, err := findOrCreate(c.tx, missingProjects, c.readProjects, create, newProject)
	c.CreatedProjects += created
	if err != nil {
		return err
	}
	missingVersions := func() (keys []versionKey) {
		for _, pv := range wanted {
			key := versionKey{c.Projects[pv.ProjectName], pv.VersionName}
			if _, ok := c.versions[key]; !ok && key.projectID != 0 {
				keys = append(keys, key)
			}
		}
		slices.SortFunc(keys, func(a, b versionKey) int {
			return cmp.Or(cmp.Compare(a.projectID, b.projectID), cmp.Compare(a.name, b.name))
		})
		return slices.Compact(keys)
	}
	newVersion := func(key versionKey) ProjectVersion { return ProjectVersion{ProjectID: key.projectID, Name: key.name} }
	created, err = findOrCreate(c.tx, missingVersions, c.readVersions, create, newVersion)
	c.CreatedVersions += created
	return err
}

// findOrCreate reads the rows of the missing keys into a cache. If create is true, it creates those that do not exist and
// returns their number.
func findOrCreate[Key, Row any](tx *gorm.DB, missing func() []Key, read func([]Key) error, create bool, newRow func(Key) Row) (int64, error) {
	keys := missing()
	if len(keys) == 0 {
		return 0, nil
	}
	if err := read(keys); err != nil || !create {
		return 0, err
	}
	if keys = missing(); len(keys) == 0 {
		return 0, nil
	}
	rows := make([]Row, len(keys))
	for i, key := range keys {
		rows[i] = newRow(key)
	}
	created, err := database.CreateMissing(tx, rows)
	if err != nil {
		return 0, err
	}
	return int64(created), read(keys)
}

func (c *ProjectFinder) readProjects(names []string) error {
	var rows []Project
	err := c.tx.Where(database.DialectOf(c.tx).SearchSets("organization_id = ? AND name IN (?)"), c.organizationID, database.Texts(names)).Find(&rows).Error
	for _, row := range rows {
		c.Projects[row.Name] = row.ID
	}
	return err
}

const (
	versionKeysPostgreSQL = "(SELECT CAST(value->>0 AS bigint) AS project_id, value->>1 AS name FROM jsonb_array_elements(CAST(? AS jsonb)) AS value)"
	versionKeysSQLite     = "(SELECT json_extract(value, '$[0]') AS project_id, json_extract(value, '$[1]') AS name FROM json_each(?))"
)

// readVersions reads versions of the organization's projects.
func (c *ProjectFinder) readVersions(keys []versionKey) error {
	pairs := make([][2]any, len(keys))
	for i, key := range keys {
		pairs[i] = [2]any{key.projectID, key.name}
	}
	version := database.Lookup{Table: "project_versions", Alias: "v", Condition: "v.project_id = w.project_id AND v.name = w.name"}
	var rows []ProjectVersion
	err := c.tx.Raw("SELECT v.id, v.project_id, v.name FROM ? AS w"+database.DialectOf(c.tx).Join("v.id, v.project_id, v.name", version),
		database.NewJSONSet(pairs, versionKeysPostgreSQL, versionKeysSQLite)).Scan(&rows).Error
	for _, row := range rows {
		c.versions[versionKey{row.ProjectID, row.Name}] = row.ID
	}
	return err
}
