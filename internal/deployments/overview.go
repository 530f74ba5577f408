package deployments

import "time"

// Grouping selects the columns of an Overview.
type Grouping uint8

const (
	// ByLogicalEnvironment has a column for each logical environment, and one for records without.
	ByLogicalEnvironment Grouping = iota
	// ByEnvironment has a column for each environment.
	ByEnvironment
)

// Columns selects the columns of an Overview.
type Columns struct {
	Grouping Grouping
	// Page is one of the columns that the scope may see: first those with a matching record, then the others, both in byte order.
	Page Page
}

// MaxVersions is the maximum number of groups of one kind in a cell of an Overview.
const MaxVersions = 8

// Overview groups the records of a Query by deployment name, column, artifact and status.
type Overview struct {
	// Columns are the names of the page's columns in byte order. Records without a logical environment have none.
	Columns []string
	// DeploymentNames are those of the page, in byte order, also those without a record in the page's columns.
	DeploymentNames []string
	// Groups are those of the page's deployment names in the page's columns and without a column, in byte order of the deployment
	// names. A cell has at most MaxVersions of each kind: first the deployed ones, then the others, both from the newest.
	Groups []Group
	// TotalColumns is the number of columns that the scope may see, Deployments the number of deployment names with matching
	// records, and Records the number of these records.
	TotalColumns, Deployments, Records int64
}

// Group is the records of one deployment name in one column that have the same artifact and status.
type Group struct {
	DeploymentName string
	// Column is the name of the column; empty for records without a logical environment.
	Column   string
	Artifact Artifact
	Status   Status
	// Records is the number of records, at least 1.
	Records int64
	// Newest is the greatest CreatedAt of the records.
	Newest time.Time
	// Omitted is the number of groups of the same cell and kind that the overview leaves out.
	Omitted int64
}

// MaxMatches is the maximum number of each kind of match that a search returns.
const MaxMatches = 20

// Matches is what a search found: names and digests that begin with a text. Each list has at most MaxMatches elements, in byte
// order.
type Matches struct {
	Deployments, Environments, LogicalEnvironments []string
	// Artifacts are those whose name, version or digest begins with the text, the digest with or without its algorithm. They are in
	// order of name, version, digest and kind.
	Artifacts []Artifact
	// More reports that a list was cut off.
	More bool
}

// Empty reports whether nothing was found.
func (m Matches) Empty() bool {
	return len(m.Deployments)+len(m.Environments)+len(m.LogicalEnvironments)+len(m.Artifacts) == 0
}
