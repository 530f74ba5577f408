package api

import (
	recording "github.com/deployrecords/deployrecords/generated/recording/server"
	"github.com/deployrecords/deployrecords/generated/server"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// The maps list the documents' enum constants one by one: a value that upstream renames or removes stops the build here,
// where somebody must decide about the records that have it. A test finds values that upstream adds.

// statusFilters has the values of the parameter status. Absent and unspecified are no filter (L3).
var statusFilters = map[server.ListDeploymentRecordsParamsStatus]deployments.Status{
	"": deployments.AnyStatus,
	server.ListDeploymentRecordsParamsStatusDEPLOYMENTSTATUSUNSPECIFIED: deployments.AnyStatus,
	server.ListDeploymentRecordsParamsStatusDEPLOYED:                    deployments.Deployed,
	server.ListDeploymentRecordsParamsStatusDECOMMISSIONED:              deployments.Decommissioned,
	server.ListDeploymentRecordsParamsStatusSUPERSEDED:                  deployments.Superseded,
}

// kindFilters has the values of the parameter artifact_kind. Absent and unspecified are no filter (L3).
var kindFilters = map[server.ListDeploymentRecordsParamsArtifactKind]deployments.Kind{
	"": deployments.AnyKind,
	server.ListDeploymentRecordsParamsArtifactKindARTIFACTKINDUNSPECIFIED: deployments.AnyKind,
	server.ListDeploymentRecordsParamsArtifactKindCONTAINERIMAGE:          deployments.ContainerImage,
	server.ListDeploymentRecordsParamsArtifactKindHELMCHART:               deployments.HelmChart,
}

// unsupportedValues has the documented values that the domain does not know: filtering by one is a 501. A test requires
// each documented value in the maps above or here, so that somebody has decided about it.
var unsupportedValues = map[string][]string{"status": {}, "artifact_kind": {}}

// statuses has the statuses of a record.
var statuses = map[deployments.Status]server.DeploymentStatus{
	deployments.Deployed:       server.DeploymentStatusDEPLOYED,
	deployments.Decommissioned: server.DeploymentStatusDECOMMISSIONED,
	deployments.Superseded:     server.DeploymentStatusSUPERSEDED,
}

// recordedKinds has the kinds that can be recorded.
var recordedKinds = map[recording.DeploymentKind]deployments.Kind{
	recording.DeploymentKindCONTAINERIMAGE: deployments.ContainerImage,
	recording.DeploymentKindHELMCHART:      deployments.HelmChart,
}

// recordedStatuses has the statuses that can be recorded. An absent one is DEPLOYED.
var recordedStatuses = map[recording.DeploymentStatus]deployments.Status{
	"": deployments.Deployed,
	recording.DeploymentStatusDEPLOYMENTSTATUSUNSPECIFIED: deployments.Deployed,
	recording.DeploymentStatusDEPLOYED:                    deployments.Deployed,
	recording.DeploymentStatusDECOMMISSIONED:              deployments.Decommissioned,
}
