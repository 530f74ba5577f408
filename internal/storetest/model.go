package storetest

import (
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Model is a plain store in memory: it keeps every record in a map, and answers each query by looking at all of them. It
// defines what the rules mean. Import trusts its entries not to contradict each other, and identifies artifacts by their four
// parts. Missing ids of names stay empty.
type Model struct {
	// Now is the clock of recordings.
	Now func() time.Time
	// NewID generates the id of the record that an item of a batch adds.
	NewID func(item int) string

	mu            sync.Mutex
	organizations map[string]*modelOrganization
	keys          map[modelKey]modelUse
	snapshots     map[[2]string]*modelSnapshot // by organization and id
}

// modelKey is an idempotency key of an organization, modelUse its request and record.
type (
	modelKey struct{ organization, subject, key string }
	modelUse struct {
		request  [32]byte
		recordID string
	}
)

var _ deployments.Store = (*Model)(nil)

type modelOrganization struct {
	records map[string]deployments.Record
	// projects are the project versions of each artifact.
	projects map[deployments.Artifact]map[deployments.ProjectVersion]bool
}

// NewModel returns an empty model with the clock of this process and random ids.
func NewModel() *Model {
	return &Model{
		Now:           func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) },
		NewID:         func(int) string { return uuid.NewString() },
		organizations: make(map[string]*modelOrganization), keys: make(map[modelKey]modelUse), snapshots: make(map[[2]string]*modelSnapshot),
	}
}

// Import implements deployments.Store.
func (m *Model) Import(_ context.Context, organization string, entries iter.Seq2[deployments.ImportEntry, error]) (deployments.ImportSummary, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var summary deployments.ImportSummary
	o := m.organization(organization).clone()
	for entry, err := range entries {
		if err != nil {
			return deployments.ImportSummary{}, err
		}
		r := entry.Record
		r.CreatedAt, r.UpdatedAt, r.LastSeenAt = r.CreatedAt.UTC(), r.UpdatedAt.UTC(), r.LastSeenAt.UTC()
		switch old, known := o.records[r.ID]; {
		case !known:
			o.records[r.ID] = r
			summary.Added++
		case r.UpdatedAt.After(old.UpdatedAt):
			o.records[r.ID] = r
			summary.Changed++
		default:
			summary.Unchanged++
		}
		for _, pv := range entry.ProjectVersions {
			o.belongs(r.Artifact, pv)
		}
	}
	m.organizations[organization] = o
	return summary, nil
}

func (o *modelOrganization) belongs(a deployments.Artifact, pv deployments.ProjectVersion) {
	if o.projects[a] == nil {
		o.projects[a] = map[deployments.ProjectVersion]bool{}
	}
	o.projects[a][pv] = true
}

// organization returns an organization, which it creates if there is none with the key.
func (m *Model) organization(key string) *modelOrganization {
	if m.organizations[key] == nil {
		m.organizations[key] = &modelOrganization{records: map[string]deployments.Record{}, projects: map[deployments.Artifact]map[deployments.ProjectVersion]bool{}}
	}
	return m.organizations[key]
}

// List implements deployments.Store.
func (m *Model) List(_ context.Context, scope deployments.Scope, q deployments.Query) (deployments.Result, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	result := deployments.Result{Records: []deployments.Record{}}
	o := m.organizations[scope.Organization]
	if o == nil {
		return result, nil
	}
	var matching []deployments.Record
	for _, r := range o.set(q.History) {
		if o.matches(scope, q, r) {
			matching = append(matching, r)
		}
	}
	slices.SortFunc(matching, func(a, b deployments.Record) int {
		if a.NewerThan(b) {
			return -1
		}
		return 1
	})
	result.Total = int64(len(matching))
	from := min(q.Page.Offset(), result.Total)
	to := min(from+int64(q.Page.Size), result.Total)
	result.Records = append(result.Records, matching[from:to]...)
	return result, nil
}

// set returns the records before any filter (L1).
func (o *modelOrganization) set(history deployments.History) []deployments.Record {
	var all []deployments.Record
	latest := make(map[[2]string]deployments.Record)
	for _, r := range o.records {
		all = append(all, r)
		slot := [2]string{r.EnvironmentName, r.DeploymentName}
		if best, ok := latest[slot]; !ok || r.NewerThan(best) {
			latest[slot] = r
		}
	}
	if history == deployments.All {
		return all
	}
	var set []deployments.Record
	for _, r := range latest {
		set = append(set, r)
	}
	return set
}

func (o *modelOrganization) matches(scope deployments.Scope, q deployments.Query, r deployments.Record) bool {
	is := func(filter, value string) bool { return filter == "" || filter == value }
	return is(q.EnvironmentName, r.EnvironmentName) &&
		is(q.LogicalEnvironmentName, r.LogicalEnvironmentName) &&
		is(q.DeploymentName, r.DeploymentName) &&
		is(q.ArtifactDigest, r.Artifact.Digest) &&
		(q.Status == deployments.AnyStatus || q.Status == r.Status) &&
		(q.ArtifactKind == deployments.AnyKind || q.ArtifactKind == r.Artifact.Kind) &&
		(q.ProjectName == "" || o.inProject(r, q.ProjectName, q.ProjectVersionName)) &&
		(scope.Project == "" || o.inProject(r, scope.Project, ""))
}

func (o *modelOrganization) inProject(r deployments.Record, project, version string) bool {
	for pv := range o.projects[r.Artifact] {
		if pv.ProjectName == project && (version == "" || pv.VersionName == version) {
			return true
		}
	}
	return false
}
