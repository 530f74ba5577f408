package compaction

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/demand"
	"github.com/deployrecords/deployrecords/internal/store/milestones"
)

const (
	// minCounted is the part of an interval from which on the records of an artifact are counted on demand: fewer are counted as fast as
	// a counter is read.
	minCounted = 4
	// maxCounted bounds the artifacts that one transaction begins to count.
	maxCounted = 1000

	// selectUncounted selects artifacts of a subquery that are not counted and have more records than a threshold.
	selectUncounted = `SELECT a.id FROM artifacts a WHERE a.id IN (?)
  AND NOT EXISTS (SELECT 1 FROM counted_artifacts c WHERE c.organization_id = a.organization_id AND c.artifact_id = a.id)
  AND EXISTS (SELECT 1 FROM deployment_records r WHERE r.artifact_id = a.id LIMIT 1 OFFSET ?) LIMIT ?`

	// insertArtifacts begins to count artifacts. It reads records and pending deltas in one statement, and so from one snapshot.
	insertArtifacts = `WITH pending AS (
  SELECT artifact_id, sum(n) AS n FROM list_changes WHERE organization_id = ? GROUP BY artifact_id
)
INSERT INTO counted_artifacts (organization_id, artifact_id, n)
SELECT a.organization_id, a.id, (SELECT count(*) FROM deployment_records r WHERE r.artifact_id = a.id) - coalesce(p.n, 0)
FROM artifacts a LEFT JOIN pending p ON p.artifact_id = a.id WHERE a.organization_id = ? AND a.id IN (?)
RETURNING artifact_id, n`

	// deleteMilestones deletes what a row of counted_artifacts that was deleted by hand has left.
	deleteMilestones = `DELETE FROM list_positions WHERE organization_id = ? AND environment_id = '` + counts.AnyID + `'
  AND logical_environment_id = '` + counts.AnyID + `' AND deployment_name = '' AND status = 0 AND kind = 0 AND project_id = 0 AND artifact_id IN (?)`

	// artifactsOfVersion is a condition for the ids of the artifacts of a project version.
	artifactsOfVersion = `id IN (SELECT l.artifact_id FROM projects p JOIN project_versions v ON v.project_id = p.id
  JOIN project_version_artifacts l ON l.project_version_id = v.id WHERE p.organization_id = artifacts.organization_id AND p.name = ? AND v.name = ?)`
)

// CountDemanded begins to count the artifacts of long listings by a digest or a project version, and builds their milestones. A later
// listing reads the counters instead of counting.
func (c *Compactor) CountDemanded(ctx context.Context) (failed error) {
	if c.demand == nil {
		return nil
	}
	for _, content := range c.demand.Take() {
		done, err := c.countArtifacts(ctx, content)
		if !done || err != nil {
			c.demand.PutBack(content)
		}
		failed = errors.Join(failed, c.db.MapError(ctx, err))
	}
	return failed
}

// countArtifacts begins to count artifacts of a digest or a project version. It reports whether none of them is left: there may be many,
// and another transaction may have the organization's lock.
func (c *Compactor) countArtifacts(ctx context.Context, content demand.Content) (done bool, err error) {
	var o organization
	if err := c.db.WithContext(ctx).Table("organizations").Select("id, key").Where("key = ?", content.Organization).Scan(&o).Error; err != nil {
		return false, err
	}
	err = c.db.Write(ctx, func(tx *gorm.DB) error {
		if locked, err := tryLock(tx, o.ID); err != nil || !locked {
			return err
		}
		var uncounted []string
		threshold := c.milestoneInterval / minCounted
		if err := tx.Raw(selectUncounted, artifactsOf(tx, o.ID, content), threshold, maxCounted).Scan(&uncounted).Error; err != nil {
			return err
		}
		done = len(uncounted) < maxCounted
		if len(uncounted) == 0 {
			return nil
		}
		return c.insertArtifacts(tx, o.ID, uncounted)
	})
	return done, err
}

// insertArtifacts begins to count artifacts, and builds their milestones. The transaction has the organization's lock.
func (c *Compactor) insertArtifacts(tx *gorm.DB, organizationID int64, ids []string) error {
	var counted []struct {
		ArtifactID string
		N          int64
	}
	if err := tx.Raw(insertArtifacts, organizationID, organizationID, database.IDs(ids)).Scan(&counted).Error; err != nil {
		return err
	}
	if !milestones.ArtifactsHaveSome(tx) {
		return nil
	}
	if err := tx.Exec(deleteMilestones, organizationID, database.IDs(ids)).Error; err != nil {
		return err
	}
	var long []counts.Key
	for _, artifact := range counted {
		if artifact.N > 2*c.milestoneInterval {
			long = append(long, counts.ArtifactKey(artifact.ArtifactID))
		}
	}
	return milestones.NewBuilder(tx, organizationID, c.milestoneInterval).BuildLists(long)
}

// artifactsOf is a subquery of the ids of the artifacts that have a digest or belong to a project version.
func artifactsOf(tx *gorm.DB, organizationID int64, content demand.Content) *gorm.DB {
	tx = tx.Table("artifacts").Select("id").Where("organization_id = ?", organizationID)
	if content.Digest != "" {
		return tx.Where("digest = ?", content.Digest)
	}
	return tx.Where(artifactsOfVersion, content.Project, content.Version)
}
