package store

import (
	"slices"
	"time"

	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// identityKey is an identity (W1) by the ids of its names.
type identityKey struct {
	slot                 slotKey
	logicalEnvironmentID string
	kind                 deployments.Kind
}

func identityOf(r deployments.Record) identityKey {
	return identityKey{
		slot:                 slotKey{environmentID: r.EnvironmentID, deploymentName: r.DeploymentName},
		logicalEnvironmentID: r.LogicalEnvironmentID,
		kind:                 r.Artifact.Kind,
	}
}

// identityState is what is deployed under an identity, the newest first, as the batch goes on.
type identityState struct {
	deployed []deployments.Record
	// added are the ids of records that the batch adds.
	added []string
}

// hold takes the slots and artifacts of the batch and reads the clock and what is deployed. Of a snapshot, these are also
// the slots of its environment where something is deployed. It gives the snapshot's environment.
func (w *recording) hold() (environmentID string, err error) {
	var slots []slotKey
	for _, item := range w.sound() {
		slots = append(slots, item.slot())
	}
	if w.batch.Snapshot != nil {
		var deployed []slotKey
		if environmentID, deployed, err = w.deployedSlots(); err != nil {
			return "", err
		}
		slots = append(slots, deployed...)
	}
	slots = distinct(slots)
	slices.SortFunc(slots, slotKey.compare)
	if err := w.lock(slots); err != nil {
		return "", err
	}
	if w.artifacts, err = w.readArtifacts(); err != nil {
		return "", err
	}
	if w.now, err = w.clock(); err != nil {
		return "", err
	}
	return environmentID, w.readSlots(slots)
}

// deployedSlots are those of the snapshot's environment in which something is deployed. What comes to be deployed
// elsewhere after this was seen after the snapshot, too.
func (w *recording) deployedSlots() (environmentID string, slots []slotKey, err error) {
	ids, err := w.namedIDs("environments", []string{w.batch.Snapshot.EnvironmentName})
	if err != nil || len(ids) == 0 {
		return "", nil, err
	}
	environmentID = ids[w.batch.Snapshot.EnvironmentName]
	var names []string
	err = w.tx.Model(&recordRow{}).Distinct("deployment_name").
		Where("organization_id = ? AND environment_id = ? AND status = 1", w.organizationID, environmentID).Pluck("deployment_name", &names).Error
	for _, name := range names {
		slots = append(slots, slotKey{environmentID: environmentID, deploymentName: name})
	}
	return environmentID, slots, err
}

// lock holds the slots until the transaction ends (W5). All recorders take them in one order.
func (w *recording) lock(slots []slotKey) error {
	if w.engine == sqLite || len(slots) == 0 {
		return nil // nobody else writes
	}
	held := func(lock string) ([]lockRow, error) {
		var rows []lockRow
		err := w.tx.Raw("SELECT s.* FROM slots s JOIN "+w.engine.slotSet()+` w
  ON s.environment_id = w.environment_id AND s.deployment_name = w.deployment_name
WHERE s.organization_id = ? ORDER BY s.environment_id, s.deployment_name`+lock, jsonSlots(slots), w.organizationID).Scan(&rows).Error
		return rows, err
	}
	rows, err := held(w.engine.forUpdate("s"))
	if err != nil || len(rows) == len(slots) {
		return err
	}
	known := make(map[slotKey]bool, len(rows))
	for _, row := range rows {
		known[slotKey{environmentID: row.EnvironmentID, deploymentName: row.DeploymentName}] = true
	}
	var made []lockRow
	for _, slot := range slots {
		if !known[slot] {
			made = append(made, lockRow{OrganizationID: w.organizationID, EnvironmentID: slot.environmentID, DeploymentName: slot.deploymentName})
		}
	}
	// Who makes a slot's row holds it; who finds it made meanwhile waits for it here and takes it below.
	if err := createAll(w.tx.Clauses(clause.OnConflict{DoNothing: true}), made); err != nil {
		return err
	}
	_, err = held(w.engine.forUpdate("s"))
	return err
}

// clock is the database's (W6). SQLite has none of its own: its clock is that of this process.
func (w *recording) clock() (time.Time, error) {
	if w.ownClock != nil {
		return w.ownClock(), nil
	}
	if w.engine == sqLite {
		return time.Now().UTC().Truncate(time.Microsecond), nil
	}
	var now timestamp
	// Not now(), which is when the transaction began: before it waited.
	err := w.tx.Raw("SELECT clock_timestamp()").Row().Scan(&now)
	return now.Time, err
}

// readSlots reads what is deployed in the slots, and when their latest records were created.
func (w *recording) readSlots(slots []slotKey) error {
	if len(slots) == 0 {
		return nil
	}
	set := jsonSlots(slots)
	// CROSS JOIN: SQLite would read the set once for each record, not the records once for each of the set.
	deployed, err := w.readRecords(w.engine.slotSet()+" w CROSS JOIN deployment_records r",
		`r.organization_id = ? AND r.environment_id = w.environment_id AND r.deployment_name = w.deployment_name AND r.status = 1
ORDER BY r.id`+w.engine.forUpdate("r"), set, w.organizationID) // the order in which an import locks them, too
	if err != nil {
		return err
	}
	slices.SortFunc(deployed, newestFirstOrder)
	for _, record := range deployed {
		state := w.identity(identityOf(record))
		state.deployed = append(state.deployed, record)
	}
	var latest []slotRow
	err = w.tx.Raw("SELECT s.* FROM "+w.engine.slotSet()+` w CROSS JOIN current_slots s
WHERE s.organization_id = ? AND s.environment_id = w.environment_id AND s.deployment_name = w.deployment_name`, set, w.organizationID).Scan(&latest).Error
	for _, row := range latest {
		w.latest[slotKey{environmentID: row.EnvironmentID, deploymentName: row.DeploymentName}] = row.CreatedAt.Time
	}
	return err
}

func (w *recording) identity(key identityKey) *identityState {
	state := w.identities[key]
	if state == nil {
		state = &identityState{}
		w.identities[key] = state
	}
	return state
}

// readRecords reads records with their names from what has a deployment_records r.
func (w *recording) readRecords(from, condition string, args ...any) ([]deployments.Record, error) {
	rows, err := w.tx.Raw("SELECT r.project_set_id, "+recordColumns+" FROM "+from+recordJoins+" WHERE "+condition, args...).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var records []deployments.Record
	var setID int64
	scan := scanRecords(&setID)
	for rows.Next() {
		record, _, err := scan.next(rows)
		if err != nil {
			return nil, err
		}
		if w.artifacts != nil {
			w.artifacts.sets[record.ArtifactID] = setID
		}
		records = append(records, record)
	}
	return records, rows.Err()
}

// newest is the newest record of the identity, of the digest unless that is empty, as the batch goes on; or nil.
func (w *recording) newest(key identityKey, digest string) (*deployments.Record, error) {
	if _, known := w.latest[key.slot]; !known {
		return nil, nil // the slot has no records
	}
	// Computed values keep the planner from the indexes by kind and by logical environment: only the one by slot gives
	// few records, and until a table is analyzed it cannot know.
	condition := `r.organization_id = ? AND r.environment_id = ? AND r.deployment_name = ? AND r.kind + 0 = ?`
	args := []any{w.organizationID, key.slot.environmentID, key.slot.deploymentName, int(key.kind)}
	if key.logicalEnvironmentID == "" {
		condition += " AND r.logical_environment_id IS NULL"
	} else {
		condition += " AND CAST(r.logical_environment_id AS text) = ?"
		args = append(args, key.logicalEnvironmentID)
	}
	if digest != "" {
		condition += " AND a.digest = ?"
		args = append(args, digest)
	}
	found, err := w.readRecords("deployment_records r", condition+" ORDER BY r.created_at DESC, r.id DESC LIMIT 1"+w.engine.forUpdate("r"), args...)
	if err != nil {
		return nil, err
	}
	var newest *deployments.Record
	for _, record := range found {
		record = w.current(record)
		newest = &record
	}
	for _, id := range w.identity(key).added {
		record := w.records[id]
		if (digest == "" || record.Artifact.Digest == digest) && (newest == nil || record.NewerThan(*newest)) {
			newest = &record
		}
	}
	return newest, nil
}

// byID reads a record that is there.
func (w *recording) byID(id string) (deployments.Record, error) {
	records, err := w.readRecords("deployment_records r", "r.organization_id = ? AND r.id = ?", w.organizationID, id)
	if err != nil || len(records) == 0 {
		return deployments.Record{}, err
	}
	return records[0], nil
}
