package audit

import (
	"database/sql"
	"fmt"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

const (
	selectRecords = `SELECT artifact_id, updated_at, last_seen_at, false, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, id, 1
FROM deployment_records WHERE organization_id = ?`

	selectNegatedDeltas = `SELECT ` + counts.SelectCountedArtifact + `, latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, -n
FROM list_changes WHERE organization_id = ?`
)

// verifier is one Verify in its transaction.
type verifier struct {
	tx             *gorm.DB
	organizationID int64
	result         *Verification
	wrongSlots     []schema.Slot
	// artifacts are the stored totals of counted artifacts.
	artifacts map[string]int64
}

func (v *verifier) run() error {
	milestones, err := counts.ReadMilestones(v.tx, v.organizationID, counts.Beginning)
	if err != nil {
		return err
	}
	if v.artifacts, err = counts.ReadArtifacts(v.tx, v.organizationID); err != nil {
		return err
	}
	// By the equation of package counts, the counters must be records - pending deltas.
	sums := counts.NewAggregator()
	sums.SetMilestones(milestones, counts.Beginning)
	for _, step := range []func(*counts.Aggregator) error{v.addSets, v.verifyRecords, v.subtractDeltas, v.verifyTotals, v.verifyArtifacts} {
		if err := step(sums); err != nil {
			return err
		}
	}
	v.verifyMilestones(milestones, sums)
	if err := v.verifyProjectSets(); err != nil {
		return err
	}
	if err := v.verifyUsage(); err != nil {
		return err
	}
	return v.verifyTimes()
}

// verifyRecords aggregates the records, and compares the latest of each slot with current_slots.
func (v *verifier) verifyRecords(sums *counts.Aggregator) error {
	slots, err := v.readSlots()
	if err != nil {
		return err
	}
	latest := make(map[schema.Slot]schema.CurrentSlot)
	err = database.ForEachRow(v.tx.Raw(selectRecords, v.organizationID), func(rows *sql.Rows) error {
		var artifactID string
		var updatedAt, lastSeenAt database.Timestamp
		record, err := counts.ScanDelta(rows, &artifactID, &updatedAt, &lastSeenAt)
		if err != nil {
			return err
		}
		if _, ok := v.artifacts[artifactID]; ok {
			record.ArtifactID = artifactID
		}
		v.result.Records++
		sums.Add(record)
		row := schema.CurrentSlot{
			OrganizationID: v.organizationID, Slot: schema.Slot{EnvironmentID: record.EnvironmentID, DeploymentName: record.DeploymentName},
			RecordID: record.RecordID, ArtifactID: artifactID, Kind: record.Kind, Status: record.Status, ProjectSetID: record.ProjectSetID,
			CreatedAt: record.CreatedAt, UpdatedAt: updatedAt, LastSeenAt: lastSeenAt,
		}
		best, ok := latest[row.Slot]
		if ok && !(counts.Position{CreatedAt: best.CreatedAt, RecordID: best.RecordID}).Before(record.Position) {
			return nil
		}
		if id := record.LogicalEnvironmentID; id != "" {
			row.LogicalEnvironmentID = &id
		}
		latest[row.Slot] = row
		return nil
	})
	if err != nil {
		return err
	}
	v.compareSlots(slots, latest)
	for _, slot := range slots {
		sums.Add(slotDelta(slot)) // totals of latest records are those of the table that listings read
	}
	return nil
}

func (v *verifier) readSlots() (map[schema.Slot]schema.CurrentSlot, error) {
	var rows []schema.CurrentSlot
	err := v.tx.Where("organization_id = ?", v.organizationID).Find(&rows).Error
	slots := make(map[schema.Slot]schema.CurrentSlot, len(rows))
	for _, row := range rows {
		slots[row.Slot] = row
	}
	return slots, err
}

func (v *verifier) compareSlots(stored, latest map[schema.Slot]schema.CurrentSlot) {
	var faults []string
	wrong := func(slot schema.Slot, format string, args ...any) {
		v.wrongSlots = append(v.wrongSlots, slot)
		name := fmt.Sprintf("%s in environment %s", deployments.Quote(slot.DeploymentName), slot.EnvironmentID)
		faults = append(faults, fmt.Sprintf(format, append([]any{name}, args...)...))
	}
	for slot, want := range latest {
		v.result.Slots++
		got, ok := stored[slot]
		if !ok {
			wrong(slot, "the slot %s has no latest record; it is %s", want.RecordID)
		} else if !equalSlots(got, want) {
			wrong(slot, "the slot %s has the latest record %s; it is %s, or other columns differ", got.RecordID, want.RecordID)
		}
	}
	for slot, got := range stored {
		if _, ok := latest[slot]; !ok {
			wrong(slot, "the slot %s has the latest record %s; it has no record", got.RecordID)
		}
	}
	v.result.addSorted(faults)
}

func slotDelta(s schema.CurrentSlot) counts.Delta {
	d := counts.Delta{N: 1, Dimensions: counts.Dimensions{Latest: true, ProjectSetID: s.ProjectSetID, Columns: counts.Columns{
		EnvironmentID: s.EnvironmentID, DeploymentName: s.DeploymentName, Status: s.Status, Kind: s.Kind,
	}}}
	if s.LogicalEnvironmentID != nil {
		d.LogicalEnvironmentID = *s.LogicalEnvironmentID
	}
	return d
}

// equalSlots compares all columns.
func equalSlots(a, b schema.CurrentSlot) bool {
	same := func(a, b *string) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) }
	return a.RecordID == b.RecordID && same(a.LogicalEnvironmentID, b.LogicalEnvironmentID) && a.ArtifactID == b.ArtifactID &&
		a.Kind == b.Kind && a.Status == b.Status && a.ProjectSetID == b.ProjectSetID && a.CreatedAt.Equal(b.CreatedAt.Time) &&
		a.UpdatedAt.Equal(b.UpdatedAt.Time) && a.LastSeenAt.Equal(b.LastSeenAt.Time)
}

// subtractDeltas subtracts the pending deltas from the sums.
func (v *verifier) subtractDeltas(sums *counts.Aggregator) error {
	return database.ForEachRow(v.tx.Raw(selectNegatedDeltas, v.organizationID, v.organizationID), func(rows *sql.Rows) error {
		var artifactID string
		delta, err := counts.ScanDelta(rows, &artifactID)
		delta.ArtifactID = artifactID
		v.result.Pending++
		sums.Add(delta)
		return err
	})
}

func (v *verifier) verifyTotals(sums *counts.Aggregator) error {
	want := sums.Totals()
	stored, err := counts.ReadTotals(v.tx, v.organizationID)
	if err != nil {
		return err
	}
	var faults []string
	for key, n := range stored {
		if n == 0 && want[key] == 0 {
			continue // a list that has become empty
		}
		v.result.Totals++
		if n != want[key] {
			faults = append(faults, fmt.Sprintf("the total of %s is %d; it counts %d", describe(key), n, want[key]))
		}
		delete(want, key)
	}
	for key, n := range want {
		v.result.Totals++
		faults = append(faults, fmt.Sprintf("the total of %s is missing; it counts %d", describe(key), n))
	}
	v.result.addSorted(faults)
	return nil
}

func (v *verifier) verifyArtifacts(sums *counts.Aggregator) error {
	var faults []string
	want := sums.Artifacts()
	for id, n := range v.artifacts {
		v.result.Totals++
		if n != want[id] {
			faults = append(faults, fmt.Sprintf("the total of %s is %d; it counts %d", describe(counts.ArtifactKey(id)), n, want[id]))
		}
	}
	v.result.addSorted(faults)
	return nil
}

func (v *verifier) verifyMilestones(stored map[counts.Sequence]counts.Milestones, sums *counts.Aggregator) {
	var faults []string
	for sequence, milestones := range stored {
		list, level := describe(sequence.Key), "milestone"
		if sequence.Coarse {
			level = "coarse milestone"
		}
		if !sequence.Coarse && stored[counts.Sequence{Key: sequence.Key, Coarse: true}] == nil {
			faults = append(faults, fmt.Sprintf("%s has milestones and no coarse one", list))
		}
		if milestones[0].Position != counts.Beginning {
			faults = append(faults, fmt.Sprintf("the first %s of %s is not at the beginning", level, list))
			continue
		}
		for i, n := range sums.MilestoneSums(sequence) {
			v.result.Milestones++
			m := milestones[i]
			if n != m.N {
				faults = append(faults, fmt.Sprintf("%s has %d records from %s (%s) to the next %s; it counts %d", list, m.N, m.CreatedAt, m.RecordID, level, n))
			}
			if sequence.Coarse && !stored[counts.Sequence{Key: sequence.Key}].Has(m.Position) {
				faults = append(faults, fmt.Sprintf("%s has a coarse milestone at %s (%s) and no other one there", list, m.CreatedAt, m.RecordID))
			}
		}
	}
	v.result.addSorted(faults)
}

// describe names a list for an operator.
func describe(k counts.Key) string {
	text := "all records"
	if k.Latest {
		text = "the latest records"
	}
	words := map[string]string{
		"environment_id": " of environment %v", "logical_environment_id": " of logical environment %v",
		"deployment_name": " of deployment name %v", "status": " with status %d", "kind": " of kind %d",
	}
	for _, condition := range k.Conditions() {
		if condition.Column == "deployment_name" {
			condition.Value = deployments.Quote(k.DeploymentName)
		}
		text += fmt.Sprintf(words[condition.Column], condition.Value)
	}
	if k.ProjectSetID != 0 {
		text += fmt.Sprintf(" of project set %d", k.ProjectSetID)
	}
	if k.ProjectID != 0 {
		text += fmt.Sprintf(" of project %d", k.ProjectID)
	}
	if k.ArtifactID != counts.AnyID {
		text += " of artifact " + k.ArtifactID
	}
	return text
}
