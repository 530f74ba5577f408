package cli

import (
	"errors"
	"fmt"

	recordingclient "github.com/deployrecords/deployrecords/generated/recording/client"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// body returns the request body of the flags, and their violations.
func (c *recordCommand) body() (body recordingclient.Deployment, violations []error) {
	r := deployments.Recording{
		EnvironmentName: c.Environment,
		DeploymentName:  c.Deployment,
		Status:          deployments.Deployed,
	}
	if c.Decommission {
		r.Status = deployments.Decommissioned
	}
	if c.LogicalEnvironment != nil {
		if r.LogicalEnvironmentName = *c.LogicalEnvironment; r.LogicalEnvironmentName == "" {
			violations = append(violations, errors.New("--logical-environment: is empty"))
		}
	}
	artifactViolations := c.artifact(&r)
	violations = append(violations, artifactViolations...)
	if len(c.Project) == len(c.ProjectVersion) {
		for i := range c.Project {
			r.ProjectVersions = append(r.ProjectVersions, deployments.ProjectVersion{ProjectName: c.Project[i], VersionName: c.ProjectVersion[i]})
		}
	} else {
		violations = append(violations, fmt.Errorf("--project and --project-version: got %d projects and %d versions; each project needs its version",
			len(c.Project), len(c.ProjectVersion)))
	}
	for _, violation := range r.Validate() {
		flag, ofArtifact := c.flagOf(violation.Field)
		if !ofArtifact || len(artifactViolations) == 0 {
			violations = append(violations, fmt.Errorf("%s: %s", flag, violation.Message))
		}
	}
	body = toDeployment(r)
	if c.ObservedAt != nil {
		at, err := deployments.ParseTime(*c.ObservedAt)
		if err != nil {
			violations = append(violations, fmt.Errorf("--observed-at: %s %w", deployments.Quote(*c.ObservedAt), err))
		}
		body.ObservedAt = &at
	}
	return body, violations
}

// flagOf returns the flag that gives a field of the request body.
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
	case "project_versions.project_name":
		return "--project", false
	case "project_versions.project_version_name":
		return "--project-version", false
	case "observed_at":
		return "--observed-at", false
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

// flagNames returns the flag that gives each field of the request body, for the server's errors.
func (c *recordCommand) flagNames() map[string]string {
	names := make(map[string]string)
	for _, field := range []string{
		"environment_name", "logical_environment_name", "deployment_name",
		"project_versions", "project_versions.project_name", "project_versions.project_version_name", "artifact_name", "artifact_version", "artifact_digest", "observed_at",
	} {
		names[field], _ = c.flagOf(field)
	}
	if c.Image != nil {
		names["artifact_name"], names["artifact_version"], names["artifact_digest"] = "name of --image", "tag of --image", "digest of --image"
	}
	return names
}

// artifact sets the artifact of the recording, and returns the violations of its flags.
func (c *recordCommand) artifact(r *deployments.Recording) (violations []error) {
	add := func(format string, args ...any) { violations = append(violations, fmt.Errorf(format, args...)) }
	switch {
	case c.Image == nil && c.Chart == nil:
		add("one of --image and --chart is needed")
	case c.Image != nil && c.Chart != nil:
		add("--image and --chart can't be used together")
	case c.Image != nil:
		r.Kind = deployments.ContainerImage
		if c.Version != nil {
			add("--version: is for --chart; the version of an image is its tag")
		}
		if c.Digest != nil {
			add("--digest: is for --chart; the digest of an image follows its name, as in --image api:1.4@sha256:…")
		}
		i, err := parseImage(*c.Image)
		if err != nil {
			add("--image: %w", err)
			break
		}
		if i.digest == "" && !c.Decommission {
			add("--image: %q has no digest, and a tag can be moved: use NAME:TAG@sha256:…", *c.Image)
		}
		r.Name, r.Digest = &i.name, i.digest
		if i.tag != "" {
			r.Version = &i.tag
		}
	default:
		r.Kind, r.Name, r.Version = deployments.HelmChart, c.Chart, c.Version
		if *c.Chart == "" {
			add("--chart: is empty")
		}
		switch {
		case c.Version != nil && *c.Version == "":
			add("--version: is empty")
		case c.Version == nil && !c.Decommission:
			add("--chart: needs --version")
		}
		switch {
		case c.Digest != nil && *c.Digest == "":
			add("--digest: is empty")
		case c.Digest != nil:
			r.Digest = *c.Digest
		case !c.Decommission:
			add("--chart: needs --digest")
		}
	}
	return violations
}

// ignoredVersion returns the version of a decommissioning without a digest, which has no effect (W4), or "".
func (c *recordCommand) ignoredVersion() string {
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

// toDeployment translates a recording into the request body.
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
	// Without a digest, the server decommissions whatever runs there (W4), so the name and the version would mislead.
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
