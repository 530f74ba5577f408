package counts

import (
	"database/sql"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/database"
)

// selectAllRecords reads records and pending deltas in one statement, and so from one snapshot.
const selectAllRecords = `SELECT false AS pending, CAST(artifact_id AS text) AS artifact_id, ` + SelectMembers + ` AS members, false AS latest, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, id AS record_id, CAST(1 AS smallint) AS n
FROM deployment_records WHERE organization_id = ?
UNION ALL
SELECT true, coalesce(CAST(artifact_id AS text), ''), ` + SelectMembers + `, false, environment_id, logical_environment_id, deployment_name, status, kind, project_set_id, created_at, record_id, n
FROM list_changes WHERE organization_id = ? AND NOT latest
ORDER BY created_at, record_id`

// BuildMilestones returns fine milestones of whole lists at an interval, which it counts in one pass through all records.
func BuildMilestones(tx *gorm.DB, organizationID int64, lists []Key, interval int64) (map[Key]Milestones, error) {
	unbuilt := make(map[Sequence]Milestones)
	for _, key := range lists {
		unbuilt[Sequence{Key: key}] = Milestones{{Position: Beginning}}
	}
	sums := NewAggregator()
	sums.SetMilestones(unbuilt, Beginning)
	var pending []Delta
	err := database.ForEachRow(tx.Raw(selectAllRecords, organizationID, organizationID), func(rows *sql.Rows) error {
		var isPending bool
		var artifactID, members string
		delta, err := ScanDelta(rows, &isPending, &artifactID, &members)
		delta.ArtifactID = artifactID
		sums.AddSet(delta.ProjectSetID, members)
		if isPending {
			delta.N = -delta.N
			pending = append(pending, delta)
			return err
		}
		sums.forEachList(delta, func(r *ranges) { r.grow(delta.Position, interval) })
		return err
	})
	// Milestones are at records, so the range of a delta is known only when all of them are set.
	for _, delta := range pending {
		sums.forEachList(delta, func(r *ranges) { r.add(delta) })
	}
	built := make(map[Key]Milestones, len(sums.ranges))
	for sequence, r := range sums.ranges {
		for i, n := range r.sums {
			r.milestones[i].N = n
		}
		built[sequence.Key] = r.milestones
	}
	return built, err
}
