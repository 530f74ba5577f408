package schema

import "github.com/deployrecords/deployrecords/internal/store/database"

// Recorders find records by the index deployment_records_by_identity, and slots by current_slots_by_key. In PostgreSQL, the
// columns by which these indexes are searched are expressions, and the conditions here compare only expressions. No
// other index serves such a condition, so that wrong statistics cannot make the planner use another. In each pair of
// conditions, the first searches the index by a hash and the second compares the values. SQLite is given the name of the
// index.
//
// The conditions are about a record n or a slot s, and a row w of a set with the columns of an environment, a slot or an
// identity. The logical environment of an identity is a text in w, empty if it has none. They have the parameter @organization.
const (
	inEnvironment = `uuid_hash_extended(n.environment_id, n.organization_id) = uuid_hash_extended(w.environment_id, @organization)
  AND n.organization_id + 0 = @organization AND CAST(n.environment_id AS text) = CAST(w.environment_id AS text)`
	isDeployed = ` AND CASE n.status WHEN 1 THEN 1 ELSE 2 END = 1`
	isEnded    = ` AND CASE n.status WHEN 1 THEN 1 ELSE 2 END = 2`
	withName   = ` AND hashtextextended(n.deployment_name, 0) = hashtextextended(w.deployment_name, 0)
  AND n.deployment_name || '' = w.deployment_name`
	withIdentity = ` AND uuid_hash_extended(coalesce(n.logical_environment_id, '00000000-0000-0000-0000-000000000000'), n.kind)
    = uuid_hash_extended(coalesce(CAST(nullif(w.logical_environment_id, '') AS uuid), '00000000-0000-0000-0000-000000000000'), w.kind)
  AND n.kind + 0 = w.kind AND coalesce(CAST(n.logical_environment_id AS text), '') = w.logical_environment_id`
	withKey = `uuid_hash_extended(s.environment_id, hashtextextended(s.deployment_name, s.organization_id))
    = uuid_hash_extended(w.environment_id, hashtextextended(w.deployment_name, @organization))
  AND s.organization_id + 0 = @organization AND CAST(s.environment_id AS text) = CAST(w.environment_id AS text)
  AND s.deployment_name || '' = w.deployment_name`

	inEnvironmentSQLite = `n.organization_id = @organization AND n.environment_id = w.environment_id`
	isDeployedSQLite    = ` AND n.status = 1`
	isEndedSQLite       = ` AND n.status <> 1`
	withNameSQLite      = ` AND n.deployment_name = w.deployment_name`
	withIdentitySQLite  = ` AND n.kind = w.kind AND n.logical_environment_id IS nullif(w.logical_environment_id, '')`
	withKeySQLite       = `s.organization_id = @organization AND s.environment_id = w.environment_id AND s.deployment_name = w.deployment_name`
)

// DeployedInEnvironment searches the DEPLOYED records n of an environment w.
func DeployedInEnvironment(d database.Dialect) database.Lookup {
	return records(d, inEnvironment+isDeployed, "deployment_records_deployed_by_environment", inEnvironmentSQLite+isDeployedSQLite)
}

// DeployedInSlot searches the DEPLOYED records n of a slot w.
func DeployedInSlot(d database.Dialect) database.Lookup {
	return records(d, inEnvironment+isDeployed+withName,
		"deployment_records_deployed_by_deployment_name", inEnvironmentSQLite+isDeployedSQLite+withNameSQLite)
}

// EndedOfIdentity searches the other records n of an identity w. The index has them in the order of created_at and id.
func EndedOfIdentity(d database.Dialect) database.Lookup {
	return records(d, inEnvironment+isEnded+withName+withIdentity,
		"deployment_records_by_identity", inEnvironmentSQLite+isEndedSQLite+withNameSQLite+withIdentitySQLite)
}

func records(d database.Dialect, condition, indexOfSQLite, conditionOfSQLite string) database.Lookup {
	if d == database.SQLite {
		condition = conditionOfSQLite
	}
	return database.Lookup{Table: "deployment_records", Alias: "n", Index: indexOfSQLite, Condition: condition}
}

// CurrentSlotOf searches the row s of current_slots for a slot w.
func CurrentSlotOf(d database.Dialect) database.Lookup {
	condition := withKey
	if d == database.SQLite {
		condition = withKeySQLite
	}
	return database.Lookup{Table: "current_slots", Alias: "s", Condition: condition}
}
