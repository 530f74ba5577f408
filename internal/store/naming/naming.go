// Package naming finds the names of recordings, caches those that are stored, and creates those that are unknown, within the quotas.
package naming

import (
	"cmp"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/quotas"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// Names has the names of a batch in its transaction.
type Names struct {
	organization schema.Organization
	cache        *Cache
	// fromCache has the names that the batch has from the cache.
	fromCache             []cacheKey
	environments, logical *schema.NameFinder
	projects              *schema.ProjectFinder
}

// New returns an empty Names that generates ids by newID. Without a cache, it reads all names.
func New(tx *gorm.DB, organization schema.Organization, cache *Cache, newID func() string) *Names {
	return &Names{
		organization: organization, cache: cache,
		environments: schema.NewNameFinder(tx, schema.Environments, organization.ID, newID),
		logical:      schema.NewNameFinder(tx, schema.LogicalEnvironments, organization.ID, newID),
		projects:     schema.NewProjectFinder(tx, organization.ID),
	}
}

// References are names that a batch refers to.
type References struct {
	environments, logical []schema.NameRef
	versions              []deployments.ProjectVersion
}

// AddEnvironment adds an environment.
func (r *References) AddEnvironment(name string) {
	r.environments = append(r.environments, schema.NameRef{Name: name})
}

// Add adds the names of a recording.
func (r *References) Add(recording deployments.Recording) {
	r.AddEnvironment(recording.EnvironmentName)
	if recording.LogicalEnvironmentName != "" {
		r.logical = append(r.logical, schema.NameRef{Name: recording.LogicalEnvironmentName})
	}
	r.versions = append(r.versions, recording.ProjectVersions...)
}

// Find reads the names, in a transaction that has created none: those that it finds are stored.
func (n *Names) Find(r References) error {
	if err := n.find(n.environments, r.environments); err != nil {
		return err
	}
	if err := n.find(n.logical, r.logical); err != nil {
		return err
	}
	return n.projects.Find(r.versions, false)
}

// find reads the names of a table that are not cached, and caches them.
func (n *Names) find(finder *schema.NameFinder, refs []schema.NameRef) error {
	if n.cache == nil {
		return finder.Find(refs)
	}
	var missing []schema.NameRef
	for _, ref := range refs {
		if _, known := finder.ByName[ref.Name]; known {
			continue
		}
		key := cacheKey{n.organization.Key, finder.Table(), ref.Name}
		if row, ok := n.cache.get(key, n.organization.ID); ok {
			finder.Put(row)
			n.fromCache = append(n.fromCache, key)
		} else {
			missing = append(missing, ref)
		}
	}
	if err := finder.Find(missing); err != nil {
		return err
	}
	for _, ref := range missing {
		if row, ok := finder.ByName[ref.Name]; ok {
			n.cache.rows.Add(cacheKey{n.organization.Key, finder.Table(), row.Name}, cachedRow{row, time.Now()})
		}
	}
	return nil
}

// Forget removes the names that the batch has from the cache, and reports whether there were any. It is for a failed batch: the
// database may have lost one of them.
func (n *Names) Forget() bool {
	for _, key := range n.fromCache {
		n.cache.rows.Remove(key)
	}
	return len(n.fromCache) > 0
}

// Create creates the names that Find did not find, each kind in the order in which all writers lock it.
func (n *Names) Create(r References) error {
	byName := func(a, b schema.NameRef) int { return cmp.Compare(a.Name, b.Name) }
	slices.SortFunc(r.environments, byName)
	slices.SortFunc(r.logical, byName)
	if err := n.environments.Create(r.environments); err != nil {
		return err
	}
	if err := n.logical.Create(r.logical); err != nil {
		return err
	}
	return n.projects.Find(r.versions, true)
}

// Created returns how many names Create has created.
func (n *Names) Created() quotas.Usage {
	return quotas.Usage{
		Environments: n.environments.Created, LogicalEnvironments: n.logical.Created,
		Projects: n.projects.CreatedProjects, ProjectVersions: n.projects.CreatedVersions,
	}
}

// UnknownEnvironment returns the environment for the quotas unless it is known.
func (n *Names) UnknownEnvironment(name string) []quotas.Name {
	if n.EnvironmentID(name) != "" {
		return nil
	}
	return []quotas.Name{{Kind: quotas.Environments, Text: name}}
}

// Unknown returns the names of a recording, for the quotas, that are not known.
func (n *Names) Unknown(r deployments.Recording) []quotas.Name {
	names := n.UnknownEnvironment(r.EnvironmentName)
	if name := r.LogicalEnvironmentName; name != "" && n.logical.ByName[name].ID == "" {
		names = append(names, quotas.Name{Kind: quotas.LogicalEnvironments, Text: name})
	}
	for _, pv := range r.ProjectVersions {
		if n.projects.Projects[pv.ProjectName] == 0 {
			names = append(names, quotas.Name{Kind: quotas.Projects, Text: pv.ProjectName})
		}
		if _, ok := n.projects.VersionID(pv); !ok {
			names = append(names, quotas.Name{Kind: quotas.ProjectVersions, Parent: pv.ProjectName, Text: pv.VersionName})
		}
	}
	return names
}

// IDs are the ids of a recording's names.
type IDs struct {
	Environment string
	// LogicalEnvironment is empty if the recording has none.
	LogicalEnvironment string
	Versions           []int64
}

// EnvironmentID returns the id of an environment, or "" if it is unknown.
func (n *Names) EnvironmentID(name string) string { return n.environments.ByName[name].ID }

// IDs returns the ids of a recording's names, and a violation for each unknown name.
func (n *Names) IDs(r deployments.Recording) (ids IDs, violations []deployments.Violation) {
	reject := func(field, name string) { violations = append(violations, Unknown(field, name)) }
	if ids.Environment = n.EnvironmentID(r.EnvironmentName); ids.Environment == "" {
		reject("environment_name", r.EnvironmentName)
	}
	if name := r.LogicalEnvironmentName; name != "" {
		if ids.LogicalEnvironment = n.logical.ByName[name].ID; ids.LogicalEnvironment == "" {
			reject("logical_environment_name", name)
		}
	}
	for _, pv := range r.ProjectVersions {
		if n.projects.Projects[pv.ProjectName] == 0 {
			reject("project_versions.project_name", pv.ProjectName)
			continue
		}
		id, ok := n.projects.VersionID(pv)
		if !ok {
			reject("project_versions.project_version_name", pv.VersionName)
		}
		ids.Versions = append(ids.Versions, id)
	}
	return ids, violations
}

// Unknown returns the violation of a field with an unknown name.
func Unknown(field, name string) deployments.Violation {
	return deployments.Violation{Field: field, Message: deployments.Quote(name) + " is not known"}
}
