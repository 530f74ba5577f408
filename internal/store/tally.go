package store

import (
	"cmp"
	"slices"
)

// tally sums changes up by list, and in lists with milestones by milestone.
type tally struct {
	milestones milestones
	// groups are the sums of what is listed alike: there are far fewer of them than changes, and fewer to sum up in
	// each of the lists that they are in.
	groups map[listed]int64
	// marked are the lists with milestones that what is listed so is in.
	marked map[listed][]listKey
	passed map[listKey]map[int]int64 // list, index of its milestone, sum
}

func newTally(m milestones) *tally {
	return &tally{
		milestones: m, groups: make(map[listed]int64), marked: make(map[listed][]listKey), passed: make(map[listKey]map[int]int64),
	}
}

func (t *tally) add(c change) {
	t.groups[c.listed] += c.n
	if c.latest {
		return
	}
	lists, found := t.marked[c.listed]
	if !found {
		for _, key := range c.counted() {
			if t.milestones[key] != nil {
				lists = append(lists, key)
			}
		}
		t.marked[c.listed] = lists
	}
	for _, key := range lists {
		t.pass(key, c)
	}
}

// pass adds the change to the last milestone of the list that is not after its record.
func (t *tally) pass(key listKey, c change) {
	sums := t.passed[key]
	if sums == nil {
		sums = make(map[int]int64)
		t.passed[key] = sums
	}
	sums[t.milestones[key].at(c.place)] += c.n
}

// totals are the sums of the lists that are not zero.
func (t *tally) totals(organizationID int64) []totalRow {
	sums := make(map[listKey]int64)
	for group, n := range t.groups {
		if n == 0 {
			continue
		}
		for _, key := range group.counted() {
			sums[key] += n
		}
	}
	rows := make([]totalRow, 0, len(sums))
	for key, n := range sums {
		if n != 0 {
			rows = append(rows, totalRow{
				OrganizationID: organizationID, Latest: key.latest, EnvironmentID: key.environmentID,
				LogicalEnvironmentID: key.logicalEnvironmentID, DeploymentName: key.deploymentName,
				Status: key.status, Kind: key.kind, ProjectSetID: key.projectSetID, N: n,
			})
		}
	}
	// Neighbours in the table are written one after the other.
	slices.SortFunc(rows, func(a, b totalRow) int {
		return cmp.Or(cmp.Compare(a.EnvironmentID, b.EnvironmentID), cmp.Compare(a.DeploymentName, b.DeploymentName))
	})
	return rows
}
