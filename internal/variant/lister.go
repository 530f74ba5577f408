package variant

import (
	"context"
	"math"
	"net/http"
	"slices"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// store is what a server needs of its store.
type store interface {
	deployments.Store
	Ready(context.Context) error
}

// lister answers lists by other readings of L1, L5 and L6. It reads all records that match, which a server for tests can
// afford.
type lister struct {
	store
	set Set
}

// List returns a page of the records that match.
func (l *lister) List(ctx context.Context, scope deployments.Scope, q deployments.Query) (deployments.Result, error) {
	if l.set[unknownName404] {
		if err := l.requireKnownNames(ctx, scope, q); err != nil {
			return deployments.Result{}, err
		}
	}
	if !l.set[filterBeforeLatest] && !l.set[otherOrder] {
		return l.store.List(ctx, scope, q)
	}
	all := q
	all.Page = deployments.Page{Size: math.MaxInt32}
	if l.set[filterBeforeLatest] {
		all.History = deployments.All
	}
	result, err := l.store.List(ctx, scope, all)
	if err != nil {
		return deployments.Result{}, err
	}
	records := result.Records
	if l.set[filterBeforeLatest] && q.History == deployments.Latest {
		records = firstOfSlots(records)
	}
	if l.set[otherOrder] {
		slices.Reverse(records)
	}
	total := int64(len(records))
	from := min(q.Page.Offset(), total)
	to := min(from+int64(q.Page.Size), total)
	return deployments.Result{Records: records[from:to:to], Total: total}, nil
}

// firstOfSlots returns the first record of each slot: of a list in the store's order (L6), the latest one.
func firstOfSlots(records []deployments.Record) []deployments.Record {
	seen := make(map[deployments.Slot]bool)
	return slices.DeleteFunc(records, func(r deployments.Record) bool {
		slot := r.Slot()
		again := seen[slot]
		seen[slot] = true
		return again
	})
}

// requireKnownNames returns a 404 for a name of the query that no record has.
func (l *lister) requireKnownNames(ctx context.Context, scope deployments.Scope, q deployments.Query) error {
	for _, filter := range []struct {
		parameter, value string
		query            deployments.Query
	}{
		{"environment_name", q.EnvironmentName, deployments.Query{EnvironmentName: q.EnvironmentName}},
		{"logical_environment_name", q.LogicalEnvironmentName, deployments.Query{LogicalEnvironmentName: q.LogicalEnvironmentName}},
		{"deployment_name", q.DeploymentName, deployments.Query{DeploymentName: q.DeploymentName}},
		{"project_name", q.ProjectName, deployments.Query{ProjectName: q.ProjectName}},
		{"project_version_name", q.ProjectVersionName, deployments.Query{ProjectName: q.ProjectName, ProjectVersionName: q.ProjectVersionName}},
		{"artifact_digest", q.ArtifactDigest, deployments.Query{ArtifactDigest: q.ArtifactDigest}},
	} {
		if filter.value == "" {
			continue
		}
		filter.query.History, filter.query.Page = deployments.All, deployments.Page{Size: 1}
		found, err := l.store.List(ctx, scope, filter.query)
		if err != nil {
			return err
		}
		if found.Total == 0 {
			return &api.Problem{Status: http.StatusNotFound, Message: filter.parameter + ": no record has " + deployments.Quote(filter.value)}
		}
	}
	return nil
}
