package counts

import (
	"maps"
	"slices"

	"github.com/deployrecords/deployrecords/internal/store/schema"
)

// SelectMembers is a subquery of the members that AddSet takes, for a project_set_id column of the row in the outer query.
const SelectMembers = "coalesce((SELECT s.members FROM project_sets s WHERE s.id = project_set_id), '')"

// Aggregator sums deltas in memory: by list, and by milestone in lists with milestones.
type Aggregator struct {
	// projects are the members of the project sets in deltas.
	projects map[int64][]int64
	// whole are the sums by all dimensions, of which each slot has its own; withoutNames those by the ones that are combined in
	// every way, which are few.
	whole, withoutNames map[Dimensions]int64
	// artifacts are the sums by counted artifact.
	artifacts map[string]int64
	// ranges are the lists with milestones, on each level. containing caches which of them contain the records of some dimensions.
	ranges     map[Sequence]*ranges
	containing map[Dimensions][]*ranges
}

// maxContaining bounds the cache of an aggregator, of a few hundred bytes each: every slot has dimensions of its own.
const maxContaining = 1 << 16

// ranges are the milestones of a Sequence and the sum from each to the next.
type ranges struct {
	milestones Milestones
	sums       []int64
}

// NewAggregator returns an empty aggregator without milestones.
func NewAggregator() *Aggregator {
	return &Aggregator{
		projects: make(map[int64][]int64), whole: make(map[Dimensions]int64), withoutNames: make(map[Dimensions]int64), artifacts: make(map[string]int64),
		ranges: make(map[Sequence]*ranges), containing: make(map[Dimensions][]*ranges),
	}
}

// SetMilestones gives an empty aggregator the milestones of lists, which contain every range that ends after a position. It then takes
// deltas of the full history from there on.
func (a *Aggregator) SetMilestones(milestones map[Sequence]Milestones, from Position) {
	for sequence, of := range milestones {
		if !from.Before(of[0].Position) { // otherwise the list's milestones are corrupt, as Verify reports
			a.ranges[sequence] = &ranges{milestones: of, sums: make([]int64, len(of))}
		}
	}
}

// AddSet adds the members of a project set, in the form of project_sets.members, before the first delta of the set. A set
// that does not exist or is malformed has no projects: Verify reports it, and the rest is counted.
func (a *Aggregator) AddSet(id int64, members string) {
	if _, added := a.projects[id]; !added && id != 0 {
		a.projects[id], _ = schema.ParseMembers(members)
	}
}

// Lists returns the lists of deltas of the full history whose sets were added, of those that may have milestones.
func (a *Aggregator) Lists(deltas []Delta) []Key {
	lists := make(map[Key]bool)
	for _, delta := range deltas {
		if delta.Latest {
			continue
		}
		for _, key := range delta.lists(a.projects[delta.ProjectSetID]) {
			if key.hasMilestones() {
				lists[key] = true
			}
		}
		if delta.ArtifactID != "" {
			lists[ArtifactKey(delta.ArtifactID)] = true
		}
	}
	return slices.Collect(maps.Keys(lists))
}

// Add adds a delta.
func (a *Aggregator) Add(d Delta) {
	a.whole[d.Dimensions] += d.N
	a.withoutNames[d.withoutNames()] += d.N
	if d.ArtifactID != "" {
		a.artifacts[d.ArtifactID] += d.N
	}
	a.forEachList(d, func(r *ranges) { r.add(d) })
}

// forEachList calls do for each Sequence that contains the record of a delta.
func (a *Aggregator) forEachList(d Delta, do func(*ranges)) {
	if d.Latest || len(a.ranges) == 0 {
		return
	}
	lists, cached := a.containing[d.Dimensions]
	if !cached {
		lists = a.listsOf(d.Dimensions)
		if len(a.containing) == maxContaining {
			clear(a.containing)
		}
		a.containing[d.Dimensions] = lists
	}
	for _, r := range lists {
		do(r)
	}
	if d.ArtifactID != "" {
		for _, r := range a.levelsOf(ArtifactKey(d.ArtifactID)) {
			do(r)
		}
	}
}

// listsOf returns the Sequences that contain a record by its dimensions.
func (a *Aggregator) listsOf(d Dimensions) (lists []*ranges) {
	for _, key := range d.lists(a.projects[d.ProjectSetID]) {
		lists = append(lists, a.levelsOf(key)...)
	}
	return lists
}

// levelsOf returns the Sequences of a list.
func (a *Aggregator) levelsOf(key Key) (levels []*ranges) {
	for _, coarse := range [...]bool{false, true} {
		if r := a.ranges[Sequence{key, coarse}]; r != nil {
			levels = append(levels, r)
		}
	}
	return levels
}

func (r *ranges) add(d Delta) { r.sums[r.milestones.index(d.Position)] += d.N }

// grow counts a record that is after all counted ones, and adds a milestone there if the last range has an interval of records.
func (r *ranges) grow(at Position, interval int64) {
	if r.sums[len(r.sums)-1] == interval {
		r.milestones, r.sums = append(r.milestones, Milestone{Position: at}), append(r.sums, 0)
	}
	r.sums[len(r.sums)-1]++
}

// Totals returns the sums by list that are not zero.
func (a *Aggregator) Totals() map[Key]int64 {
	sums := make(map[Key]int64)
	add := func(keys []Key, n int64) {
		for _, key := range keys {
			sums[key] += n
		}
	}
	for dimensions, n := range a.withoutNames {
		add(dimensions.subsets(), n)
	}
	for dimensions, n := range a.whole {
		add(dimensions.byNameOrSet(), n)
	}
	maps.DeleteFunc(sums, func(_ Key, n int64) bool { return n == 0 })
	return sums
}

// Artifacts returns the sums by counted artifact.
func (a *Aggregator) Artifacts() map[string]int64 { return a.artifacts }

// AddToMilestones adds the sums to the milestones, and returns those that changed.
func (a *Aggregator) AddToMilestones() map[Sequence]Milestones {
	changed := make(map[Sequence]Milestones)
	for sequence, r := range a.ranges {
		for i, n := range r.sums {
			if n != 0 {
				r.milestones[i].N += n
				changed[sequence] = append(changed[sequence], r.milestones[i])
			}
		}
	}
	return changed
}

// MilestoneSums returns the sums by milestone, or nil if there are none.
func (a *Aggregator) MilestoneSums(sequence Sequence) []int64 {
	if r := a.ranges[sequence]; r != nil {
		return r.sums
	}
	return nil
}
