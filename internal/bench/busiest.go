package bench

import (
	"context"
	"database/sql"
	"fmt"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// busiest are the values of the filters that most records of the great organization have: what is dearest to count
// and to skip.
type busiest struct {
	environment, logicalEnvironment, deployment, project, digest string
	// deployedMost is the deployment name that most slots have.
	deployedMost string
	// itsLogicalEnvironment is the environment's, projectVersion one of the project's.
	itsLogicalEnvironment, projectVersion string
}

func (d *dataset) busiest(ctx context.Context) (b busiest, err error) {
	db, err := sql.Open(d.driver, d.source)
	if err != nil {
		return b, err
	}
	defer db.Close()
	const from = " FROM deployment_records r JOIN organizations o ON o.id = r.organization_id AND o.key = '" + great + "' "
	const most = " GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
	for text, value := range map[string]*string{
		"SELECT e.name" + from + "JOIN environments e ON e.id = r.environment_id" + most:                                                    &b.environment,
		"SELECT l.name" + from + "JOIN logical_environments l ON l.id = r.logical_environment_id" + most:                                    &b.logicalEnvironment,
		"SELECT r.deployment_name" + from + most:                                                                                            &b.deployment,
		"SELECT s.deployment_name FROM current_slots s JOIN organizations o ON o.id = s.organization_id AND o.key = '" + great + "'" + most: &b.deployedMost,
		"SELECT a.digest" + from + "JOIN artifacts a ON a.id = r.artifact_id" + most:                                                        &b.digest,
		"SELECT p.name" + from + `JOIN project_version_artifacts pva ON pva.artifact_id = r.artifact_id
			JOIN project_versions pv ON pv.id = pva.project_version_id JOIN projects p ON p.id = pv.project_id` + most: &b.project,
	} {
		if err := db.QueryRowContext(ctx, text).Scan(value); err != nil {
			return b, fmt.Errorf("%s: %w", text, err)
		}
	}
	for _, of := range []struct {
		text, name string
		value      *string
	}{
		{"SELECT l.name" + from + `JOIN environments e ON e.id = r.environment_id AND e.name = $1
			JOIN logical_environments l ON l.id = r.logical_environment_id` + most, b.environment, &b.itsLogicalEnvironment},
		{"SELECT pv.name" + from + `JOIN project_version_artifacts pva ON pva.artifact_id = r.artifact_id
			JOIN project_versions pv ON pv.id = pva.project_version_id JOIN projects p ON p.id = pv.project_id AND p.name = $1` + most, b.project, &b.projectVersion},
	} {
		if err := db.QueryRowContext(ctx, of.text, of.name).Scan(of.value); err != nil {
			return b, fmt.Errorf("%s: %w", of.text, err)
		}
	}
	return b, nil
}

// organization is the number of the great organization.
func (d *dataset) organization(ctx context.Context) (id int64, err error) {
	db, err := sql.Open(d.driver, d.source)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, "SELECT id FROM organizations WHERE key = '"+great+"'").Scan(&id)
	return id, err
}
