package counts

import (
	"database/sql"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/database"
)

const (
	// selectMilestones selects the milestones whose ranges may contain a time or later ones. The window has the order of the primary
	// key, so that PostgreSQL need not sort.
	selectMilestones = `SELECT ` + listColumns + `, coarse, created_at, record_id, n FROM (
  SELECT ` + listColumns + `, coarse, created_at, record_id, n,
    lead(created_at) OVER (PARTITION BY ` + listColumns + `, coarse ORDER BY created_at, record_id) AS next
  FROM list_positions WHERE organization_id = ?) AS ranges
WHERE next IS NULL OR next >= ? ORDER BY created_at, record_id`

	listColumns = "environment_id, logical_environment_id, deployment_name, status, kind, project_id, artifact_id"

	// isOfSequence is the condition that a milestone m is of one of some sequences.
	isOfSequence = `m.organization_id = ? AND m.environment_id = s.environment_id AND m.logical_environment_id = s.logical_environment_id
  AND m.deployment_name = s.deployment_name AND m.status = s.status AND m.kind = s.kind AND m.project_id = s.project_id AND m.artifact_id = s.artifact_id
  AND m.coarse = s.coarse`

	selectSequencesPostgreSQL = `SELECT ` + listColumns + `, coarse FROM jsonb_to_recordset(CAST(? AS jsonb)) AS s(environment_id uuid, logical_environment_id uuid, deployment_name text COLLATE "C",
  status smallint, kind smallint, project_id bigint, artifact_id uuid, coarse boolean)`
	selectSequencesSQLite = `SELECT value->>'environment_id' AS environment_id, value->>'logical_environment_id' AS logical_environment_id,
  value->>'deployment_name' AS deployment_name, value->>'status' AS status, value->>'kind' AS kind, value->>'project_id' AS project_id,
  value->>'artifact_id' AS artifact_id, value->>'coarse' AS coarse FROM json_each(?)`
)

// ReadMilestones returns the stored milestones of an organization, without those whose ranges end before a position.
func ReadMilestones(tx *gorm.DB, organizationID int64, from Position) (map[Sequence]Milestones, error) {
	return scanMilestones(tx.Raw(selectMilestones, organizationID, from.CreatedAt))
}

// ReadMilestonesOf is ReadMilestones for some lists. It searches the milestones of each.
func ReadMilestonesOf(tx *gorm.DB, organizationID int64, lists []Key, from Position) (map[Sequence]Milestones, error) {
	type sequence struct {
		EnvironmentID        string `json:"environment_id"`
		LogicalEnvironmentID string `json:"logical_environment_id"`
		DeploymentName       string `json:"deployment_name"`
		Status               int    `json:"status"`
		Kind                 int    `json:"kind"`
		ProjectID            int64  `json:"project_id"`
		ArtifactID           string `json:"artifact_id"`
		Coarse               bool   `json:"coarse"`
	}
	sequences := make([]sequence, 0, 2*len(lists))
	for _, key := range lists {
		for _, coarse := range [...]bool{false, true} {
			sequences = append(sequences, sequence{
				key.EnvironmentID, key.LogicalEnvironmentID, key.DeploymentName, int(key.Status), int(key.Kind), key.ProjectID,
				key.ArtifactID, coarse,
			})
		}
	}
	set := database.NewJSONSet(sequences, selectSequencesPostgreSQL, selectSequencesSQLite)
	dialect := database.DialectOf(tx)
	last := database.Lookup{Table: "list_positions", Alias: "m", Condition: isOfSequence + " AND m.created_at < ?"}
	found := database.Lookup{
		Table: "list_positions", Alias: "m",
		Condition: isOfSequence + " AND m.created_at >= coalesce((" + dialect.Select("max(m.created_at)", last) + "), ?)",
	}
	return scanMilestones(tx.Raw(
		"SELECT s.environment_id, s.logical_environment_id, s.deployment_name, s.status, s.kind, s.project_id, s.artifact_id, s.coarse, m.created_at, m.record_id, m.n FROM (?) AS s"+
			dialect.Join("m.created_at, m.record_id, m.n", found)+" ORDER BY m.created_at, m.record_id",
		set, organizationID, organizationID, from.CreatedAt, from.CreatedAt))
}

func scanMilestones(query *gorm.DB) (map[Sequence]Milestones, error) {
	found := make(map[Sequence]Milestones)
	err := database.ForEachRow(query, func(rows *sql.Rows) error {
		sequence, milestone := Sequence{}, Milestone{}
		err := rows.Scan(&sequence.EnvironmentID, &sequence.LogicalEnvironmentID, &sequence.DeploymentName, &sequence.Status, &sequence.Kind,
			&sequence.ProjectID, &sequence.ArtifactID, &sequence.Coarse, &milestone.CreatedAt, &milestone.RecordID, &milestone.N)
		found[sequence] = append(found[sequence], milestone)
		return err
	})
	return found, err
}

// ReadFineMilestones returns the fine milestones of a list from one position to before another.
func ReadFineMilestones(tx *gorm.DB, organizationID int64, key Key, from, to Position) (found Milestones, err error) {
	err = tx.Model(&milestoneRow{}).Where(ofSequence, sequenceValues(organizationID, Sequence{Key: key})).
		Where("(created_at, record_id) >= (?, ?) AND (created_at, record_id) < (?, ?)", from.CreatedAt, from.RecordID, to.CreatedAt, to.RecordID).
		Order("created_at, record_id").Find(&found).Error
	return found, err
}
