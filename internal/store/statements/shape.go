package statements

import (
	"strings"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

// recordColumns are the columns of deployment_records that a page has, after the total.
var recordColumns = []string{
	"id", "environment_id", "logical_environment_id", "deployment_name", "artifact_id", "status", "created_at", "updated_at", "last_seen_at",
}

// Shape is everything that determines the text of a statement: queries of one shape differ only in the values that they
// bind. It is the key of the statement cache.
type Shape struct {
	dialect database.Dialect
	// Filters holds the set of records, all or the latest, and the presence of the filters that counters have. Projects counts
	// the project filter and the scope's project (T5), once if both are the same; any version of a project qualifies.
	counts.Filters
	// scoped is set if the scope has a project (T5). The statement then reads the records of its project sets alone, and tests
	// every filter on each of them, so that its work does not show what exists outside the project.
	scoped bool
	// The filters that counters do not have. A project version filter replaces the project filter.
	artifactDigest, projectVersion bool

	// The planner must see these values: a status or a kind is frequent or rare, and pages are small.
	statusValue deployments.Status
	kindValue   deployments.Kind
	pageSize    int32

	// seek is set for every page but the first.
	seek bool
	// milestoneInterval is the number of records between two milestones. No page so near to an end of its list needs one.
	milestoneInterval int64
}

// NewShape returns the shape of a query.
func NewShape(dialect database.Dialect, milestoneInterval int64, scope deployments.Scope, q *deployments.Query) Shape {
	s := Shape{
		dialect: dialect,
		Filters: counts.Filters{
			Latest:             q.History == deployments.Latest,
			Environment:        q.EnvironmentName != "",
			LogicalEnvironment: q.LogicalEnvironmentName != "",
			DeploymentName:     q.DeploymentName != "",
			Status:             q.Status != deployments.AnyStatus,
			Kind:               q.ArtifactKind != deployments.AnyKind,
		},
		scoped:            scope.Project != "",
		artifactDigest:    q.ArtifactDigest != "",
		projectVersion:    q.ProjectVersionName != "",
		statusValue:       q.Status,
		kindValue:         q.ArtifactKind,
		pageSize:          q.Page.Size,
		seek:              q.Page.Number > 0,
		milestoneInterval: milestoneInterval,
	}
	filtersProject := q.ProjectName != "" && q.ProjectVersionName == ""
	if filtersProject {
		s.Projects++
	}
	if scope.Project != "" && (!filtersProject || q.ProjectName != scope.Project) {
		s.Projects++
	}
	return s
}

// readsCounter reports whether the statement reads the total from counters: of artifacts, those that are counted.
func (s Shape) readsCounter() bool {
	return s.ReadsArtifacts() || !s.artifactDigest && !s.projectVersion && s.HasCounter()
}

// ReadsArtifacts reports whether the listing is the union of the lists of some artifacts: all records by a digest or a project
// version, without another filter.
func (s Shape) ReadsArtifacts() bool {
	return s.artifactDigest != s.projectVersion && !s.scoped && s.Filters == counts.Filters{}
}

// readsMilestones reports whether the statement reads milestones, which the listing has once it is long.
func (s Shape) readsMilestones() bool {
	// SQLite rejects these statements as nested too deep.
	isTooDeep := s.dialect == database.SQLite &&
		(s.ReadsArtifacts() || s.Environment && s.LogicalEnvironment || s.Projects > 0 && (s.Environment || s.LogicalEnvironment))
	return s.readsCounter() && s.HasMilestones() && !isTooDeep // of artifacts, the only one of the listing
}

// readsCoarse reports whether the statement adds up coarse milestones, and then fine ones. SQLite would reject some of these
// statements as nested too deep, so it adds up fine ones alone.
func (s Shape) readsCoarse() bool { return s.dialect == database.PostgreSQL }

// IsCheap reports whether the time of the statement does not depend on the number of records: it counts none, and skips no more
// than those between two milestones, or than slots.
func (s Shape) IsCheap() bool {
	return s.readsCounter() && !s.ReadsArtifacts() && (!s.seek || s.Latest || s.readsMilestones())
}

// inIndexOrder reports whether one index yields exactly the listing, so that whole records are read through it.
// Other listings read ids, and then the records of the page. With whole records, the planner would filter the index of all
// records for a frequent status or kind, and every project set would read a page of whole records.
func (s Shape) inIndexOrder() bool {
	return s.Indexed() && !s.Status && !s.Kind && s.Projects == 0 && !s.artifactDigest && !s.projectVersion
}

// pageColumns are the columns that page has. Others are read by the ids of its records.
func (s Shape) pageColumns() string {
	if s.inIndexOrder() {
		return strings.Join(recordColumns, ", ")
	}
	return "id, created_at"
}
