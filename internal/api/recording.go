package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"time"

	recording "github.com/deployrecords/deployrecords/generated/recording/server"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// RejectedItems has the violations of a partial batch's items that do not fit the document, by index.
type RejectedItems map[int][]deployments.Violation

type rejectedKey struct{}

// WithRejectedItems adds the items that validation rejected to the context.
func WithRejectedItems(ctx context.Context, rejected RejectedItems) context.Context {
	return context.WithValue(ctx, rejectedKey{}, rejected)
}

// IsPartial reports whether the body of a batch asks to record every valid item.
func IsPartial(body map[string]any) bool {
	partial, _ := body["partial"].(bool)
	return partial
}

// RecordDeployment records one deployment.
func (a *API) RecordDeployment(ctx context.Context, request recording.RecordDeploymentRequestObject) (recording.RecordDeploymentResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	item := toRecording(single(request.Body))
	violations := item.Validate()
	if isZeroTime(request.Body.ObservedAt) {
		violations = append(violations, zeroTime)
	}
	if len(violations) > 0 {
		return nil, &deployments.BatchError{Violations: violations}
	}
	batch := deployments.Batch{
		Items: []deployments.BatchItem{{Recording: item}}, Single: true, AutoCreate: a.autoCreate, ObservedAt: value(request.Body.ObservedAt),
	}
	var record deployments.Record
	if key := request.Params.IdempotencyKey; key != nil {
		record, err = a.store.RecordIdempotent(ctx, caller.Organization, deployments.IdempotencyKey{
			Subject: caller.Client, Key: *key, Request: requestDigest(item, batch.ObservedAt),
		}, batch)
	} else {
		var result deployments.BatchResult
		if result, err = a.store.Record(ctx, caller.Organization, batch); err == nil {
			record = result.Items[0].Record
		}
	}
	if err != nil {
		return nil, err
	}
	return recording.RecordDeployment200JSONResponse{DeploymentRecord: fromRecord(&record)}, nil
}

// requestDigest returns the same digest for equivalent bodies, whatever their spelling.
func requestDigest(item deployments.Recording, observedAt time.Time) [32]byte {
	body := any(item)
	if !observedAt.IsZero() {
		body = []any{item, observedAt.UTC()}
	}
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // the recording has strings, numbers and times only
	}
	return sha256.Sum256(text)
}

// RecordDeployments records a batch.
func (a *API) RecordDeployments(ctx context.Context, request recording.RecordDeploymentsRequestObject) (recording.RecordDeploymentsResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	if violations := append(validateBatch(request.Body), validateSnapshot(request.Body)...); len(violations) > 0 {
		return nil, BadRequest(violations)
	}
	rejected, _ := ctx.Value(rejectedKey{}).(RejectedItems)
	batch := deployments.Batch{Partial: value(request.Body.Partial), AutoCreate: a.autoCreate, ObservedAt: value(request.Body.ObservedAt)}
	if value(request.Body.Complete) {
		batch.Snapshot = toSnapshot(request.Body)
	}
	for i := range request.Body.Deployments {
		batch.Items = append(batch.Items, deployments.BatchItem{Recording: toRecording(&request.Body.Deployments[i]), Violations: rejected[i]})
	}
	result, err := a.store.Record(ctx, caller.Organization, batch)
	if err != nil {
		return nil, err
	}
	if len(result.MissingParts) > 0 {
		return nil, missingParts(result.MissingParts)
	}
	response := recording.RecordDeployments200JSONResponse{
		Results:             make([]recording.BatchItemResult, len(result.Items)),
		DecommissionedCount: deployments.Int32(int64(result.Decommissioned)),
	}
	for i, item := range result.Items {
		if len(item.Violations) > 0 {
			messages := messages(item.Violations)
			response.Results[i].Faults = &messages
			continue
		}
		record := fromRecord(&item.Record)
		response.Results[i].DeploymentRecord = &record
	}
	return response, nil
}

// zeroTime rejects the time that some clients send for none, which is no time of an observation.
var zeroTime = deployments.Violation{Field: "observed_at", Message: "is the zero time"}

func isZeroTime(at *time.Time) bool { return at != nil && at.IsZero() }

// validateBatch returns the violations of a batch apart from those of its items.
func validateBatch(b *recording.DeploymentBatch) (violations []string) {
	if isZeroTime(b.ObservedAt) {
		violations = append(violations, zeroTime.String())
	}
	switch {
	case value(b.Complete):
		if b.EnvironmentName == nil {
			violations = append(violations, "environment_name: is missing, and complete is true")
		} else if err := deployments.CheckRecordedName(*b.EnvironmentName); err != nil {
			violations = append(violations, "environment_name: "+err.Error())
		}
		if b.ObservedAt == nil {
			violations = append(violations, "observed_at: is missing, and complete is true")
		}
		if len(b.Deployments) == 0 && !value(b.AllowEmpty) {
			violations = append(violations, "deployments: is empty, and allow_empty is not true")
		}
	default:
		if b.EnvironmentName != nil {
			violations = append(violations, "environment_name: goes with complete only")
		}
		if len(b.Deployments) == 0 {
			violations = append(violations, "deployments: is empty, and complete is not true")
		}
	}
	return violations
}

// single returns the item of a body that records one deployment.
func single(d *recording.Deployment) *recording.BatchDeployment {
	return &recording.BatchDeployment{
		EnvironmentName: d.EnvironmentName, LogicalEnvironmentName: d.LogicalEnvironmentName, DeploymentName: d.DeploymentName,
		Kind: d.Kind, ArtifactDigest: d.ArtifactDigest, ArtifactName: d.ArtifactName, ArtifactVersion: d.ArtifactVersion,
		Status: d.Status, ProjectVersions: d.ProjectVersions,
	}
}

// toRecording translates an item. An unknown kind or status becomes AnyKind or AnyStatus, which the domain rejects.
func toRecording(d *recording.BatchDeployment) deployments.Recording {
	r := deployments.Recording{
		EnvironmentName:        d.EnvironmentName,
		LogicalEnvironmentName: value(d.LogicalEnvironmentName),
		DeploymentName:         d.DeploymentName,
		Kind:                   recordedKinds[d.Kind],
		Digest:                 value(d.ArtifactDigest),
		Name:                   d.ArtifactName,
		Version:                d.ArtifactVersion,
		Status:                 recordedStatuses[value(d.Status)],
	}
	for _, version := range value(d.ProjectVersions) {
		r.ProjectVersions = append(r.ProjectVersions, deployments.ProjectVersion{ProjectName: version.ProjectName, VersionName: version.ProjectVersionName})
	}
	return r
}

func messages(violations []deployments.Violation) []string {
	texts := make([]string, len(violations))
	for i, violation := range violations {
		texts[i] = violation.String()
	}
	return texts
}
