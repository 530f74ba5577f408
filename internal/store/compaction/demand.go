package compaction

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/store/demand"
	"github.com/deployrecords/deployrecords/internal/store/milestones"
)

// minCounted is the part of an interval from which on the records of an artifact are counted on demand: fewer are counted as fast as a
// counter is read.
const minCounted = 4

const (
	// insertArtifacts begins to count the artifacts of a subquery that have more records than a threshold. It reads records and pending
	// deltas in one statement, and so from one snapshot.
	insertArtifacts = `WITH pending AS (
  SELECT artifact_id, sum(n) AS n FROM list_changes WHERE organization_id = ? GROUP BY artifact_id
)
INSERT INTO counted_artifacts (organization_id, artifact_id, n)
SELECT a.organization_id, a.id, (SELECT count(*) FROM deployment_records r WHERE r.artifact_id = a.id) - coalesce(p.n, 0)
FROM artifacts a LEFT JOIN pending p ON p.artifact_id = a.id
WHERE a.organization_id = ? AND a.id IN (?)
  AND NOT EXISTS (SELECT 1 FROM counted_artifacts c WHERE c.organization_id = a.organization_id AND c.artifact_id = a.id)
  AND EXISTS (SELECT 1 FROM deployment_records r WHERE r.artifact_id = a.id LIMIT 1 OFFSET ?)
RETURNING artifact_id, n`

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
		if err := c.countArtifacts(ctx, content); err != nil {
			failed = errors.Join(failed, c.db.MapError(ctx, err))
		}
	}
	return failed
}

// countArtifacts begins to count the artifacts of a digest or a project version, or leaves that to its next call if another transaction
// has the organization's lock.
func (c *Compactor) countArtifacts(ctx context.Context, content demand.Content) error {
	var o organization
	if err := c.db.WithContext(ctx).Table("organizations").Select("id, key").Where("key = ?", content.Organization).Scan(&o).Error; err != nil {
		return err
	}
	return c.db.Write(ctx, func(tx *gorm.DB) error {
		locked, err := tryLock(tx, o.ID)
		if err != nil {
			return err
		}
		if !locked {
			c.demand.PutBack(content)
			return nil
		}
		var counted []struct {
			ArtifactID string
			N          int64
		}
		err = tx.Raw(insertArtifacts, o.ID, o.ID, artifactsOf(tx, o.ID, content), c.milestoneInterval/minCounted).Scan(&counted).Error
		if err != nil {
			return err
		}
		var long []counts.Key
		for _, artifact := range counted {
			if artifact.N > 2*c.milestoneInterval {
				long = append(long, counts.ArtifactKey(artifact.ArtifactID))
			}
		}
		return milestones.NewBuilder(tx, o.ID, c.milestoneInterval).BuildLists(long)
	})
}

// artifactsOf is a subquery of the ids of the artifacts that have a digest or belong to a project version.
func artifactsOf(tx *gorm.DB, organizationID int64, content demand.Content) *gorm.DB {
	tx = tx.Table("artifacts").Select("id").Where("organization_id = ?", organizationID)
	if content.Digest != "" {
		return tx.Where("digest = ?", content.Digest)
	}
	return tx.Where(artifactsOfVersion, content.Project, content.Version)
}
