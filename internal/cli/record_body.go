package cli

import (
	"errors"
	"fmt"

	recordingclient "github.com/deployrecords/deployrecords/generated/recording/client"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// body gives what is sent, and what is wrong with the flags that say it.
func (c *recordCommand) body() (recordingclient.Deployment, []error) {
	r := deployments.Recording{
		EnvironmentName: c.Environment,
		DeploymentName:  c.Deployment,
		Status:          deployments.Deployed,
	}
	if c.Decommission {
		r.Status = deployments.Decommissioned
	}
	var faults []error
	if c.LogicalEnvironment != nil {
		if r.LogicalEnvironmentName = *c.LogicalEnvironment; r.LogicalEnvironmentName == "" {
			faults = append(faults, errors.New("--logical-environment: is empty"))
		}
	}
	artifactFaults := c.artifact(&r)
	faults = append(faults, artifactFaults...)
	if len(c.Project) == len(c.ProjectVersion) {
		for i := range c.Project {
			r.ProjectVersions = append(r.ProjectVersions, deployments.ProjectVersion{ProjectName: c.Project[i], VersionName: c.ProjectVersion[i]})
		}
	} else {
		faults = append(faults, fmt.Errorf("--project is given %s and --project-version %s: each project needs its version",
			times(len(c.Project)), times(len(c.ProjectVersion))))
	}
	for _, fault := range r.Validate() {
		flag, ofArtifact := c.flagOf(fault.Field)
		if !ofArtifact || len(artifactFaults) == 0 {
			faults = append(faults, fmt.Errorf("%s: %s", flag, fault.Message))
		}
	}
	return toDeployment(r), faults
}

func times(n int) string {
	switch n {
	case 0:
		return "not at all"
	case 1:
		return "once"
	default:
		return fmt.Sprintf("%d times", n)
	}
}

// flagOf finds the flag that a field of the contract came from.
func (c *recordCommand) flagOf(field string) (flag string, ofArtifact bool) {
	switch field {
	case "environment_name":
		return "--environment", false
	case "logical_environment_name":
		return "--logical-environment", false
	case "deployment_name":
		return "--deployment", false
	case "project_versions":
		return "--project and --project-version", false
	}
	switch {
	case c.Image != nil:
		return "--image", true
	case field == "artifact_version":
		return "--version", true
	case field == "artifact_digest":
		return "--digest", true
	default:
		return "--chart", true
	}
}

// artifact reads the flags that say what was deployed.
func (c *recordCommand) artifact(r *deployments.Recording) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	switch {
	case c.Image == nil && c.Chart == nil:
		fault("one of --image and --chart is needed")
	case c.Image != nil && c.Chart != nil:
		fault("--image and --chart can't be used together")
	case c.Image != nil:
		r.Kind = deployments.ContainerImage
		if c.Version != nil {
			fault("--version: is for --chart; the version of an image is its tag")
		}
		if c.Digest != nil {
			fault("--digest: is for --chart; an image has it behind its name, as in --image api:1.4@sha256:…")
		}
		i, err := parseImage(*c.Image)
		if err != nil {
			fault("--image: %w", err)
			break
		}
		if i.digest == "" && !c.Decommission {
			fault("--image: %q has no digest, and a tag can be moved: write it as NAME:TAG@sha256:…", *c.Image)
		}
		r.Name, r.Digest = &i.name, i.digest
		if i.tag != "" {
			r.Version = &i.tag
		}
	default:
		r.Kind, r.Name, r.Version = deployments.HelmChart, c.Chart, c.Version
		if *c.Chart == "" {
			fault("--chart: is empty")
		}
		switch {
		case c.Version != nil && *c.Version == "":
			fault("--version: is empty")
		case c.Version == nil && !c.Decommission:
			fault("--chart: needs --version")
		}
		switch {
		case c.Digest != nil && *c.Digest == "":
			fault("--digest: is empty")
		case c.Digest != nil:
			r.Digest = *c.Digest
		case !c.Decommission:
			fault("--chart: needs --digest")
		}
	}
	return faults
}

// namedInVain gives the version that is to be decommissioned, if only a digest could say so (W4).
func (c *recordCommand) namedInVain() string {
	switch {
	case !c.Decommission:
	case c.Image != nil:
		if i, err := parseImage(*c.Image); err == nil && i.digest == "" && i.tag != "" {
			return "the tag " + i.tag
		}
	case c.Version != nil && c.Digest == nil:
		return "--version " + *c.Version
	}
	return ""
}

// toDeployment translates into the words of the recording contract.
func toDeployment(r deployments.Recording) recordingclient.Deployment {
	status := recordingclient.DeploymentStatus(r.Status.String())
	d := recordingclient.Deployment{
		EnvironmentName: r.EnvironmentName,
		DeploymentName:  r.DeploymentName,
		Kind:            recordingclient.DeploymentKind(r.Kind.String()),
		Status:          &status,
	}
	if r.LogicalEnvironmentName != "" {
		d.LogicalEnvironmentName = &r.LogicalEnvironmentName
	}
	// Without a digest the name and the version would tell nothing: what ends is whatever runs there (W4).
	if r.Digest != "" {
		d.ArtifactDigest, d.ArtifactName, d.ArtifactVersion = &r.Digest, r.Name, r.Version
	}
	if len(r.ProjectVersions) > 0 {
		versions := make([]recordingclient.ProjectVersion, len(r.ProjectVersions))
		for i, pv := range r.ProjectVersions {
			versions[i] = recordingclient.ProjectVersion{ProjectName: pv.ProjectName, ProjectVersionName: pv.VersionName}
		}
		d.ProjectVersions = &versions
	}
	return d
}
