package deployments

import "time"

// Status tells what became of a deployment. The zero value is no status: in a Query, "whichever".
type Status uint8

// The three statuses a record can have. The numbers are stored in databases and never change meaning.
const (
	AnyStatus Status = iota
	Deployed
	Decommissioned
	Superseded
)

var statusNames = [...]string{"", "DEPLOYED", "DECOMMISSIONED", "SUPERSEDED"}

// String gives the status its name in the contract; of AnyStatus and of numbers unknown here, "".
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return ""
}

// ParseStatus finds the status of exactly this name (L2: case counts). It is false for any other name.
func ParseStatus(name string) (Status, bool) {
	for i, n := range statusNames {
		if n == name && n != "" {
			return Status(i), true
		}
	}
	return AnyStatus, false
}

// Kind is the kind of an artifact. The zero value is no kind: in a Query, "whichever".
type Kind uint8

// The kinds of artifacts. The numbers are stored in databases and never change meaning.
const (
	AnyKind Kind = iota
	ContainerImage
	HelmChart
)

var kindNames = [...]string{"", "CONTAINER_IMAGE", "HELM_CHART"}

// String gives the kind its name in the contract; of AnyKind and of numbers unknown here, "".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return ""
}

// ParseKind finds the kind of exactly this name (L2: case counts). It is false for any other name.
func ParseKind(name string) (Kind, bool) {
	for i, n := range kindNames {
		if n == name && n != "" {
			return Kind(i), true
		}
	}
	return AnyKind, false
}

// Artifact is what was deployed. The four together tell artifacts apart; Name and Version may be empty.
type Artifact struct {
	Kind    Kind
	Name    string
	Version string
	Digest  string
}

// Slot is the place that records replace each other in.
type Slot struct {
	EnvironmentID  string
	DeploymentName string
}

// Record says that an artifact was deployed in a slot. Ids are UUIDs in canonical lower-case form, whose order as
// strings is their order as bytes. Times are in UTC, whole microseconds; UpdatedAt and LastSeenAt are never before
// CreatedAt (R2). A record without a logical environment has both its fields empty.
type Record struct {
	ID                     string
	EnvironmentID          string
	EnvironmentName        string
	LogicalEnvironmentID   string
	LogicalEnvironmentName string
	DeploymentName         string
	ArtifactID             string
	Artifact               Artifact
	Status                 Status
	CreatedAt              time.Time
	UpdatedAt              time.Time
	LastSeenAt             time.Time
}

// Slot is the slot that the record belongs to.
func (r Record) Slot() Slot {
	return Slot{EnvironmentID: r.EnvironmentID, DeploymentName: r.DeploymentName}
}

// NewerThan orders records as lists do (L6): by CreatedAt, and at equal times by id. Lists give the newest first.
func (r Record) NewerThan(o Record) bool {
	if c := r.CreatedAt.Compare(o.CreatedAt); c != 0 {
		return c > 0
	}
	return r.ID > o.ID
}

// ProjectVersion names a version of a project that an artifact belongs to.
type ProjectVersion struct {
	ProjectName string
	VersionName string
}
