package storetest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Overview implements deployments.Store.
func (m *Model) Overview(ctx context.Context, scope deployments.Scope, q deployments.Query, columns deployments.Columns) (deployments.Overview, error) {
	page, grouping := q.Page, columns.Grouping
	q.Page = deployments.Page{Size: 1 << 30}
	result, err := m.List(ctx, scope, q)
	if err != nil {
		return deployments.Overview{}, err
	}
	byName := map[string][]deployments.Group{}
	matching := map[string]bool{}
	for _, r := range result.Records {
		matching[columnOf(r, grouping)] = true
		byName[r.DeploymentName] = addToGroups(byName[r.DeploymentName], r, grouping)
	}
	overview := deployments.Overview{Deployments: int64(len(byName)), Records: result.Total}
	names := slices.Sorted(maps.Keys(byName))
	overview.DeploymentNames = pageOf(page, names)

	visible := result.Records
	if scope.Project == "" {
		all, err := m.List(ctx, scope, deployments.Query{History: deployments.All, Page: q.Page})
		if err != nil {
			return deployments.Overview{}, err
		}
		visible = all.Records
	} else {
		latest, err := m.List(ctx, scope, deployments.Query{Page: q.Page})
		if err != nil {
			return deployments.Overview{}, err
		}
		visible = append(visible, latest.Records...)
	}
	for _, r := range visible {
		if name := columnOf(r, grouping); name != "" && !slices.Contains(overview.Columns, name) {
			overview.Columns = append(overview.Columns, name)
		}
	}
	slices.SortFunc(overview.Columns, func(a, b string) int {
		return cmp.Or(firstIf(matching[a], matching[b]), cmp.Compare(a, b))
	})
	overview.TotalColumns = int64(len(overview.Columns))
	overview.Columns = pageOf(columns.Page, overview.Columns)
	slices.Sort(overview.Columns)
	for _, name := range overview.DeploymentNames {
		overview.Groups = append(overview.Groups, newestGroups(byName[name], overview.Columns)...)
	}
	slices.SortFunc(overview.Groups, compareGroups)
	return overview, nil
}

// newestGroups returns the groups of some columns, and those without, at most deployments.MaxVersions of each cell and kind.
func newestGroups(groups []deployments.Group, columns []string) (newest []deployments.Group) {
	type list struct {
		column string
		kind   deployments.Kind
	}
	lists := map[list][]deployments.Group{}
	for _, g := range groups {
		if g.Column == "" || slices.Contains(columns, g.Column) {
			key := list{g.Column, g.Artifact.Kind}
			lists[key] = append(lists[key], g)
		}
	}
	for _, list := range lists {
		slices.SortFunc(list, func(a, b deployments.Group) int {
			return cmp.Or(firstIf(a.Status == deployments.Deployed, b.Status == deployments.Deployed), compareGroups(a, b))
		})
		kept := list[:min(len(list), deployments.MaxVersions)]
		for i := range kept {
			kept[i].Omitted = int64(len(list) - len(kept))
		}
		newest = append(newest, kept...)
	}
	return newest
}

func compareGroups(a, b deployments.Group) int {
	return cmp.Or(
		cmp.Compare(a.DeploymentName, b.DeploymentName), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Artifact.Kind, b.Artifact.Kind),
		b.Newest.Compare(a.Newest), cmp.Compare(a.Artifact.Digest, b.Artifact.Digest), cmp.Compare(a.Artifact.Version, b.Artifact.Version),
		cmp.Compare(a.Artifact.Name, b.Artifact.Name), cmp.Compare(a.Status, b.Status),
	)
}

// firstIf orders those for which a condition holds before the others.
func firstIf(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

func pageOf(page deployments.Page, names []string) []string {
	from := min(page.Offset(), int64(len(names)))
	return slices.Clone(names[from:min(from+int64(page.Size), int64(len(names)))])
}

func columnOf(r deployments.Record, grouping deployments.Grouping) string {
	if grouping == deployments.ByEnvironment {
		return r.EnvironmentName
	}
	return r.LogicalEnvironmentName
}

func addToGroups(groups []deployments.Group, r deployments.Record, grouping deployments.Grouping) []deployments.Group {
	group := deployments.Group{DeploymentName: r.DeploymentName, Column: columnOf(r, grouping), Artifact: r.Artifact, Status: r.Status, Records: 1, Newest: r.CreatedAt}
	for i, g := range groups {
		if g.Column == group.Column && g.Artifact == group.Artifact && g.Status == group.Status {
			groups[i].Records++
			if group.Newest.After(g.Newest) {
				groups[i].Newest = group.Newest
			}
			return groups
		}
	}
	return append(groups, group)
}

// Search implements deployments.Store.
func (m *Model) Search(ctx context.Context, scope deployments.Scope, prefix string) (deployments.Matches, error) {
	all, err := m.List(ctx, scope, deployments.Query{History: deployments.All, Page: deployments.Page{Size: 1 << 30}})
	var matches deployments.Matches
	add := func(list *[]string, name string) {
		if name != "" && strings.HasPrefix(name, prefix) && !slices.Contains(*list, name) {
			*list = append(*list, name)
		}
	}
	for _, r := range all.Records {
		add(&matches.Deployments, r.DeploymentName)
		add(&matches.Environments, r.EnvironmentName)
		add(&matches.LogicalEnvironments, r.LogicalEnvironmentName)
		a := r.Artifact
		_, hex, _ := strings.Cut(a.Digest, ":")
		begins := func(text string) bool { return strings.HasPrefix(text, prefix) }
		if slices.ContainsFunc([]string{a.Name, a.Version, a.Digest, hex}, begins) && !slices.Contains(matches.Artifacts, a) {
			matches.Artifacts = append(matches.Artifacts, a)
		}
	}
	for _, list := range []*[]string{&matches.Deployments, &matches.Environments, &matches.LogicalEnvironments} {
		slices.Sort(*list)
		*list = firstMatches(*list, &matches.More)
	}
	slices.SortFunc(matches.Artifacts, func(a, b deployments.Artifact) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Digest, b.Digest), cmp.Compare(a.Kind, b.Kind))
	})
	matches.Artifacts = firstMatches(matches.Artifacts, &matches.More)
	return matches, err
}

func firstMatches[T any](list []T, more *bool) []T {
	*more = *more || len(list) > deployments.MaxMatches
	return list[:min(len(list), deployments.MaxMatches)]
}
