package cli

import (
	"fmt"
	"io"

	recordingclient "github.com/deployrecords/deployrecords/generated/recording/client"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// warnOfStoredParts warns of a name or version of the request that the server did not record, because the same artifact is
// stored with another one (W3).
func (c *recordCommand) warnOfStoredParts(w io.Writer, sent recordingclient.Deployment, stored recordingclient.Artifact) {
	if sent.ArtifactDigest == nil || *sent.ArtifactDigest != stored.Digest {
		return
	}
	warn := func(field, part string, given *string, stored string) {
		if given == nil || *given == stored {
			return
		}
		flag, _ := c.flagOf(field)
		fmt.Fprintf(w, "deployrecords: warning: %s: the %s %s was not recorded: this artifact is stored there with the %s %s\n",
			flag, part, deployments.Quote(*given), part, deployments.Quote(stored))
	}
	warn("artifact_name", "name", sent.ArtifactName, stored.Name)
	warn("artifact_version", "version", sent.ArtifactVersion, stored.Version)
}

// isLate reports whether the recording changed nothing because the deployment has changed since --observed-at (W7).
func (c *recordCommand) isLate(r recordingclient.DeploymentRecord, sent recordingclient.Deployment) bool {
	same := sent.ArtifactDigest == nil || *sent.ArtifactDigest == r.Artifact.Digest
	runs := r.Status == recordingclient.DeploymentRecordStatusDEPLOYED
	return c.ObservedAt != nil && (c.Decommission || !same || !runs) && (!c.Decommission || same && runs)
}

// warnOfLateness warns of a late recording.
func (c *recordCommand) warnOfLateness(w io.Writer, r recordingclient.DeploymentRecord, sent recordingclient.Deployment) {
	if !c.isLate(r, sent) {
		return
	}
	fmt.Fprintf(w, "deployrecords: warning: --observed-at: nothing was recorded: the deployment has changed since %s\n", *c.ObservedAt)
}
