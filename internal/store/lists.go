package store

import (
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/counts"
)

// anyID stands for every id. It was drawn at random, once: nobody else comes upon it, as they might on zeros.
const anyID = counts.AnyID

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

var beginning, end = counts.Beginning, counts.End
