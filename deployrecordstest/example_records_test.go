package deployrecordstest_test

import (
	"fmt"
	"time"

	"github.com/deployrecords/deployrecords/deployrecordstest"
	"github.com/deployrecords/deployrecords/generated/client"
)

// Records can be Go values. Errors name their number and field.
func ExampleWithRecords() {
	_, err := deployrecordstest.New(deployrecordstest.WithRecords(
		client.DeploymentRecord{
			Id:              "00000001-0000-4000-8000-000000000000",
			EnvironmentName: "prod-eu",
			DeploymentName:  "api",
			Status:          client.DeploymentStatusDEPLOYED,
			CreatedAt:       time.Date(2026, 10, 15, 14, 20, 0, 0, time.UTC),
			Artifact: client.Artifact{
				Kind:   "CONTAINER_IMAGE",
				Digest: "sha256:8481bc0e9bca02eba66820ffca46e184151ab7f1f8b0de1f0c3b2593dbf48dd8",
			},
		},
		client.DeploymentRecord{Id: "00000002-0000-4000-8000-000000000000", EnvironmentName: "prod-eu", Status: "RUNNING"},
	))
	fmt.Println(err)
	// Output:
	// deployrecordstest: WithRecords has faults:
	//   line 2: artifact.digest: is empty
	//   line 2: artifact.kind: is empty
	//   line 2: deployment_name: is empty
	//   line 2: status: "RUNNING" is not DEPLOYED, DECOMMISSIONED or SUPERSEDED
	//   line 2: created_at: is missing
}
