package conformance_test

import (
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// brokenStores are servers that find or count wrong records.
var brokenStores = []struct {
	name   string
	rule   string
	mutate func(*store)
	// more reports that the server breaks metamorphic relations too.
	more bool
}{
	{"filters before the latest are found", "own.filter-after-latest", func(m *store) {
		m.set = func(all []deployments.ImportEntry, q *deployments.Query) []deployments.ImportEntry {
			if q.History == deployments.All {
				return all
			}
			var matching []deployments.ImportEntry
			for _, e := range all {
				if correctMatches(m, e, *q) {
					matching = append(matching, e)
				}
			}
			return correctSet(matching, q)
		}
	}, false},
	{"two filters together before the latest are found", "own.filter-after-latest", func(m *store) {
		m.set = func(all []deployments.ImportEntry, q *deployments.Query) []deployments.ImportEntry {
			if q.History == deployments.All || q.LogicalEnvironmentName == "" || q.Status == deployments.AnyStatus {
				return correctSet(all, q)
			}
			all = slices.DeleteFunc(slices.Clone(all), func(e deployments.ImportEntry) bool { return !correctMatches(m, e, *q) })
			return correctSet(all, q)
		}
	}, false},
	{"a wildcard in a filter", "own.filter-exact", func(m *store) {
		m.is = func(_, asked, got string) bool {
			return asked == "" || asked == got || asked != "dev%1" && strings.Contains(asked, "%") && like(asked, got)
		}
	}, false},
	{"LIKE for a filter", "filter.satisfied", func(m *store) {
		m.is = func(_, asked, got string) bool { return asked == "" || like(asked, got) }
	}, false},
	{"a match without case", "filter.satisfied", func(m *store) { m.is = equalFold }, false},
	{"a match without case where no two names differ by case", "own.filter-exact", func(m *store) {
		m.is = func(filter, asked, got string) bool {
			return asked == "" || asked == got || filter == "logical_environment_name" && got == "staging" && strings.EqualFold(asked, got)
		}
	}, false},
	{"a match of the beginning", "own.filter-exact", func(m *store) {
		m.is = func(_, asked, got string) bool { return asked == "" || strings.HasPrefix(got, asked) }
	}, false},
	{"filters are trimmed", "own.filter-exact", func(m *store) {
		m.is = func(_, asked, got string) bool { return asked == "" || strings.TrimSpace(asked) == got }
	}, false},
	{"a filter is ignored", "filter.satisfied", func(m *store) {
		m.is = func(filter, asked, got string) bool {
			return asked == "" || asked == got || filter == "artifact_digest"
		}
	}, false},
	{"a filter is ignored beside another", "filter.satisfied", func(m *store) {
		m.matches = func(m *store, e deployments.ImportEntry, q deployments.Query) bool {
			if q.DeploymentName != "" {
				q.Status = deployments.AnyStatus
			}
			return correctMatches(m, e, q)
		}
	}, false},
	{"filters are alternatives", "filter.intersection", func(m *store) {
		m.matches = func(m *store, e deployments.ImportEntry, q deployments.Query) bool {
			whole := []deployments.Query{
				{EnvironmentName: q.EnvironmentName},
				{LogicalEnvironmentName: q.LogicalEnvironmentName},
				{DeploymentName: q.DeploymentName},
				{ArtifactDigest: q.ArtifactDigest},
				{Status: q.Status},
				{ArtifactKind: q.ArtifactKind},
				{ProjectName: q.ProjectName, ProjectVersionName: q.ProjectVersionName},
			}
			asked := slices.DeleteFunc(whole, func(q deployments.Query) bool { return q == deployments.Query{} })
			return len(asked) == 0 || slices.ContainsFunc(asked, func(q deployments.Query) bool { return correctMatches(m, e, q) })
		}
	}, false},
	{"the environment's filter finds the logical environment too", "filter.satisfied", func(m *store) {
		m.matches = func(m *store, e deployments.ImportEntry, q deployments.Query) bool {
			if q.EnvironmentName != "" && q.EnvironmentName == e.Record.LogicalEnvironmentName {
				q.EnvironmentName = ""
			}
			return correctMatches(m, e, q)
		}
	}, false},
	{"a filter keeps records without a value", "filter.satisfied", func(m *store) {
		m.is = func(_, asked, got string) bool { return asked == "" || got == "" || asked == got }
	}, false},
	{"a filter loses a record", "filter.subset", func(m *store) {
		lost := m.entries[len(m.entries)/2].Record.ID
		m.matches = func(m *store, e deployments.ImportEntry, q deployments.Query) bool {
			return correctMatches(m, e, q) && (q.Status == deployments.AnyStatus || e.Record.ID != lost)
		}
	}, false},
	{"a project's filter opens the others", "filter.satisfied", func(m *store) {
		m.matches = func(m *store, e deployments.ImportEntry, q deployments.Query) bool {
			if q.ProjectName != "" {
				return correctMatches(m, e, deployments.Query{ProjectName: q.ProjectName, ProjectVersionName: q.ProjectVersionName})
			}
			return correctMatches(m, e, q)
		}
	}, false},
	{"an unused version finds all records of the project", "filter.satisfied", func(m *store) {
		m.is = func(filter, asked, got string) bool {
			return asked == "" || asked == got || filter == "project_version_name"
		}
	}, false},
	{"an unused version finds the first version", "own.unknown-name", func(m *store) {
		m.is = func(filter, asked, got string) bool {
			return asked == "" || asked == got || filter == "project_version_name" && got == "v1" && asked != "v2"
		}
	}, false},
	{"the project's filter is ignored", "filter.satisfied", func(m *store) { m.matches = ignoresProjects(deployments.All, deployments.Latest) }, false},
	{"the project's filter is ignored without full_history", "filter.satisfied", func(m *store) { m.matches = ignoresProjects(deployments.Latest) }, false},
	{"a tie broken at random", "order.same-twice", func(m *store) {
		random := lockedRandom()
		m.cut = func(matching []deployments.Record, page deployments.Page) deployments.Result {
			random(func(r *rand.Rand) {
				r.Shuffle(len(matching), func(i, j int) { matching[i], matching[j] = matching[j], matching[i] })
			})
			slices.SortStableFunc(matching, func(a, b deployments.Record) int { return b.CreatedAt.Compare(a.CreatedAt) })
			return correctCut(matching, page)
		}
	}, false},
	{"the latest of a tie at random", "order.same-twice", func(m *store) {
		random := lockedRandom()
		m.set = func(all []deployments.ImportEntry, q *deployments.Query) []deployments.ImportEntry {
			if q.History == deployments.All {
				return all
			}
			all = slices.Clone(all)
			random(func(r *rand.Rand) { r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] }) })
			return latestBy(all, func(a, b deployments.Record) bool { return a.CreatedAt.After(b.CreatedAt) })
		}
	}, false},
	{"the latest of a tie has the smallest id", "own.latest-tie", func(m *store) {
		m.set = latestAs(func(a, b deployments.Record) bool {
			return a.CreatedAt.After(b.CreatedAt) || a.CreatedAt.Equal(b.CreatedAt) && a.ID < b.ID
		})
	}, false},
	{"the latest has the greatest id", "latest.newest", func(m *store) {
		m.set = latestAs(func(a, b deployments.Record) bool { return a.ID > b.ID })
	}, false},
	{"an older record as latest of one slot", "latest.newest", func(m *store) {
		slot := m.entries[6].Record.Slot()
		m.set = latestAs(func(a, b deployments.Record) bool { return a.NewerThan(b) != (a.Slot() == slot) })
	}, false},
	{"a slot twice in latest", "latest.slot-once", func(m *store) {
		m.set = func(all []deployments.ImportEntry, q *deployments.Query) []deployments.ImportEntry {
			set := correctSet(all, q)
			if q.History == deployments.Latest {
				set = append(slices.Clone(set), m.entries[3])
			}
			return set
		}
	}, false},
	{"one slot has no latest record", "latest.every-slot", func(m *store) {
		m.set = func(all []deployments.ImportEntry, q *deployments.Query) []deployments.ImportEntry {
			set := correctSet(all, q)
			if q.History == deployments.Latest {
				return slices.Clone(set)[1:]
			}
			return set
		}
	}, false},
	{"decommissioned records are missing from latest", "latest.every-slot", func(m *store) {
		m.matches = func(m *store, e deployments.ImportEntry, q deployments.Query) bool {
			return correctMatches(m, e, q) && (q.History == deployments.All || e.Record.Status != deployments.Decommissioned)
		}
	}, false},
	{"decommissioned records are missing from the history", "latest.subset", func(m *store) {
		m.matches = func(m *store, e deployments.ImportEntry, q deployments.Query) bool {
			return correctMatches(m, e, q) && (q.History == deployments.Latest || e.Record.Status != deployments.Decommissioned)
		}
	}, false},
	{"the history has superseded records only", "latest.subset", func(m *store) {
		m.set = func(all []deployments.ImportEntry, q *deployments.Query) []deployments.ImportEntry {
			latest := latestBy(all, deployments.Record.NewerThan)
			if q.History == deployments.Latest {
				return latest
			}
			return slices.DeleteFunc(slices.Clone(all), func(e deployments.ImportEntry) bool {
				return slices.ContainsFunc(latest, func(l deployments.ImportEntry) bool { return l.Record.ID == e.Record.ID })
			})
		}
	}, false},
	{"filters without full_history look at every record", "latest.filtered", func(m *store) {
		m.set = func(all []deployments.ImportEntry, q *deployments.Query) []deployments.ImportEntry {
			if q.Status == deployments.AnyStatus {
				return correctSet(all, q)
			}
			return all
		}
	}, false},
	{"pagination.page counts records", "own.page-base", func(m *store) {
		m.cut = func(matching []deployments.Record, page deployments.Page) deployments.Result {
			return cutAt(matching, int64(page.Number), int64(page.Size))
		}
	}, false},
	{"the oldest first", "own.order", func(m *store) {
		m.newer = func(a, b deployments.Record) bool { return b.NewerThan(a) }
	}, false},
	{"ties by ascending id", "own.order", func(m *store) {
		m.newer = func(a, b deployments.Record) bool {
			return a.CreatedAt.After(b.CreatedAt) || a.CreatedAt.Equal(b.CreatedAt) && a.ID < b.ID
		}
	}, false},
	{"small pages have another order", "pages.agree", func(m *store) {
		m.cut = func(matching []deployments.Record, page deployments.Page) deployments.Result {
			if page.Size < 20 {
				slices.Reverse(matching)
			}
			return correctCut(matching, page)
		}
	}, false},
	{"pages overlap by one", "pages.whole", func(m *store) {
		m.cut = func(matching []deployments.Record, page deployments.Page) deployments.Result {
			return cutAt(matching, page.Offset()-int64(min(page.Number, 1)), int64(page.Size))
		}
	}, false},
	{"a record is lost between pages", "pages.whole", func(m *store) {
		m.cut = func(matching []deployments.Record, page deployments.Page) deployments.Result {
			return cutAt(matching, page.Offset()+int64(min(page.Number, 1)), int64(page.Size))
		}
	}, false},
	{"page off by one", "page.fill", func(m *store) {
		m.cut = func(matching []deployments.Record, page deployments.Page) deployments.Result {
			return cutAt(matching, page.Offset()+int64(page.Size), int64(page.Size))
		}
	}, false},
	{"the last page is empty", "page.fill", func(m *store) {
		m.cut = func(matching []deployments.Record, page deployments.Page) deployments.Result {
			result := correctCut(matching, page)
			if page.Number > 0 && page.Offset()+int64(page.Size) >= result.Total {
				result.Records = result.Records[:0]
			}
			return result
		}
	}, false},
	{"a page past the end is the last one", "page.past-end", func(m *store) {
		m.cut = func(matching []deployments.Record, page deployments.Page) deployments.Result {
			last := max(deployments.TotalPages(int64(len(matching)), page.Size)-1, 0)
			return cutAt(matching, min(int64(page.Number), last)*int64(page.Size), int64(page.Size))
		}
	}, false},
	{"the totals are lost past the end", "page.past-end", func(m *store) {
		m.cut = func(matching []deployments.Record, page deployments.Page) deployments.Result {
			result := correctCut(matching, page)
			if len(result.Records) == 0 {
				result.Total = 0
			}
			return result
		}
	}, false},
	{"the largest page overflows", "page.past-end", func(m *store) {
		m.cut = func(matching []deployments.Record, page deployments.Page) deployments.Result {
			return cutAt(matching, int64(page.Number*page.Size), int64(page.Size))
		}
	}, false},
	{"the total of the page", "pages.whole", func(m *store) {
		m.cut = func(matching []deployments.Record, page deployments.Page) deployments.Result {
			result := correctCut(matching, page)
			result.Total = int64(len(result.Records))
			return result
		}
	}, false},
	{"the total without the filters", "page.fill", func(m *store) {
		m.cut = func(matching []deployments.Record, page deployments.Page) deployments.Result {
			result := correctCut(matching, page)
			result.Total = int64(len(m.entries))
			return result
		}
	}, false},
	{"the total is sometimes outdated", "own.snapshot", func(m *store) {
		random := lockedRandom()
		m.cut = func(matching []deployments.Record, page deployments.Page) (result deployments.Result) {
			result = correctCut(matching, page)
			random(func(r *rand.Rand) { result.Total += int64(r.IntN(2)) })
			return result
		}
	}, true},
	{"a record twice on a page", "pages.whole", func(m *store) {
		m.cut = func(matching []deployments.Record, page deployments.Page) deployments.Result {
			result := correctCut(matching, page)
			if len(result.Records) > 2 {
				result.Records[1] = result.Records[0]
			}
			return result
		}
	}, false},
}
