package store

import (
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Exact totals and deep pages.
//
// A list is what a set of filters gives. Counting it anew for each page would cost as much as the history is long, so
// the database keeps the totals of the lists that are asked for most (list_totals), and in long lists places whose
// rank is known (long_list_milestones): a page is found from the nearest of them.
//
// Writers would queue for these few rows. They append what they change to list_changes instead, in their own
// transaction (triggers do it, so that none can forget), and one server at a time folds that into the counts. At every
// moment, for every list and every part of it:
//
//	records = folded counts + changes not folded yet
//
// A list reads both in one statement, so it is exact whether or not anything was folded. Folding, splitting and
// Verify rest on the same equation.

// anyID stands for every id. It was drawn at random, once: nobody else comes upon it, as they might on zeros.
const anyID = "271cd479-99fe-42ea-b632-a11581c16cca"

// listKey is a list of an organization. What is anyID, empty or zero is not filtered by. The list of a project is that
// of its sets, put together: its total is the sum of theirs, and its milestones are of them all.
type listKey struct {
	latest               bool
	environmentID        string
	logicalEnvironmentID string
	deploymentName       string
	status               deployments.Status
	kind                 deployments.Kind
	projectSetID         int64
	projectID            int64
}

// listed is what a change tells of a record: the filters that find it.
type listed struct {
	latest               bool
	environmentID        string
	logicalEnvironmentID string // empty if it has none
	deploymentName       string
	status               deployments.Status
	kind                 deployments.Kind
	projectSetID         int64 // zero if its artifact is in no project
}

// combination is listed without what no list combines with another filter.
func (l listed) combination() listed {
	l.deploymentName, l.projectSetID = "", 0
	return l
}

// combined are the lists with a total that records of a combination are in: of each of environment, logical
// environment, status and kind, and of each few of them together.
func (l listed) combined() []listKey {
	keys := make([]listKey, 1, 16)
	keys[0] = listKey{latest: l.latest, environmentID: anyID, logicalEnvironmentID: anyID}
	narrow := func(by func(*listKey)) {
		for _, key := range keys {
			by(&key)
			keys = append(keys, key)
		}
	}
	narrow(func(k *listKey) { k.environmentID = l.environmentID })
	if l.logicalEnvironmentID != "" {
		narrow(func(k *listKey) { k.logicalEnvironmentID = l.logicalEnvironmentID })
	}
	narrow(func(k *listKey) { k.status = l.status })
	narrow(func(k *listKey) { k.kind = l.kind })
	return keys
}

// allRecords is the list of them.
var allRecords = listKey{environmentID: anyID, logicalEnvironmentID: anyID}

// The lists that no other filter narrows further, by what they are of.
func nameList(latest bool, deploymentName string) listKey {
	return listKey{latest: latest, environmentID: anyID, logicalEnvironmentID: anyID, deploymentName: deploymentName}
}

func projectSetList(latest bool, id int64) listKey {
	return listKey{latest: latest, environmentID: anyID, logicalEnvironmentID: anyID, projectSetID: id}
}

func projectList(id int64) listKey {
	return listKey{environmentID: anyID, logicalEnvironmentID: anyID, projectID: id}
}

// marked says that the list gets milestones when it is long: it is of all records, and an index has it, or one that it is
// a part of, in its order. Of an environment, only the whole list: with hundreds of environments their combinations would
// be most of all lists. Of a project, all its sets together: a milestone of one set would have no rank in the project.
func (k listKey) marked() bool {
	if k.latest || k.projectSetID != 0 && k.projectID == 0 {
		return false
	}
	return k.environmentID == anyID || k.indexed()
}

// indexed says that indexes have just this list, in its order, with nothing between that is not of it.
func (k listKey) indexed() bool {
	filters := 0
	for _, filtered := range []bool{
		k.environmentID != anyID, k.logicalEnvironmentID != anyID, k.deploymentName != "",
		k.status != deployments.AnyStatus, k.kind != deployments.AnyKind, k.projectSetID != 0 || k.projectID != 0,
	} {
		if filtered {
			filters++
		}
	}
	return filters <= 1
}

// listOf is the list that a question asks for, if its total is kept. Ids are not known yet: an environment or logical
// environment that is asked for by name has the id "?", and a project and its sets have byName.
func listOf(scope deployments.Scope, q deployments.Query) (listKey, bool) {
	key := listKey{
		latest: q.History == deployments.Latest, environmentID: anyID, logicalEnvironmentID: anyID,
		deploymentName: q.DeploymentName, status: q.Status, kind: q.ArtifactKind,
	}
	if q.EnvironmentName != "" {
		key.environmentID = "?"
	}
	if q.LogicalEnvironmentName != "" {
		key.logicalEnvironmentID = "?"
	}
	if projects := projectsOf(scope, q); len(projects) > 0 {
		key.projectSetID = byName
		if len(projects) == 1 {
			key.projectID = byName
		}
	}
	single := key.deploymentName != "" || key.projectSetID != 0
	kept := q.ArtifactDigest == "" && q.ProjectVersionName == "" && (!single || key.indexed())
	return key, kept
}

// place is where a record stands in the order of time, the oldest first.
type place struct {
	createdAt time.Time
	recordID  string
}

func (p place) before(o place) bool {
	if c := p.createdAt.Compare(o.createdAt); c != 0 {
		return c < 0
	}
	return p.recordID < o.recordID
}

// beginning is before, end after all records.
var (
	beginning = place{createdAt: time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), recordID: "00000000-0000-0000-0000-000000000000"}
	end       = place{createdAt: time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC), recordID: "ffffffff-ffff-ffff-ffff-ffffffffffff"}
)

// totalRow is how many records a list has, but for the changes that are not folded.
type totalRow struct {
	OrganizationID       int64              `gorm:"primaryKey;autoIncrement:false"`
	Latest               bool               `gorm:"primaryKey"`
	EnvironmentID        string             `gorm:"primaryKey"`
	LogicalEnvironmentID string             `gorm:"primaryKey"`
	DeploymentName       string             `gorm:"primaryKey"`
	Status               deployments.Status `gorm:"primaryKey;autoIncrement:false"`
	Kind                 deployments.Kind   `gorm:"primaryKey;autoIncrement:false"`
	ProjectSetID         int64              `gorm:"primaryKey;autoIncrement:false"`
	N                    int64
}

func (totalRow) TableName() string { return "list_totals" }

func (r totalRow) list() listKey {
	return listKey{
		latest: r.Latest, environmentID: r.EnvironmentID, logicalEnvironmentID: r.LogicalEnvironmentID,
		deploymentName: r.DeploymentName, status: r.Status, kind: r.Kind, projectSetID: r.ProjectSetID,
	}
}

// milestoneRow is how many records a list of all records has from this place to the next milestone, but for the
// changes that are not folded.
type milestoneRow struct {
	OrganizationID       int64              `gorm:"primaryKey;autoIncrement:false"`
	EnvironmentID        string             `gorm:"primaryKey"`
	LogicalEnvironmentID string             `gorm:"primaryKey"`
	DeploymentName       string             `gorm:"primaryKey"`
	Status               deployments.Status `gorm:"primaryKey;autoIncrement:false"`
	Kind                 deployments.Kind   `gorm:"primaryKey;autoIncrement:false"`
	ProjectID            int64              `gorm:"primaryKey;autoIncrement:false"`
	CreatedAt            timestamp          `gorm:"primaryKey;autoCreateTime:false"`
	RecordID             string             `gorm:"primaryKey"`
	N                    int64
}

func (milestoneRow) TableName() string { return "long_list_milestones" }

func (r milestoneRow) list() listKey {
	return listKey{
		environmentID: r.EnvironmentID, logicalEnvironmentID: r.LogicalEnvironmentID,
		deploymentName: r.DeploymentName, status: r.Status, kind: r.Kind, projectID: r.ProjectID,
	}
}
