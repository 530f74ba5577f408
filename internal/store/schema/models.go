package schema

import (
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

// Organization is a row of organizations.
type Organization struct {
	ID  int64 `gorm:"primaryKey"`
	Key string
}

// Environment is a row of environments or of logical_environments, which have the same columns.
type Environment struct {
	ID             string `gorm:"primaryKey"`
	OrganizationID int64
	Name           string
}

// The tables of Environment.
const (
	Environments        = "environments"
	LogicalEnvironments = "logical_environments"
)

// Artifact is a row of artifacts.
type Artifact struct {
	ID             string `gorm:"primaryKey"`
	OrganizationID int64
	Kind           deployments.Kind
	Name           string
	Version        string
	Digest         string
	// Made reports that the id was generated here. At most one such row has given parts.
	Made bool
	// ProjectSetID is the set of all projects that the artifact belongs to. Records and slots have a copy.
	ProjectSetID int64
}

// Parts returns the four parts that identify an artifact.
func (a Artifact) Parts() deployments.Artifact {
	return deployments.Artifact{Kind: a.Kind, Name: a.Name, Version: a.Version, Digest: a.Digest}
}

// Project is a row of projects.
type Project struct {
	ID             int64 `gorm:"primaryKey"`
	OrganizationID int64
	Name           string
}

// ProjectVersion is a row of project_versions.
type ProjectVersion struct {
	ID        int64 `gorm:"primaryKey"`
	ProjectID int64
	Name      string
}

// Link is a row of project_version_artifacts: the artifact belongs to the version.
type Link struct {
	ProjectVersionID int64  `gorm:"primaryKey;autoIncrement:false"`
	ArtifactID       string `gorm:"primaryKey"`
}

// ProjectSet is a row of project_sets.
type ProjectSet struct {
	ID             int64 `gorm:"primaryKey"`
	OrganizationID int64
	// Members are the ids of the projects in ascending order: 3,17.
	Members string
}

// ProjectSetMember is a row of project_set_members.
type ProjectSetMember struct {
	ProjectID    int64 `gorm:"primaryKey;autoIncrement:false"`
	ProjectSetID int64 `gorm:"primaryKey;autoIncrement:false"`
}

// Record is a row of deployment_records.
type Record struct {
	ID                   string `gorm:"primaryKey"`
	OrganizationID       int64
	EnvironmentID        string
	LogicalEnvironmentID *string
	DeploymentName       string
	ArtifactID           string
	Kind                 deployments.Kind
	Status               deployments.Status
	ProjectSetID         int64
	// The import and the rules of recording set these times; GORM must not.
	CreatedAt  database.Timestamp `gorm:"autoCreateTime:false"`
	UpdatedAt  database.Timestamp `gorm:"autoUpdateTime:false"`
	LastSeenAt database.Timestamp
}

// NewRecord returns the row of a record, without its project set.
func NewRecord(organizationID int64, r deployments.Record) Record {
	row := Record{
		ID: r.ID, OrganizationID: organizationID, EnvironmentID: r.EnvironmentID, DeploymentName: r.DeploymentName,
		ArtifactID: r.ArtifactID, Kind: r.Artifact.Kind, Status: r.Status,
		CreatedAt: database.Timestamp{Time: r.CreatedAt}, UpdatedAt: database.Timestamp{Time: r.UpdatedAt}, LastSeenAt: database.Timestamp{Time: r.LastSeenAt},
	}
	if id := r.LogicalEnvironmentID; id != "" {
		row.LogicalEnvironmentID = &id // a pointer into the record would keep all of it in memory
	}
	return row
}

// Slot returns the slot of the record.
func (r Record) Slot() Slot {
	return Slot{EnvironmentID: r.EnvironmentID, DeploymentName: r.DeploymentName}
}

// NewerThan is deployments.Record.NewerThan for rows.
func (r Record) NewerThan(o Record) bool {
	if c := r.CreatedAt.Compare(o.CreatedAt.Time); c != 0 {
		return c > 0
	}
	return r.ID > o.ID
}

// CurrentSlot is a row of current_slots: a slot with a copy of the columns of its latest record that listings read.
type CurrentSlot struct {
	OrganizationID int64 `gorm:"primaryKey;autoIncrement:false"`
	Slot
	RecordID             string
	LogicalEnvironmentID *string
	ArtifactID           string
	Kind                 deployments.Kind
	Status               deployments.Status
	ProjectSetID         int64
	CreatedAt            database.Timestamp `gorm:"autoCreateTime:false"`
}

// NewCurrentSlot returns the slot row of a record that is the latest of its slot.
func NewCurrentSlot(r Record) CurrentSlot {
	return CurrentSlot{
		OrganizationID: r.OrganizationID, Slot: r.Slot(), RecordID: r.ID,
		LogicalEnvironmentID: r.LogicalEnvironmentID, ArtifactID: r.ArtifactID, Kind: r.Kind, Status: r.Status,
		ProjectSetID: r.ProjectSetID, CreatedAt: r.CreatedAt,
	}
}

// SlotLock is a row of slots, which a recorder locks. SQLite needs none.
type SlotLock struct {
	OrganizationID int64 `gorm:"primaryKey;autoIncrement:false"`
	Slot
}

// IdempotencyKey is a row of idempotency_keys.
type IdempotencyKey struct {
	OrganizationID int64  `gorm:"primaryKey;autoIncrement:false"`
	KeyDigest      []byte `gorm:"primaryKey"`
	Request        []byte
	RecordID       *string
	CreatedAt      database.Timestamp `gorm:"autoCreateTime:false"`
}

// TableName implements schema.Tabler of GORM, as do the methods below for other models.
func (Link) TableName() string { return "project_version_artifacts" }

// TableName implements schema.Tabler.
func (Record) TableName() string { return "deployment_records" }

// TableName implements schema.Tabler.
func (SlotLock) TableName() string { return "slots" }
