package store

import (
	"database/sql"
	"slices"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// settle sets milestones in lists that have become long, and between milestones that have come to be far apart.
func (f *folding) settle() error {
	if err := f.begin(); err != nil {
		return err
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

// begin sets the milestones of lists that have none and need them.
func (f *folding) begin() error {
	long, records, err := f.long()
	if err != nil {
		return err
	}
	var listed int64
	for _, n := range long {
		listed += n
	}
	if listed > onePass*records {
		return f.setAll(long)
	}
	for list := range long {
		if f.milestones[list], err = f.set(list, beginning, end); err != nil {
			return err
		}
	}
	return nil
}

// onePass is how many times all records lists must have together for one pass through the records to take less than
// reading each list: a record that comes to the server takes so many times longer than one that the database counts.
const onePass = 5

// withoutFilters is the condition that a total t is of all records, or of a project set.
const withoutFilters = "t.environment_id = '" + anyID + "' AND t.logical_environment_id = '" + anyID + "' AND t.deployment_name = '' AND t.status = 0 AND t.kind = 0"

// long are the lists that have no milestones and need them, with how many records they have; and how many there are.
func (f *folding) long() (lists map[listKey]int64, records int64, err error) {
	var totals []totalRow
	err = f.tx.Where("organization_id = ? AND NOT latest AND n > ?", f.organizationID, 2*f.spacing).Find(&totals).Error
	if err != nil {
		return nil, 0, err
	}
	var projects []struct{ ProjectID, N int64 }
	err = f.tx.Raw(`SELECT m.project_id, CAST(sum(t.n) AS bigint) AS n FROM list_totals t JOIN project_set_members m ON m.project_set_id = t.project_set_id
WHERE t.organization_id = ? AND t.latest = false AND `+withoutFilters+` AND t.project_set_id > 0 GROUP BY m.project_id HAVING sum(t.n) > ?`, f.organizationID, 2*f.spacing).
		Scan(&projects).Error
	lists = make(map[listKey]int64)
	for _, total := range totals {
		list := total.list()
		if list == allRecords {
			records = total.N
		}
		if list.marked() && f.milestones[list] == nil {
			lists[list] = total.N
		}
	}
	for _, project := range projects {
		if list := projectList(project.ProjectID); f.milestones[list] == nil {
			lists[list] = project.N
		}
	}
	return lists, records, err
}

// setAll sets those of whole lists in one pass through all records. One statement reads the records and the changes that
// are not folded, and so from one snapshot.
func (f *folding) setAll(lists map[listKey]int64) error {
	unset := make(milestones)
	for list := range lists {
		unset[list] = marks{{place: beginning}}
	}
	sums := newTally(unset)
	rows, err := f.tx.Raw(`SELECT false AS pending, `+membersOf("r")+` AS members, false AS latest, r.environment_id, r.logical_environment_id, r.deployment_name, r.status, r.kind, r.project_set_id, r.created_at, r.id AS record_id, CAST(1 AS smallint) AS n
FROM deployment_records r WHERE r.organization_id = ?
UNION ALL
SELECT true, `+membersOf("c")+`, false, c.environment_id, c.logical_environment_id, c.deployment_name, c.status, c.kind, c.project_set_id, c.created_at, c.record_id, c.n
FROM list_changes c WHERE c.organization_id = ? AND NOT c.latest
ORDER BY created_at, record_id`, f.organizationID, f.organizationID).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	var pending []change
	for rows.Next() {
		var (
			isPending bool
			members   string
		)
		c, err := scanChange(rows, &isPending, &members)
		if err != nil {
			return err
		}
		sums.know(c.projectSetID, members)
		if isPending {
			c.n = -c.n
			pending = append(pending, c)
			continue
		}
		sums.pass(c, func(p *passed) { p.grow(c.place, f.spacing) })
	}
	if err := rows.Err(); err != nil {
		return err
	}
	// Milestones are at records; which of them a change is after is only known when all are there.
	for _, c := range pending {
		sums.pass(c, func(p *passed) { p.add(c) })
	}
	var made []milestoneRow
	for list, p := range sums.passed {
		for i, n := range p.sums {
			p.marks[i].n = n
			made = append(made, f.milestoneRow(list, p.marks[i]))
		}
		f.milestones[list] = p.marks
	}
	return f.write(made)
}

// set sets milestones from one place in the list to another, by its records: there is one at the first place, or it
// is made. One statement reads the records and the changes that are not folded, and so from one snapshot.
func (f *folding) set(list listKey, from, to place) (marks, error) {
	w := newStatement(f.engine)
	w.write("WITH part AS (SELECT r.created_at, r.id AS record_id, row_number() OVER (ORDER BY r.created_at, r.id) - 1 AS before FROM deployment_records r WHERE ")
	w.inPart(f.organizationID, list, from, to, "r", "id")
	w.write("), pending AS (SELECT c.created_at, c.record_id, c.n FROM list_changes c WHERE NOT c.latest AND ")
	w.inPart(f.organizationID, list, from, to, "c", "record_id")
	w.write(`),
whole AS (SELECT (SELECT count(*) FROM part) - (SELECT coalesce(sum(n), 0) FROM pending) AS n)
SELECT whole.n, part.created_at, part.record_id,
  part.before - (SELECT coalesce(sum(n), 0) FROM pending p WHERE (p.created_at, p.record_id) < (part.created_at, part.record_id))
FROM whole LEFT JOIN part ON part.before > 0 AND part.before % ? = 0 ORDER BY part.before`, f.spacing)
	rows, err := w.run(f.tx.Statement.Context, f.tx)
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
