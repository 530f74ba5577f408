package listing

import (
	"strings"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

// shape is everything that decides the text of a statement: queries of one shape differ only in the values that they
// bind. It is the key of the statement cache.
type shape struct {
	dialect database.Dialect
	set     deployments.History

	// The filters whose values are parameters.
	environment, logicalEnvironment, deploymentName, artifactDigest bool
	project                                                         bool // in any version
	projectVersion                                                  bool // of a project, which project then does not report
	// scopeProject is the project of the scope, in addition to the filters (T5).
	scopeProject bool

	// The planner must know these values: a status or a kind may be frequent or rare, and pages are small.
	status   deployments.Status
	kind     deployments.Kind
	pageSize int32

	// seek is set for every page but the first.
	seek bool
	// milestoneInterval is the least number of records between two milestones.
	milestoneInterval int64
}

// newShape returns the shape of a query.
func newShape(d database.Dialect, milestoneInterval int64, scope deployments.Scope, q *deployments.Query) shape {
	project := q.ProjectName != "" && q.ProjectVersionName == ""
	return shape{
		dialect:            d,
		set:                q.History,
		environment:        q.EnvironmentName != "",
		logicalEnvironment: q.LogicalEnvironmentName != "",
		deploymentName:     q.DeploymentName != "",
		artifactDigest:     q.ArtifactDigest != "",
		project:            project,
		projectVersion:     q.ProjectVersionName != "",
		scopeProject:       scope.Project != "" && !(project && q.ProjectName == scope.Project),
		status:             q.Status,
		kind:               q.ArtifactKind,
		pageSize:           q.Page.Size,
		seek:               q.Page.Number > 0,
		milestoneInterval:  milestoneInterval,
	}
}

// byProjectSet reports whether the listing is limited to the project sets of one project, or of two.
func (s shape) byProjectSet() bool { return s.project || s.scopeProject }

// counterFilters returns the filters that counters have.
func (s shape) counterFilters() counts.Filters {
	filters := counts.Filters{
		Latest:             s.set == deployments.Latest,
		Environment:        s.environment,
		LogicalEnvironment: s.logicalEnvironment,
		DeploymentName:     s.deploymentName,
		Status:             s.status != deployments.AnyStatus,
		Kind:               s.kind != deployments.AnyKind,
	}
	for _, present := range [...]bool{s.project, s.scopeProject} {
		if present {
			filters.Projects++
		}
	}
	return filters
}

// counted reports whether counters have the total.
func (s shape) counted() bool {
	return !s.artifactDigest && !s.projectVersion && s.counterFilters().Counted()
}

// hasMilestones reports whether the listing has milestones once it is long.
func (s shape) hasMilestones() bool {
	return s.counted() && s.counterFilters().HasMilestones()
}

// inIndexOrder reports whether whole records are read where one index points to, which yields exactly the listing. Other
// listings read ids, and then the records of the page: for a frequent status or kind the planner would rather filter the
// index of all records, and every project set would read a page of whole records.
func (s shape) inIndexOrder() bool {
	filters := s.counterFilters()
	return s.hasMilestones() && filters.Indexed() && !filters.Status && !filters.Kind && filters.Projects == 0
}

// pageColumns are the columns that page has. Others are read by the ids of its records.
func (s shape) pageColumns() string {
	if s.inIndexOrder() {
		return strings.Join(recordColumns, ", ")
	}
	return "id, created_at"
}
