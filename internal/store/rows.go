package store

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// A row here is a table's row; fields are named as columns. They are the only place, besides the migrations, that
// knows how a record is kept.

type organizationRow struct {
	ID  int64 `gorm:"primaryKey"`
	Key string
}

func (organizationRow) TableName() string { return "organizations" }

// namedRow is a row of environments and of logical_environments, which are alike.
type namedRow struct {
	ID             string `gorm:"primaryKey"`
	OrganizationID int64
	Name           string
}

type artifactRow struct {
	ID             string `gorm:"primaryKey"`
	OrganizationID int64
	Kind           deployments.Kind
	Name           string
	Version        string
	Digest         string
	// Made says that the id was made here. Of rows of the same parts that are made there is only one.
	Made bool
	// ProjectSetID is the set of all projects that the artifact belongs to. Records and slots have a copy.
	ProjectSetID int64
}

func (artifactRow) TableName() string { return "artifacts" }

func (r artifactRow) artifact() deployments.Artifact {
	return deployments.Artifact{Kind: r.Kind, Name: r.Name, Version: r.Version, Digest: r.Digest}
}

type projectRow struct {
	ID             int64 `gorm:"primaryKey"`
	OrganizationID int64
	Name           string
}

func (projectRow) TableName() string { return "projects" }

type projectVersionRow struct {
	ID        int64 `gorm:"primaryKey"`
	ProjectID int64
	Name      string
}

func (projectVersionRow) TableName() string { return "project_versions" }

type projectVersionArtifactRow struct {
	ProjectVersionID int64  `gorm:"primaryKey;autoIncrement:false"`
	ArtifactID       string `gorm:"primaryKey"`
}

func (projectVersionArtifactRow) TableName() string { return "project_version_artifacts" }

type recordRow struct {
	ID                   string `gorm:"primaryKey"`
	OrganizationID       int64
	EnvironmentID        string
	LogicalEnvironmentID *string
	DeploymentName       string
	ArtifactID           string
	Kind                 deployments.Kind
	Status               deployments.Status
	ProjectSetID         int64
	// The import and the rules of recording decide these; GORM must not.
	CreatedAt  timestamp `gorm:"autoCreateTime:false"`
	UpdatedAt  timestamp `gorm:"autoUpdateTime:false"`
	LastSeenAt timestamp
}

func (recordRow) TableName() string { return "deployment_records" }

func (r recordRow) slot() slotKey {
	return slotKey{environmentID: r.EnvironmentID, deploymentName: r.DeploymentName}
}

// newerThan is deployments.Record.NewerThan for rows.
func (r recordRow) newerThan(o recordRow) bool {
	if c := r.CreatedAt.Compare(o.CreatedAt.Time); c != 0 {
		return c > 0
	}
	return r.ID > o.ID
}

// slotKey is a slot within an organization.
type slotKey struct {
	environmentID  string
	deploymentName string
}

// compare is the order in which slots are held: that of both databases.
func (s slotKey) compare(o slotKey) int {
	return cmp.Or(cmp.Compare(s.environmentID, o.environmentID), cmp.Compare(s.deploymentName, o.deploymentName))
}

// slotRow is a slot with a copy of what lists need of its latest record.
type slotRow struct {
	OrganizationID       int64  `gorm:"primaryKey;autoIncrement:false"`
	EnvironmentID        string `gorm:"primaryKey"`
	DeploymentName       string `gorm:"primaryKey"`
	RecordID             string
	LogicalEnvironmentID *string
	ArtifactID           string
	Kind                 deployments.Kind
	Status               deployments.Status
	ProjectSetID         int64
	CreatedAt            timestamp `gorm:"autoCreateTime:false"`
}

func (slotRow) TableName() string { return "current_slots" }

func slotOf(r recordRow) slotRow {
	return slotRow{
		OrganizationID:       r.OrganizationID,
		EnvironmentID:        r.EnvironmentID,
		DeploymentName:       r.DeploymentName,
		RecordID:             r.ID,
		LogicalEnvironmentID: r.LogicalEnvironmentID,
		ArtifactID:           r.ArtifactID,
		Kind:                 r.Kind,
		Status:               r.Status,
		ProjectSetID:         r.ProjectSetID,
		CreatedAt:            r.CreatedAt,
	}
}

// lockRow is a slot that a recorder holds; SQLite needs none.
type lockRow struct {
	OrganizationID int64  `gorm:"primaryKey;autoIncrement:false"`
	EnvironmentID  string `gorm:"primaryKey"`
	DeploymentName string `gorm:"primaryKey"`
}

func (lockRow) TableName() string { return "slots" }

type idempotencyKeyRow struct {
	OrganizationID int64  `gorm:"primaryKey;autoIncrement:false"`
	KeyDigest      []byte `gorm:"primaryKey"`
	Request        []byte
	RecordID       *string
	CreatedAt      timestamp `gorm:"autoCreateTime:false"`
}

func (idempotencyKeyRow) TableName() string { return "idempotency_keys" }

// timestamp is a moment as the databases keep it: timestamptz in PostgreSQL, microseconds since 1970 in SQLite
// (whose text times would keep the writer's zone and sort by it). It is read in UTC.
type timestamp struct{ time.Time }

// GormDataType makes GORM see a column, not an embedded struct.
func (timestamp) GormDataType() string { return "time" }

// GormValue is called by GORM for each value that it writes.
func (t timestamp) GormValue(_ context.Context, db *gorm.DB) clause.Expr {
	engine := postgreSQL
	if db.Name() == "sqlite" {
		engine = sqLite
	}
	return clause.Expr{SQL: "?", Vars: []any{engine.value(t)}}
}

// Scan is called by database/sql for each value that it reads. NULL is the zero time.
func (t *timestamp) Scan(value any) error {
	switch v := value.(type) {
	case time.Time:
		t.Time = v.UTC()
	case int64:
		t.Time = time.UnixMicro(v).UTC()
	case nil:
		t.Time = time.Time{}
	default:
		return fmt.Errorf("a time is kept as %T", value)
	}
	return nil
}
