package deployments

import "time"

// Status is the state of a deployment record. The zero value AnyStatus is no state; in a Query it matches every record.
type Status uint8

// The statuses of a record. Databases store the numbers, which never change meaning.
const (
	AnyStatus Status = iota
	Deployed
	Decommissioned
	Superseded
)

var statusNames = [...]string{"", "DEPLOYED", "DECOMMISSIONED", "SUPERSEDED"}

// String returns the status's name in the contract, or "" for AnyStatus and unknown numbers.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return ""
}

// ParseStatus returns the status with exactly this name (L2: case-sensitive), and whether there is one.
func ParseStatus(name string) (Status, bool) {
	for i, n := range statusNames {
		if n == name && n != "" {
			return Status(i), true
		}
	}
	return AnyStatus, false
}

// Kind is the kind of an artifact. The zero value AnyKind is no kind; in a Query it matches every record.
type Kind uint8

// The kinds of artifacts. Databases store the numbers, which never change meaning.
const (
	AnyKind Kind = iota
	ContainerImage
	HelmChart
)

var kindNames = [...]string{"", "CONTAINER_IMAGE", "HELM_CHART"}

// String returns the kind's name in the contract, or "" for AnyKind and unknown numbers.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return ""
}

// ParseKind returns the kind with exactly this name (L2: case-sensitive), and whether there is one.
func ParseKind(name string) (Kind, bool) {
	for i, n := range kindNames {
		if n == name && n != "" {
			return Kind(i), true
		}
	}
	return AnyKind, false
}

// MaxAhead is how far a time may lie ahead of the database's clock (I1, W7): clocks differ.
const MaxAhead = time.Minute

// Artifact is a container image or a Helm chart. The four fields together identify it; Name and Version may be empty.
type Artifact struct {
	Kind    Kind
	Name    string
	Version string
	Digest  string
}

// Slot is the pair within which a newer record replaces an older one as the latest.
type Slot struct {
	EnvironmentID  string
	DeploymentName string
}

// Record states that an artifact was deployed in a slot. Ids are UUIDs in canonical lower-case form, whose order as
// strings equals their order as bytes. Times are in UTC with whole microseconds; UpdatedAt and LastSeenAt are never before
// CreatedAt (R2). Without a logical environment, both of its fields are empty.
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

// Slot returns the record's slot.
func (r Record) Slot() Slot {
	return Slot{EnvironmentID: r.EnvironmentID, DeploymentName: r.DeploymentName}
}

// Identity returns the identity of the record.
func (r Record) Identity() Identity {
	return Identity{r.EnvironmentName, r.LogicalEnvironmentName, r.DeploymentName, r.Artifact.Kind}
}

// NewerThan reports whether r comes before o in a list (L6): it has the later CreatedAt or, at equal times, the greater id.
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
