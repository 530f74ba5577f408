package store

import (
	"sort"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// milestoneSpacing is how many records are between two milestones when they are set; twice as many, and one is set
// between them. A page is at most that many records of its list from a milestone, and a list of ten million records has about
// a thousand of them to add up. To skip an entry takes a fraction of adding one up, so that many are no gain.
const milestoneSpacing = 8192

// milestones are those of an organization's lists, each in the order of time. The first of a list is the beginning.
type milestones map[listKey]marks

// marks are the milestones of one list.
type marks []mark

// mark is a milestone: n records from there to the next.
type mark struct {
	place
	n int64
}

// at is the index of the last milestone that is not after the place.
func (m marks) at(p place) int {
	return sort.Search(len(m), func(i int) bool { return p.before(m[i].place) }) - 1
}

// next is where the milestone's records end.
func (m marks) next(i int) place {
	if i+1 < len(m) {
		return m[i+1].place
	}
	return end
}

func readMilestones(tx *gorm.DB, organizationID int64) (milestones, error) {
	var rows []milestoneRow
	err := tx.Where("organization_id = ?", organizationID).Order("created_at, record_id").Find(&rows).Error
	found := make(milestones)
	for _, row := range rows {
		found[row.list()] = append(found[row.list()], mark{place: place{row.CreatedAt.Time, row.RecordID}, n: row.N})
	}
	return found, err
}

func (f *folding) milestoneRow(list listKey, m mark) milestoneRow {
	return milestoneRow{
		OrganizationID: f.organizationID, EnvironmentID: list.environmentID, LogicalEnvironmentID: list.logicalEnvironmentID,
		DeploymentName: list.deploymentName, Status: list.status, Kind: list.kind, ProjectID: list.projectID,
		CreatedAt: timestamp{m.createdAt}, RecordID: m.recordID, N: m.n,
	}
}

// saveMilestones adds the sums to the milestones.
func (f *folding) saveMilestones(sums *tally) error {
	var changed []milestoneRow
	for list, passed := range sums.passed {
		for i, n := range passed.sums {
			if n != 0 {
				passed.marks[i].n += n
				changed = append(changed, f.milestoneRow(list, passed.marks[i]))
			}
		}
	}
	return f.write(changed)
}

// write makes milestones or replaces their counts.
func (f *folding) write(rows []milestoneRow) error {
	return createAll(f.tx.Clauses(clause.OnConflict{
		Columns: []clause.Column{
			{Name: "organization_id"},
			{Name: "environment_id"},
			{Name: "logical_environment_id"},
			{Name: "deployment_name"},
			{Name: "status"},
			{Name: "kind"},
			{Name: "project_id"},
			{Name: "created_at"},
			{Name: "record_id"},
		},
		DoUpdates: clause.AssignmentColumns([]string{"n"}),
	}), rows)
}
