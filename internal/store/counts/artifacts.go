package counts

import (
	"maps"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/store/database"
)

// SelectCountedArtifact is a subquery of the artifact of a delta if it is counted, or else of an empty text. Its parameter is the
// organization.
const SelectCountedArtifact = `coalesce((SELECT CAST(c.artifact_id AS text) FROM counted_artifacts c
  WHERE c.organization_id = ? AND c.artifact_id = list_changes.artifact_id), '')`

// counted is a row of counted_artifacts: the number of records of an artifact, as far as compacted.
type counted struct {
	OrganizationID int64  `gorm:"primaryKey;autoIncrement:false"`
	ArtifactID     string `gorm:"primaryKey"`
	N              int64
}

// TableName implements gorm's Tabler.
func (counted) TableName() string { return "counted_artifacts" }

// ReadArtifacts returns the stored totals of the counted artifacts of an organization.
func ReadArtifacts(tx *gorm.DB, organizationID int64) (map[string]int64, error) {
	var rows []counted
	err := tx.Where("organization_id = ?", organizationID).Find(&rows).Error
	totals := make(map[string]int64, len(rows))
	for _, row := range rows {
		totals[row.ArtifactID] = row.N
	}
	return totals, err
}

// addToArtifacts adds sums to the totals of counted artifacts.
func addToArtifacts(tx *gorm.DB, organizationID int64, sums map[string]int64) error {
	var rows []counted
	for _, id := range slices.Sorted(maps.Keys(sums)) {
		rows = append(rows, counted{organizationID, id, sums[id]})
	}
	return database.Upsert(tx, rows, clause.Assignments(map[string]any{"n": gorm.Expr("counted_artifacts.n + excluded.n")}), "")
}
