package store

import (
	"database/sql"
	"slices"
	"sort"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
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

// settle sets milestones in lists that have become long, and between milestones that have come to be far apart.
func (f *folding) settle() error {
	long, err := f.long()
	if err != nil {
		return err
	}
	for _, list := range long {
		if f.milestones[list], err = f.set(list, beginning, end); err != nil {
			return err
		}
	}
	for list, marks := range f.milestones {
		for i := len(marks) - 1; i >= 0; i-- {
			if marks[i].n <= 2*f.spacing {
				continue
			}
			set, err := f.set(list, marks[i].place, marks.next(i))
			if err != nil {
				return err
			}
			marks = slices.Replace(marks, i, i+1, set...)
		}
		f.milestones[list] = marks
	}
	return nil
}

// set sets milestones from one place in the list to another, by its records: there is one at the first place, or it
// is made. One statement reads the records and the changes that are not folded, and so from one snapshot.
func (f *folding) set(list listKey, from, to place) (marks, error) {
	w := &statement{}
	w.write("WITH part AS (SELECT r.created_at, r.id AS record_id, row_number() OVER (ORDER BY r.created_at, r.id) - 1 AS before FROM deployment_records r WHERE ")
	w.inPart(f.organizationID, list, from, to, "r", "id")
	w.write("), pending AS (SELECT c.created_at, c.record_id, c.n FROM list_changes c WHERE NOT c.latest AND ")
	w.inPart(f.organizationID, list, from, to, "c", "record_id")
	w.write(`),
whole AS (SELECT (SELECT count(*) FROM part) - (SELECT coalesce(sum(n), 0) FROM pending) AS n)
SELECT whole.n, part.created_at, part.record_id,
  part.before - (SELECT coalesce(sum(n), 0) FROM pending p WHERE (p.created_at, p.record_id) < (part.created_at, part.record_id))
FROM whole LEFT JOIN part ON part.before > 0 AND part.before % ? = 0 ORDER BY part.before`, f.spacing)
	rows, err := f.tx.Raw(w.text.String(), w.args...).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	set := marks{{place: from}}
	var passed, all int64 // counted before the last milestone, and in the whole part
	for rows.Next() {
		var (
			recordID sql.Null[string]
			created  timestamp
			before   sql.Null[int64]
		)
		if err := rows.Scan(&all, &created, &recordID, &before); err != nil {
			return nil, err
		}
		if !recordID.Valid {
			continue // the part is too short for more than the one milestone
		}
		set[len(set)-1].n = before.V - passed
		passed = before.V
		set = append(set, mark{place: place{created.Time, recordID.V}})
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	set[len(set)-1].n = all - passed
	var made []milestoneRow
	for _, m := range set {
		made = append(made, f.milestoneRow(list, m))
	}
	return set, f.write(made)
}

// inPart is the condition that a row is of the list, from one place to before another.
func (w *statement) inPart(organizationID int64, list listKey, from, to place, alias, id string) {
	w.write(alias+".organization_id = ?", organizationID)
	if list.environmentID != anyID {
		w.write(" AND "+alias+".environment_id = ?", list.environmentID)
	}
	if list.logicalEnvironmentID != anyID {
		w.write(" AND "+alias+".logical_environment_id = ?", list.logicalEnvironmentID)
	}
	if list.deploymentName != "" {
		w.write(" AND "+alias+".deployment_name = ?", list.deploymentName)
	}
	if list.status != deployments.AnyStatus {
		w.write(" AND "+alias+".status = ?", int(list.status))
	}
	if list.kind != deployments.AnyKind {
		w.write(" AND "+alias+".kind = ?", int(list.kind))
	}
	if list.projectID != 0 {
		w.write(" AND "+alias+".project_set_id > 0 AND "+alias+".project_set_id IN (SELECT project_set_id FROM project_set_members WHERE project_id = ?)", list.projectID)
	}
	w.write(" AND ("+alias+".created_at, "+alias+"."+id+") >= (?, ?) AND ("+alias+".created_at, "+alias+"."+id+") < (?, ?)",
		timestamp{from.createdAt}, from.recordID, timestamp{to.createdAt}, to.recordID)
}
