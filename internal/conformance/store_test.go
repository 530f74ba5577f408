package conformance_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// store answers lists in separate steps, so that a test can break one of them.
type store struct {
	deployments.Store
	mu      sync.RWMutex
	entries []deployments.ImportEntry
	// set selects the latest records or all of them (L1).
	set func(all []deployments.ImportEntry, q *deployments.Query) []deployments.ImportEntry
	// is reports whether a value matches a filter (L2); filter is the name of the parameter.
	is func(filter, asked, got string) bool
	// matches reports whether a record matches the filters.
	matches func(m *store, e deployments.ImportEntry, q deployments.Query) bool
	// newer reports whether record a comes before record b (L6).
	newer func(a, b deployments.Record) bool
	// cut returns the page and the total of the matching records.
	cut func(matching []deployments.Record, page deployments.Page) deployments.Result
}

func (m *store) Ready(context.Context) error { return nil }

// newStore returns a store without defects.
func newStore(entries []deployments.ImportEntry) *store {
	return &store{
		entries: entries,
		set:     correctSet,
		is:      func(_, asked, got string) bool { return asked == "" || asked == got },
		matches: correctMatches,
		newer:   deployments.Record.NewerThan,
		cut:     correctCut,
	}
}

func (m *store) List(_ context.Context, scope deployments.Scope, q deployments.Query) (deployments.Result, error) {
	if scope.Organization != "acme" {
		return deployments.Result{Records: []deployments.Record{}}, nil
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	matching := []deployments.Record{}
	for _, e := range m.set(m.entries, &q) {
		inProject := func(v deployments.ProjectVersion) bool { return v.ProjectName == scope.Project }
		if m.matches(m, e, q) && (scope.Project == "" || slices.ContainsFunc(e.ProjectVersions, inProject)) {
			matching = append(matching, e.Record)
		}
	}
	slices.SortStableFunc(matching, func(a, b deployments.Record) int {
		switch {
		case m.newer(a, b):
			return -1
		case m.newer(b, a):
			return 1
		}
		return 0
	})
	return m.cut(matching, q.Page), nil
}

func correctSet(all []deployments.ImportEntry, q *deployments.Query) []deployments.ImportEntry {
	if q.History == deployments.All {
		return all
	}
	return latestBy(all, deployments.Record.NewerThan)
}

// latestBy returns the first record of each slot in an order.
func latestBy(all []deployments.ImportEntry, newer func(a, b deployments.Record) bool) []deployments.ImportEntry {
	best := make(map[deployments.Slot]int)
	var set []deployments.ImportEntry
	for _, e := range all {
		i, known := best[e.Record.Slot()]
		switch {
		case !known:
			best[e.Record.Slot()] = len(set)
			set = append(set, e)
		case newer(e.Record, set[i].Record):
			set[i] = e
		}
	}
	return set
}

func correctMatches(m *store, e deployments.ImportEntry, q deployments.Query) bool {
	r := e.Record
	return m.is("environment_name", q.EnvironmentName, r.EnvironmentName) &&
		m.is("logical_environment_name", q.LogicalEnvironmentName, r.LogicalEnvironmentName) &&
		m.is("deployment_name", q.DeploymentName, r.DeploymentName) &&
		m.is("artifact_digest", q.ArtifactDigest, r.Artifact.Digest) &&
		m.is("status", q.Status.String(), r.Status.String()) &&
		m.is("artifact_kind", q.ArtifactKind.String(), r.Artifact.Kind.String()) &&
		(q.ProjectName == "" || slices.ContainsFunc(e.ProjectVersions, func(v deployments.ProjectVersion) bool {
			return m.is("project_name", q.ProjectName, v.ProjectName) && m.is("project_version_name", q.ProjectVersionName, v.VersionName)
		}))
}

// ignoresProjects ignores the project filter in some of the lists.
func ignoresProjects(lists ...deployments.History) func(*store, deployments.ImportEntry, deployments.Query) bool {
	return func(m *store, e deployments.ImportEntry, q deployments.Query) bool {
		if slices.Contains(lists, q.History) {
			q.ProjectName, q.ProjectVersionName = "", ""
		}
		return correctMatches(m, e, q)
	}
}

func correctCut(matching []deployments.Record, page deployments.Page) deployments.Result {
	return cutAt(matching, page.Offset(), int64(page.Size))
}

func cutAt(matching []deployments.Record, offset, size int64) deployments.Result {
	total := int64(len(matching))
	from := min(max(offset, 0), total)
	to := min(from+size, total)
	return deployments.Result{Records: append([]deployments.Record{}, matching[from:to]...), Total: total}
}

// like matches as SQL's LIKE does.
func like(pattern, text string) bool {
	switch {
	case pattern == "":
		return text == ""
	case pattern[0] == '%':
		return like(pattern[1:], text) || text != "" && like(pattern, text[1:])
	case text == "":
		return false
	default:
		return (pattern[0] == '_' || pattern[0] == text[0]) && like(pattern[1:], text[1:])
	}
}

// equalFold matches values without case.
func equalFold(_, asked, got string) bool { return asked == "" || strings.EqualFold(asked, got) }

func latestAs(newer func(a, b deployments.Record) bool) func([]deployments.ImportEntry, *deployments.Query) []deployments.ImportEntry {
	return func(all []deployments.ImportEntry, q *deployments.Query) []deployments.ImportEntry {
		if q.History == deployments.All {
			return all
		}
		return latestBy(all, newer)
	}
}

// lockedRandom returns a random source with a fixed seed for concurrent requests.
func lockedRandom() func(func(*rand.Rand)) {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(1, 1))
	return func(use func(*rand.Rand)) {
		mu.Lock()
		defer mu.Unlock()
		use(random)
	}
}
