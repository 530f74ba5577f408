package statements

import (
	"gorm.io/gorm"
)

// artifactIDs selects the artifacts of a listing that is the union of their lists. They are the organization's, and so are their
// records, whose positions are read without another condition: the index of a list has nothing else.
func (s Shape) artifactIDs(db *gorm.DB) *gorm.DB {
	if s.artifactDigest {
		return db.Table("artifacts").Select("id AS artifact_id").Where("organization_id = "+named("organization_id")).Where("digest = ?", artifactDigest)
	}
	return db.Raw(selectOfVersion, projectName, projectVersionName)
}

// counted selects those of the artifacts that have a counter.
func (s Shape) counted(db *gorm.DB) *gorm.DB {
	return db.Table("counted_artifacts").Select("artifact_id, n").Where("organization_id = " + named("organization_id")).
		Where("artifact_id IN (SELECT artifact_id FROM artifact_ids)")
}

// pendingOfArtifacts is the deltas of the artifacts that have a counter.
func (s Shape) pendingOfArtifacts(db *gorm.DB) *gorm.DB {
	return db.Table("list_changes").Select("created_at, record_id, n").Where("organization_id = " + named("organization_id")).
		Where("latest = false").Where("artifact_id IN (SELECT artifact_id FROM counted)")
}

// totalOfArtifacts is the number of records of the artifacts: the counter of each, or else a count, and the deltas.
func (s Shape) totalOfArtifacts(db *gorm.DB) *gorm.DB {
	return db.Raw("SELECT CAST(coalesce((SELECT sum(coalesce(counted.n" +
		", (SELECT count(*) FROM matching WHERE matching.artifact_id = artifact_ids.artifact_id)))" +
		" FROM artifact_ids LEFT JOIN counted ON counted.artifact_id = artifact_ids.artifact_id), 0)" +
		" + coalesce((SELECT sum(n) FROM pending), 0) AS bigint) AS n")
}

// onlyArtifact is the artifact of the listing if it has one alone, whose milestones are those of the listing.
const onlyArtifact = "(SELECT artifact_id FROM counted WHERE (SELECT count(*) FROM artifact_ids) = 1)"
