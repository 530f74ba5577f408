package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"time"

	recording "github.com/deployrecords/deployrecords/generated/recording/server"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// RefusedItems are the items of a batch that do not fit the document, by their number, when the rest is to stand.
type RefusedItems map[int][]deployments.Violation

type refusedKey struct{}

// WithRefusedItems hands the items over that validation refused.
func WithRefusedItems(ctx context.Context, refused RefusedItems) context.Context {
	return context.WithValue(ctx, refusedKey{}, refused)
}

// IsPartial says whether the body of a batch asks for what can be recorded of it.
func IsPartial(body map[string]any) bool {
	partial, _ := body["partial"].(bool)
	return partial
}

// RecordDeployment answers POST /v1/deployments.
func (a *API) RecordDeployment(ctx context.Context, request recording.RecordDeploymentRequestObject) (recording.RecordDeploymentResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	item := toRecording(request.Body)
	if faults := item.Validate(); len(faults) > 0 {
		return nil, &deployments.BatchError{Violations: faults}
	}
	var record deployments.Record
	if key := request.Params.IdempotencyKey; key != nil {
		record, err = a.store.RecordIdempotent(ctx, caller.Organization, deployments.IdempotencyKey{
			Subject: caller.Subject, Key: *key, Request: requestDigest(item),
		}, item, a.autoCreate)
	} else {
		var result deployments.BatchResult
		batch := deployments.Batch{Items: []deployments.BatchItem{{Recording: item}}, Single: true, AutoCreate: a.autoCreate}
		if result, err = a.store.Record(ctx, caller.Organization, batch); err == nil {
			record = result.Items[0].Record
		}
	}
	if err != nil {
		return nil, err
	}
	return recording.RecordDeployment200JSONResponse{DeploymentRecord: fromRecord(&record)}, nil
}

// requestDigest is the same for bodies that say the same, however they are written.
func requestDigest(item deployments.Recording) [32]byte {
	text, err := json.Marshal(item)
	if err != nil {
		panic(err) // strings and numbers
	}
	return sha256.Sum256(text)
}

// RecordDeployments answers POST /v1/deployments/batch.
func (a *API) RecordDeployments(ctx context.Context, request recording.RecordDeploymentsRequestObject) (recording.RecordDeploymentsResponseObject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	if faults := batchFaults(request.Body, a.now()); len(faults) > 0 {
		return nil, BadRequest(faults)
	}
	refused, _ := ctx.Value(refusedKey{}).(RefusedItems)
	batch := deployments.Batch{Partial: value(request.Body.Partial), AutoCreate: a.autoCreate}
	if value(request.Body.Complete) {
		batch.Snapshot = &deployments.Snapshot{
			EnvironmentName: value(request.Body.EnvironmentName),
			ObservedAt:      request.Body.ObservedAt.UTC(),
		}
	}
	for i := range request.Body.Deployments {
		batch.Items = append(batch.Items, deployments.BatchItem{Recording: toRecording(&request.Body.Deployments[i]), Violations: refused[i]})
	}
	result, err := a.store.Record(ctx, caller.Organization, batch)
	if err != nil {
		return nil, err
	}
	answer := recording.RecordDeployments200JSONResponse{
		Results:             make([]recording.BatchItemResult, len(result.Items)),
		DecommissionedCount: deployments.Int32(int64(result.Decommissioned)),
	}
	for i, item := range result.Items {
		if len(item.Violations) > 0 {
			faults := sentences(item.Violations)
			answer.Results[i].Faults = &faults
			continue
		}
		record := fromRecord(&item.Record)
		answer.Results[i].DeploymentRecord = &record
	}
	return answer, nil
}

// clockSkew is how far ahead of this server's clock a snapshot may be.
const clockSkew = time.Minute

// batchFaults tells what is wrong with a batch beside its items.
func batchFaults(b *recording.DeploymentBatch, now time.Time) (faults []string) {
	switch {
	case value(b.Complete):
		if b.EnvironmentName == nil {
			faults = append(faults, "environment_name: is missing, and complete is true")
		} else if err := deployments.CheckRecordedName(*b.EnvironmentName); err != nil {
			faults = append(faults, "environment_name: "+err.Error())
		}
		switch {
		case b.ObservedAt == nil:
			faults = append(faults, "observed_at: is missing, and complete is true")
		case b.ObservedAt.After(now.Add(clockSkew)):
			faults = append(faults, "observed_at: is in the future")
		}
		if len(b.Deployments) == 0 && !value(b.AllowEmpty) {
			faults = append(faults, "deployments: is empty, and allow_empty is not true")
		}
	default:
		if b.EnvironmentName != nil {
			faults = append(faults, "environment_name: goes with complete only")
		}
		if b.ObservedAt != nil {
			faults = append(faults, "observed_at: goes with complete only")
		}
		if len(b.Deployments) == 0 {
			faults = append(faults, "deployments: is empty, and complete is not true")
		}
	}
	return faults
}

// toRecording translates an item. Enums that are not known are AnyKind and AnyStatus, which the domain refuses.
func toRecording(d *recording.Deployment) deployments.Recording {
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
	for _, pv := range value(d.ProjectVersions) {
		r.ProjectVersions = append(r.ProjectVersions, deployments.ProjectVersion{ProjectName: pv.ProjectName, VersionName: pv.ProjectVersionName})
	}
	return r
}

func sentences(faults []deployments.Violation) []string {
	texts := make([]string, len(faults))
	for i, fault := range faults {
		texts[i] = fault.String()
	}
	return texts
}
