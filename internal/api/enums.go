package api

import (
	recording "github.com/deployrecords/deployrecords/generated/recording/server"
	"github.com/deployrecords/deployrecords/generated/server"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// The contract's enums and the domain's. They are spelled out, constant by constant, so that a value which upstream
// renames or removes stops the build here, where to decide what becomes of the records that have it. A test finds
// values that upstream adds.

// statusFilters holds what the parameter status can be; absent and unspecified are as if not asked (L3).
var statusFilters = map[server.ListDeploymentRecordsParamsStatus]deployments.Status{
	"": deployments.AnyStatus,
	server.ListDeploymentRecordsParamsStatusDEPLOYMENTSTATUSUNSPECIFIED: deployments.AnyStatus,
	server.ListDeploymentRecordsParamsStatusDEPLOYED:                    deployments.Deployed,
	server.ListDeploymentRecordsParamsStatusDECOMMISSIONED:              deployments.Decommissioned,
	server.ListDeploymentRecordsParamsStatusSUPERSEDED:                  deployments.Superseded,
}

// kindFilters holds what the parameter artifact_kind can be; absent and unspecified are as if not asked (L3).
var kindFilters = map[server.ListDeploymentRecordsParamsArtifactKind]deployments.Kind{
	"": deployments.AnyKind,
	server.ListDeploymentRecordsParamsArtifactKindARTIFACTKINDUNSPECIFIED: deployments.AnyKind,
	server.ListDeploymentRecordsParamsArtifactKindCONTAINERIMAGE:          deployments.ContainerImage,
	server.ListDeploymentRecordsParamsArtifactKindHELMCHART:               deployments.HelmChart,
}

// laterValues are values of parameters that the document has and the domain has no notion of yet: asking for one is a
// 501, as it is for any value that is not in the maps above, and no record has it. A test wants each value of the
// document either there or here, so that which it is has been decided.
var laterValues = map[string][]string{"status": {}, "artifact_kind": {}}

// statuses holds what the status of a record can be.
var statuses = map[deployments.Status]server.DeploymentStatus{
	deployments.Deployed:       server.DeploymentStatusDEPLOYED,
	deployments.Decommissioned: server.DeploymentStatusDECOMMISSIONED,
	deployments.Superseded:     server.DeploymentStatusSUPERSEDED,
}

// recordedKinds holds the kinds that can be recorded.
var recordedKinds = map[recording.DeploymentKind]deployments.Kind{
	recording.DeploymentKindCONTAINERIMAGE: deployments.ContainerImage,
	recording.DeploymentKindHELMCHART:      deployments.HelmChart,
}

// recordedStatuses holds the statuses that can be recorded; left out, it is DEPLOYED.
var recordedStatuses = map[recording.DeploymentStatus]deployments.Status{
	"": deployments.Deployed,
	recording.DeploymentStatusDEPLOYMENTSTATUSUNSPECIFIED: deployments.Deployed,
	recording.DeploymentStatusDEPLOYED:                    deployments.Deployed,
	recording.DeploymentStatusDECOMMISSIONED:              deployments.Decommissioned,
}
