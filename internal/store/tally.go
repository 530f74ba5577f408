package store

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// tally sums changes up by list, and in lists with milestones by milestone.
type tally struct {
	// projects are those of the project sets that changes tell of.
	projects map[int64][]int64
	// combinations are the sums of what differs in no filter that lists combine: there are far fewer of them than changes,
	// and fewer to sum up in each of the lists that they are in. single are those of the other lists.
	combinations map[listed]int64
	single       map[listKey]int64
	// marked are the lists with milestones that records of a combination are in.
	marked map[listed][]*passed
	passed map[listKey]*passed
}

// passed are the sums of a list's milestones.
type passed struct {
	marks marks
	sums  []int64
}

func newTally(m milestones) *tally {
	t := &tally{
		projects: make(map[int64][]int64), combinations: make(map[listed]int64), single: make(map[listKey]int64),
		marked: make(map[listed][]*passed), passed: make(map[listKey]*passed, len(m)),
	}
	for list, marks := range m {
		if marks[0].place == beginning { // or the list's are broken, as verify tells
			t.passed[list] = &passed{marks: marks, sums: make([]int64, len(marks))}
		}
	}
	return t
}

// membersOf are what know wants of the project set that a row, by its name in a statement, says.
func membersOf(row string) string {
	return "coalesce((SELECT s.members FROM project_sets s WHERE s.id = " + row + ".project_set_id), '')"
}

// know tells the members of a project set, as project_sets has them. It must come before the first change in the set. Of
// a set that is not there, or says nothing that can be read, no project is known: verify tells of it, and the rest is
// counted.
func (t *tally) know(set int64, members string) {
	if _, known := t.projects[set]; !known && set != 0 {
		t.projects[set], _ = parseMembers(members)
	}
}

// parseMembers reads the ids of projects as project_sets has them: 3,17.
func parseMembers(members string) ([]int64, error) {
	var projects []int64
	for member := range strings.SplitSeq(members, ",") {
		id, err := strconv.ParseInt(member, 10, 64)
		if err != nil {
			return nil, err
		}
		projects = append(projects, id)
	}
	return projects, nil
}

func (t *tally) add(c change) {
	combination := c.combination()
	t.combinations[combination] += c.n
	t.single[nameList(c.latest, c.deploymentName)] += c.n
	if c.projectSetID != 0 {
		t.single[projectSetList(c.latest, c.projectSetID)] += c.n
	}
	t.pass(c, func(p *passed) { p.add(c) })
}

// pass does something with each list with milestones that the change's record is in.
func (t *tally) pass(c change, do func(*passed)) {
	if c.latest || len(t.passed) == 0 {
		return
	}
	combination := c.combination()
	lists, found := t.marked[combination]
	if !found {
		for _, key := range combination.combined() {
			if p := t.passed[key]; p != nil {
				lists = append(lists, p)
			}
		}
		t.marked[combination] = lists
	}
	for _, p := range lists {
		do(p)
	}
	if p := t.passed[nameList(false, c.deploymentName)]; p != nil {
		do(p)
	}
	for _, project := range t.projects[c.projectSetID] {
		if p := t.passed[projectList(project)]; p != nil {
			do(p)
		}
	}
}

// add adds the change to the last milestone that is not after its record.
func (p *passed) add(c change) { p.sums[p.marks.at(c.place)] += c.n }

// grow adds a record that is after all that were added, and a milestone there if the last one has spacing records.
func (p *passed) grow(at place, spacing int64) {
	if p.sums[len(p.sums)-1] == spacing {
		p.marks, p.sums = append(p.marks, mark{place: at}), append(p.sums, 0)
	}
	p.sums[len(p.sums)-1]++
}

// totals are the sums of the lists that are not zero.
func (t *tally) totals(organizationID int64) []totalRow {
	sums := make(map[listKey]int64)
	for combination, n := range t.combinations {
		if n == 0 {
			continue
		}
		for _, key := range combination.combined() {
			sums[key] += n
		}
	}
	rows := make([]totalRow, 0, len(sums)+len(t.single))
	for _, of := range []map[listKey]int64{sums, t.single} {
		for key, n := range of {
			if n != 0 {
				rows = append(rows, totalRow{
					OrganizationID: organizationID, Latest: key.latest, EnvironmentID: key.environmentID,
					LogicalEnvironmentID: key.logicalEnvironmentID, DeploymentName: key.deploymentName,
					Status: key.status, Kind: key.kind, ProjectSetID: key.projectSetID, N: n,
				})
			}
		}
	}
	// Neighbours in the table are written one after the other.
	slices.SortFunc(rows, func(a, b totalRow) int {
		return cmp.Or(cmp.Compare(a.EnvironmentID, b.EnvironmentID), cmp.Compare(a.DeploymentName, b.DeploymentName))
	})
	return rows
}
