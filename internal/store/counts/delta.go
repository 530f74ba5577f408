package counts

import "database/sql"

// Delta is a row of the delta log: N records entered the lists of these dimensions, or -N left them.
type Delta struct {
	Dimensions
	Position
	N int64
	// ArtifactID is the artifact of a record of the full history, if it is counted.
	ArtifactID string
}

// ScanDelta reads a row that has the columns in before, and then those of Dimensions, Position and N.
func ScanDelta(rows *sql.Rows, before ...any) (Delta, error) {
	var d Delta
	var logicalID sql.Null[string]
	err := rows.Scan(append(before, &d.Latest, &d.EnvironmentID, &logicalID, &d.DeploymentName, &d.Status, &d.Kind, &d.ProjectSetID, &d.CreatedAt, &d.RecordID, &d.N)...)
	d.LogicalEnvironmentID = logicalID.V
	return d, err
}
