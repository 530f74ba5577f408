// Package api implements the operations of the OpenAPI documents: it translates a request into a query or recording of
// the domain, and the result or the error into a response. No package below it uses the documents'
// types.
package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	recording "github.com/deployrecords/deployrecords/generated/recording/server"
	"github.com/deployrecords/deployrecords/generated/server"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// API implements the generated interface over a store.
type API struct {
	store      deployments.Store
	paging     deployments.Paging
	autoCreate bool
}

var (
	_ server.StrictServerInterface    = (*API)(nil)
	_ recording.StrictServerInterface = (*API)(nil)
)

// New returns an API over the store. autoCreate lets recording create unknown names.
func New(store deployments.Store, paging deployments.Paging, autoCreate bool) *API {
	return &API{store: store, paging: paging, autoCreate: autoCreate}
}

// Caller is the client on whose behalf a request is handled.
type Caller struct {
	deployments.Scope
	// Client is the token's subject, with the issuer where there are several; it may be empty.
	Client string
}

type callerKey struct{}

// WithCaller adds the caller to the context. Without it every operation fails.
func WithCaller(ctx context.Context, caller Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

var errNoCaller = errors.New("api: the request has no caller; authentication did not run")

func callerOf(ctx context.Context) (Caller, error) {
	caller, ok := ctx.Value(callerKey{}).(Caller)
	if !ok {
		return Caller{}, errNoCaller
	}
	return caller, nil
}

// ListDeploymentRecords handles GET /v1/deployments. The request has passed validation and ListRules.
func (a *API) ListDeploymentRecords(ctx context.Context, request server.ListDeploymentRecordsRequestObject) (server.ListDeploymentRecordsResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	query, err := toQuery(request.Params, a.paging)
	if err != nil {
		return nil, err
	}
	result, err := a.store.List(ctx, caller.Scope, query)
	if err != nil {
		return nil, err
	}
	return listResponse{result.Records, server.OffsetPagination{
		Page:       a.paging.Number(query.Page),
		PageSize:   query.Page.Size,
		TotalCount: deployments.Int32(result.Total),
		TotalPages: deployments.Int32(deployments.TotalPages(result.Total, query.Page.Size)),
	}}, nil
}

// ListParameters names the query parameters of GET /v1/deployments that toQuery translates; a test compares them. A
// request that uses another documented parameter gets a 501.
var ListParameters = []string{
	"pagination.page", "pagination.page_size", "environment_name", "logical_environment_name", "deployment_name",
	"project_name", "project_version_name", "status", "artifact_kind", "artifact_digest", "full_history",
}

// ListRules returns the violations of GET /v1/deployments that the document's schemas do not express (L4, L7).
func ListRules(query url.Values) []string {
	var violations []string
	for _, name := range []string{"pagination.page", "pagination.page_size"} {
		if n, err := strconv.ParseInt(query.Get(name), 10, 32); err == nil && n < 0 {
			violations = append(violations, name+": must not be negative")
		}
	}
	if query.Get("project_version_name") != "" && query.Get("project_name") == "" {
		violations = append(violations, "project_version_name: needs project_name")
	}
	return violations
}

// ParseListQuery returns the query of values that have passed validation and ListRules, as ListDeploymentRecords would ask it.
func ParseListQuery(values url.Values, paging deployments.Paging) (deployments.Query, error) {
	text := func(name string) *string { v := values.Get(name); return &v }
	number := func(name string) *int32 {
		n, _ := strconv.ParseInt(values.Get(name), 10, 32) // 0 if absent
		return new(int32(n))
	}
	return toQuery(server.ListDeploymentRecordsParams{
		EnvironmentName:        text("environment_name"),
		LogicalEnvironmentName: text("logical_environment_name"),
		DeploymentName:         text("deployment_name"),
		ProjectName:            text("project_name"),
		ProjectVersionName:     text("project_version_name"),
		ArtifactDigest:         text("artifact_digest"),
		Status:                 new(server.ListDeploymentRecordsParamsStatus(values.Get("status"))),
		ArtifactKind:           new(server.ListDeploymentRecordsParamsArtifactKind(values.Get("artifact_kind"))),
		FullHistory:            new(values.Get("full_history") == "true"),
		Page:                   number("pagination.page"),
		PageSize:               number("pagination.page_size"),
	}, paging)
}

// toQuery translates the parameters. Empty values are absent (L3). An enum value that the document allows and this program
// does not implement is a 501: ignoring it would answer another query.
func toQuery(p server.ListDeploymentRecordsParams, paging deployments.Paging) (deployments.Query, error) {
	q := deployments.Query{
		EnvironmentName:        value(p.EnvironmentName),
		LogicalEnvironmentName: value(p.LogicalEnvironmentName),
		DeploymentName:         value(p.DeploymentName),
		ProjectName:            value(p.ProjectName),
		ProjectVersionName:     value(p.ProjectVersionName),
		ArtifactDigest:         value(p.ArtifactDigest),
		Page:                   paging.Page(value(p.Page), value(p.PageSize)),
	}
	if value(p.FullHistory) {
		q.History = deployments.All
	}
	var known bool
	if q.Status, known = statusFilters[value(p.Status)]; !known {
		return q, notImplemented("status", string(*p.Status))
	}
	if q.ArtifactKind, known = kindFilters[value(p.ArtifactKind)]; !known {
		return q, notImplemented("artifact_kind", string(*p.ArtifactKind))
	}
	return q, nil
}

func notImplemented(parameter, value string) *Problem {
	return &Problem{Status: http.StatusNotImplemented, Message: parameter + ": " + value + " is not implemented by this server"}
}

// value returns the value of an optional parameter, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func fromRecord(r *deployments.Record) server.DeploymentRecord {
	record := server.DeploymentRecord{
		Id:              r.ID,
		EnvironmentId:   r.EnvironmentID,
		EnvironmentName: r.EnvironmentName,
		DeploymentName:  r.DeploymentName,
		Status:          statuses[r.Status],
		ArtifactId:      r.ArtifactID,
		Artifact: server.Artifact{
			Kind:    r.Artifact.Kind.String(),
			Name:    r.Artifact.Name,
			Version: r.Artifact.Version,
			Digest:  r.Artifact.Digest,
		},
		CreatedAt:  r.CreatedAt,
		UpdatedAt:  r.UpdatedAt,
		LastSeenAt: r.LastSeenAt,
	}
	if r.LogicalEnvironmentID != "" {
		record.LogicalEnvironmentId = &r.LogicalEnvironmentID
		record.LogicalEnvironmentName = &r.LogicalEnvironmentName
	}
	return record
}
