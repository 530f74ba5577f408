package store

import (
	"context"
	"database/sql"
	"fmt"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Verification is what Verify found in one organization.
type Verification struct {
	Organization string
	// Records and Slots are how many there are; Totals and Milestones how many counts were compared; Pending how many
	// changes were not folded into them.
	Records, Slots, Totals, Milestones, Pending int64
	// Faults say what is not as the records say, each in a sentence; there may be more than maxVerifyFaults.
	Faults []string
	// Found is how many faults there are.
	Found int64
}

const maxVerifyFaults = 20

func (v *Verification) fault(format string, args ...any) {
	if v.Found++; v.Found <= maxVerifyFaults {
		v.Faults = append(v.Faults, fmt.Sprintf(format, args...))
	}
}

// Verify counts everything anew from the records of an organization and compares: which record is the latest of each
// slot, the total of each list, what lies between milestones, and which projects each record is in. It reads one snapshot and keeps nobody waiting; its
// memory grows with the number of slots and lists, not of records. An organization that does not exist is nil.
func (s *Store) Verify(ctx context.Context, organization string) (*Verification, error) {
	var found *Verification
	err := s.snapshot(ctx, func(tx *gorm.DB) error {
		var row organizationRow
		if tx.Where("key = ?", organization).Limit(1).Find(&row); tx.Error != nil || row.ID == 0 {
			return tx.Error
		}
		v := &verifying{tx: tx, organizationID: row.ID, found: &Verification{Organization: organization}}
		if err := v.run(); err != nil {
			return err
		}
		found = v.found
		return nil
	})
	return found, databaseError(ctx, err)
}

// Organizations are the keys of all, in order.
func (s *Store) Organizations(ctx context.Context) ([]string, error) {
	var keys []string
	err := s.db.WithContext(ctx).Model(&organizationRow{}).Order("key").Pluck("key", &keys).Error
	return keys, databaseError(ctx, err)
}

// snapshot runs queries that all see the database as it is at one moment.
func (s *Store) snapshot(ctx context.Context, do func(tx *gorm.DB) error) error {
	options := &sql.TxOptions{ReadOnly: true} // in SQLite, the snapshot of its first query, beside writers
	if s.engine == postgreSQL {
		options.Isolation = sql.LevelRepeatableRead
	}
	return s.db.WithContext(ctx).Transaction(do, options)
}

// verifying is a Verify under way.
type verifying struct {
	tx             *gorm.DB
	organizationID int64
	found          *Verification
	wrongSlots     []slotKey
}

func (v *verifying) slotFault(slot slotKey, format string, args ...any) {
	v.wrongSlots = append(v.wrongSlots, slot)
	v.found.fault(format, append([]any{fmt.Sprintf("%s in environment %s", deployments.Quote(slot.deploymentName), slot.environmentID)}, args...)...)
}

func (v *verifying) run() error {
	stored, err := readMilestones(v.tx, v.organizationID)
	if err != nil {
		return err
	}
	// records = counts + pending, so what the counts must be is records - pending.
	sums := newTally(stored)
	if err := v.knowSets(sums); err != nil {
		return err
	}
	if err := v.records(sums); err != nil {
		return err
	}
	if err := v.pending(sums); err != nil {
		return err
	}
	if err := v.totals(sums); err != nil {
		return err
	}
	v.milestones(stored, sums)
	return v.projectSets()
}

// records tallies the records and finds the latest of each slot, which it compares with what is kept.
func (v *verifying) records(sums *tally) error {
	slots, err := v.slots()
	if err != nil {
		return err
	}
	latest := make(map[slotKey]slotRow)
	rows, err := v.tx.Raw(`SELECT artifact_id, false, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, id, 1
FROM deployment_records WHERE organization_id = ?`, v.organizationID).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var artifactID string
		c, err := scanChange(rows, &artifactID)
		if err != nil {
			return err
		}
		v.found.Records++
		sums.add(c)
		slot := slotKey{environmentID: c.environmentID, deploymentName: c.deploymentName}
		best, ok := latest[slot]
		if !ok || (place{best.CreatedAt.Time, best.RecordID}).before(c.place) {
			latest[slot] = slotRow{
				OrganizationID: v.organizationID, EnvironmentID: c.environmentID, DeploymentName: c.deploymentName,
				RecordID: c.recordID, ArtifactID: artifactID, Kind: c.kind, Status: c.status, ProjectSetID: c.projectSetID, CreatedAt: timestamp{c.createdAt},
			}
			if c.logicalEnvironmentID != "" {
				row := latest[slot]
				row.LogicalEnvironmentID = &c.logicalEnvironmentID
				latest[slot] = row
			}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for slot, want := range latest {
		v.found.Slots++
		got, ok := slots[slot]
		if !ok {
			v.slotFault(slot, "the slot %s has no latest record; it is %s", want.RecordID)
		} else if !got.equal(want) {
			v.slotFault(slot, "the slot %s says that its latest record is %s; it is %s, or other columns differ", got.RecordID, want.RecordID)
		}
	}
	for slot, got := range slots {
		if _, ok := latest[slot]; !ok {
			v.slotFault(slot, "the slot %s says that its latest record is %s; it has no record", got.RecordID)
		}
		// Totals of the latest are those of the table that lists read.
		sums.add(change{listed: got.listed(), n: 1})
	}
	return nil
}

func (v *verifying) slots() (map[slotKey]slotRow, error) {
	var rows []slotRow
	err := v.tx.Where("organization_id = ?", v.organizationID).Find(&rows).Error
	slots := make(map[slotKey]slotRow, len(rows))
	for _, row := range rows {
		slots[slotKey{environmentID: row.EnvironmentID, deploymentName: row.DeploymentName}] = row
	}
	return slots, err
}

// pending takes the changes that are not folded from the sums.
func (v *verifying) pending(sums *tally) error {
	rows, err := v.tx.Raw(`SELECT latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, -n
FROM list_changes WHERE organization_id = ?`, v.organizationID).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		c, err := scanChange(rows)
		if err != nil {
			return err
		}
		v.found.Pending++
		sums.add(c)
	}
	return rows.Err()
}

func (v *verifying) totals(sums *tally) error {
	want := make(map[listKey]int64)
	for _, row := range sums.totals(v.organizationID) {
		want[row.list()] = row.N
	}
	var stored []totalRow
	if err := v.tx.Where("organization_id = ?", v.organizationID).Find(&stored).Error; err != nil {
		return err
	}
	for _, row := range stored {
		if row.N == 0 && want[row.list()] == 0 {
			continue // a list that has become empty
		}
		v.found.Totals++
		if list := row.list(); row.N != want[list] {
			v.found.fault("the total of %s is %d; it counts %d", list, row.N, want[list])
		}
		delete(want, row.list())
	}
	for list, n := range want {
		v.found.Totals++
		v.found.fault("the total of %s is missing; it counts %d", list, n)
	}
	return nil
}

func (v *verifying) milestones(stored milestones, sums *tally) {
	for list, marks := range stored {
		if marks[0].place != beginning {
			v.found.fault("the milestones of %s do not begin at the beginning", list)
			continue
		}
		for i, m := range marks {
			v.found.Milestones++
			if n := sums.passed[list].sums[i]; n != m.n {
				v.found.fault("%s has %d records from %s (%s) to the next milestone; it counts %d", list, m.n, m.createdAt, m.recordID, n)
			}
		}
	}
}

// String names the list for an operator.
func (k listKey) String() string {
	text := "all records"
	if k.latest {
		text = "the latest records"
	}
	if k.environmentID != anyID {
		text += " of environment " + k.environmentID
	}
	if k.logicalEnvironmentID != anyID {
		text += " of logical environment " + k.logicalEnvironmentID
	}
	if k.deploymentName != "" {
		text += " of deployment name " + deployments.Quote(k.deploymentName)
	}
	if k.status != deployments.AnyStatus {
		text += fmt.Sprintf(" with status %d", k.status)
	}
	if k.kind != deployments.AnyKind {
		text += fmt.Sprintf(" of kind %d", k.kind)
	}
	if k.projectSetID != 0 {
		text += fmt.Sprintf(" of project set %d", k.projectSetID)
	}
	if k.projectID != 0 {
		text += fmt.Sprintf(" of project %d", k.projectID)
	}
	return text
}

// equal compares every column.
func (r slotRow) equal(o slotRow) bool {
	same := func(a, b *string) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }
	return r.RecordID == o.RecordID && same(r.LogicalEnvironmentID, o.LogicalEnvironmentID) && r.ArtifactID == o.ArtifactID &&
		r.Kind == o.Kind && r.Status == o.Status && r.ProjectSetID == o.ProjectSetID && r.CreatedAt.Equal(o.CreatedAt.Time)
}

func (r slotRow) listed() listed {
	l := listed{latest: true, environmentID: r.EnvironmentID, deploymentName: r.DeploymentName, status: r.Status, kind: r.Kind, projectSetID: r.ProjectSetID}
	if r.LogicalEnvironmentID != nil {
		l.logicalEnvironmentID = *r.LogicalEnvironmentID
	}
	return l
}
