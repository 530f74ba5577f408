package listing

import (
	"fmt"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/session"
)

// scan reads the total, which every row repeats, and the records. A single row without a record is an empty page.
// Names are left to package namecache.
func scan(rows session.Rows, pageSize int32) (deployments.Result, error) {
	var (
		// A setting may allow large pages, so the slice grows as needed instead of being allocated for the maximum.
		result                                                              = deployments.Result{Records: make([]deployments.Record, 0, min(pageSize, 128))}
		id, environmentID, logicalEnvironmentID, deploymentName, artifactID text
		status                                                              *int64
		createdAt, updatedAt, lastSeenAt                                    database.Timestamp
	)
	into := []any{
		&result.Total, &id, &environmentID, &logicalEnvironmentID, &deploymentName, &artifactID, &status, &createdAt, &updatedAt, &lastSeenAt,
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return deployments.Result{}, err
		}
		if id == "" {
			continue
		}
		result.Records = append(result.Records, deployments.Record{
			ID:                   string(id),
			EnvironmentID:        string(environmentID),
			LogicalEnvironmentID: string(logicalEnvironmentID),
			DeploymentName:       string(deploymentName),
			ArtifactID:           string(artifactID),
			Status:               deployments.Status(*status),
			CreatedAt:            createdAt.Time,
			UpdatedAt:            updatedAt.Time,
			LastSeenAt:           lastSeenAt.Time,
		})
	}
	return result, nil
}

// text is a text or an id that session.Read scans. NULL is empty.
type text string

// Scan implements sql.Scanner.
func (t *text) Scan(value any) error {
	switch v := value.(type) {
	case string:
		*t = text(v)
	case nil:
		*t = ""
	default:
		return fmt.Errorf("a text is stored as %T", value)
	}
	return nil
}

// ScanText implements pgtype.TextScanner.
func (t *text) ScanText(v pgtype.Text) error {
	*t = text(v.String)
	return nil
}
