package bench

import (
	"context"
	"database/sql"
	"fmt"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"
	_ "modernc.org/sqlite"             // registers the driver "sqlite"
)

// frequentValues holds, for each filter, the value that most records of the large organization have: the value that
// costs the most to count and to skip.
type frequentValues struct {
	environment, logicalEnvironment, deployment, project, digest string

	slotDeployment                string // the deployment name that most slots have
	environmentLogicalEnvironment string // the most frequent logical environment of the environment
	projectVersion                string // the most frequent version of the project
}

func (d *dataset) frequentValues(ctx context.Context) (v frequentValues, err error) {
	const (
		organization       = " JOIN organizations o ON o.key = '" + largeOrganization + "' AND o.id = "
		records            = " FROM deployment_records r" + organization + "r.organization_id"
		slots              = " FROM current_slots s" + organization + "s.organization_id"
		environment        = " JOIN environments e ON e.id = r.environment_id"
		logicalEnvironment = " JOIN logical_environments l ON l.id = r.logical_environment_id"
		artifact           = " JOIN artifacts a ON a.id = r.artifact_id"
		project            = ` JOIN project_version_artifacts pva ON pva.artifact_id = r.artifact_id
 JOIN project_versions pv ON pv.id = pva.project_version_id JOIN projects p ON p.id = pv.project_id`
	)
	for _, query := range []struct {
		value        *string
		column, from string
		args         []any
	}{
		{&v.environment, "e.name", records + environment, nil},
		{&v.logicalEnvironment, "l.name", records + logicalEnvironment, nil},
		{&v.deployment, "r.deployment_name", records, nil},
		{&v.slotDeployment, "s.deployment_name", slots, nil},
		{&v.digest, "a.digest", records + artifact, nil},
		{&v.project, "p.name", records + project, nil},
		{&v.environmentLogicalEnvironment, "l.name", records + environment + " AND e.name = $1" + logicalEnvironment, []any{&v.environment}},
		{&v.projectVersion, "pv.name", records + project + " AND p.name = $1", []any{&v.project}},
	} {
		err := d.queryRow(ctx, query.value, "SELECT "+query.column+query.from+" GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1", query.args...)
		if err != nil {
			return v, err
		}
	}
	return v, nil
}

// organizationID returns the id of the large organization.
func (d *dataset) organizationID(ctx context.Context) (id int64, err error) {
	err = d.queryRow(ctx, &id, "SELECT id FROM organizations WHERE key = '"+largeOrganization+"'")
	return id, err
}

// queryRow scans the one column of the one row of a query.
func (d *dataset) queryRow(ctx context.Context, value any, query string, args ...any) error {
	db, err := sql.Open(d.driver, d.source)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.QueryRowContext(ctx, query, args...).Scan(value); err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	return nil
}
