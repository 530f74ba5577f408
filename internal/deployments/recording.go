package deployments

import "time"

// Recording reports that an artifact runs in a slot, or no longer does. Pipelines and clusters send recordings; the rules
// W1 to W9 define their effect on the history.
type Recording struct {
	EnvironmentName string
	// LogicalEnvironmentName is empty if there is none.
	LogicalEnvironmentName string
	DeploymentName         string

	// Kind and Digest identify the artifact. Digest is optional if Status is Decommissioned.
	Kind   Kind
	Digest string
	// Name and Version may be nil: the newest known artifact of the kind and digest provides them.
	Name    *string
	Version *string
	// Status is Deployed or Decommissioned.
	Status          Status
	ProjectVersions []ProjectVersion
}

// Identity is the unit of superseding (W1): at most one record of an identity is left DEPLOYED. A slot may hold several
// identities.
type Identity struct {
	EnvironmentName        string
	LogicalEnvironmentName string
	DeploymentName         string
	Kind                   Kind
}

// Identity returns the identity that the recording is about.
func (r Recording) Identity() Identity {
	return Identity{r.EnvironmentName, r.LogicalEnvironmentName, r.DeploymentName, r.Kind}
}

// matches reports whether the record has the recording's artifact: the same kind and digest, whatever its name and
// version. A recording without a digest matches every record of its kind.
func (r Recording) matches(record Record) bool {
	return record.Artifact.Kind == r.Kind && (r.Digest == "" || record.Artifact.Digest == r.Digest)
}

// MatchesDigest reports whether the recording names the record's artifact by kind and digest. A recording without a
// digest names none.
func (r Recording) MatchesDigest(record Record) bool {
	return r.Digest != "" && r.matches(record)
}

// Validate returns everything that is wrong with the recording by itself.
func (r Recording) Validate() []Violation {
	var violations []Violation
	report := func(field, message string) { violations = append(violations, Violation{field, message}) }
	check := func(field string, err error) {
		if err != nil {
			report(field, err.Error())
		}
	}
	check("environment_name", CheckRecordedName(r.EnvironmentName))
	check("deployment_name", CheckRecordedName(r.DeploymentName))
	if r.LogicalEnvironmentName != "" {
		check("logical_environment_name", CheckRecordedName(r.LogicalEnvironmentName))
	}
	if r.Kind.String() == "" {
		report("kind", "is missing")
	}
	switch {
	case r.Digest != "":
		check("artifact_digest", CheckDigest(r.Digest))
	case r.Status == Deployed:
		report("artifact_digest", "is missing")
	}
	if r.Status != Deployed && r.Status != Decommissioned {
		report("status", "can't be recorded")
	}
	if r.Name != nil {
		check("artifact_name", CheckText(*r.Name))
	}
	if r.Version != nil {
		check("artifact_version", CheckText(*r.Version))
	}
	for _, version := range r.ProjectVersions {
		check("project_versions.project_name", CheckRecordedName(version.ProjectName))
		check("project_versions.project_version_name", CheckRecordedName(version.VersionName))
	}
	return violations
}

// IdentityHistory is the part of an identity's history that the rules depend on.
type IdentityHistory struct {
	// Deployed has the identity's DEPLOYED records, newest first. An import may leave several (I2); a recording leaves at
	// most one (W1).
	Deployed []Record
	// Newest is the newest record of the recording's artifact if nothing is deployed, or nil. Only decommissioning
	// reads it.
	Newest *Record
	// Changed is the newest record that was updated or last seen at or after the observation if nothing is deployed, or nil
	// (W7). Only an observation with a time reads it.
	Changed *Record
}

// Change is the effect of a recording. Records that it does not name stay as they are.
type Change struct {
	// Updated has the new state of existing records.
	Updated []Record
	// Add adds a record with the recorded status, which is then the answer.
	Add bool
	// Answer is the record that describes the current state, unless Add is set.
	Answer Record
	// Filled reports that the recording gives a name or version that the answer's artifact lacked (W3). Answer and Updated have
	// the new parts and the ArtifactID of the old ones.
	Filled bool
	// Stale reports that the recording comes too late to change anything (W7).
	Stale bool
}

// DigestRequired rejects a decommissioning without a digest for an identity that has no records (W4).
var DigestRequired = Violation{"artifact_digest", "is missing, and no artifact of this kind was ever recorded there; with a digest, it is recorded as decommissioned"}

// Apply returns the effect of the recording on its identity (W1 to W4), or a violation. A recording that was observed before
// what the history has since has none (W7).
func (r Recording) Apply(history IdentityHistory, observed Observation) (Change, *Violation) {
	if record := r.staleAnswer(history, observed); record != nil {
		return Change{Answer: *record, Stale: true}, nil
	}
	now := observed.Time()
	if r.Status == Decommissioned {
		return r.decommission(history, now)
	}
	deployed := history.Deployed
	if len(deployed) > 0 && r.matches(deployed[0]) {
		// W3. Other DEPLOYED records that an import left are not what runs (W1).
		seen, filled := r.fill(deployed[0].withSeen(now))
		return Change{Updated: append(supersede(deployed[1:], now), seen), Answer: seen, Filled: filled}, nil
	}
	return Change{Updated: supersede(deployed, now), Add: true}, nil // W2
}

// decommission applies W4.
func (r Recording) decommission(history IdentityHistory, now time.Time) (Change, *Violation) {
	var ended, others []Record
	for _, record := range history.Deployed {
		if r.matches(record) {
			ended = append(ended, record.withStatus(Decommissioned, now))
		} else {
			others = append(others, record)
		}
	}
	switch {
	case len(ended) > 0:
		var filled bool
		ended[0], filled = r.fill(ended[0])
		change := Change{Updated: ended, Answer: ended[0], Filled: filled}
		if len(others) > 1 { // W1
			change.Updated = append(change.Updated, supersede(others[1:], now)...)
		}
		return change, nil
	case len(others) > 0:
		// Another artifact is deployed there and stays.
		return Change{Updated: supersede(others[1:], now), Answer: others[0]}, nil
	case history.Newest != nil:
		seen := *history.Newest
		seen.LastSeenAt = later(seen.LastSeenAt, now)
		return Change{Updated: []Record{seen}, Answer: seen}, nil
	case r.Digest == "":
		violation := DigestRequired
		return Change{}, &violation
	default:
		return Change{Add: true}, nil
	}
}

// fill returns the record with the name and version of the recording where its artifact has none (W3), and reports whether
// that changes it. If the artifact has another name or version than the recording gives, fill changes nothing. A recording
// without a digest names no artifact and fills nothing.
func (r Recording) fill(record Record) (_ Record, filled bool) {
	artifact := record.Artifact
	if !r.MatchesDigest(record) || !fillPart(&artifact.Name, r.Name) || !fillPart(&artifact.Version, r.Version) || artifact == record.Artifact {
		return record, false
	}
	record.Artifact = artifact
	return record, true
}

// fillPart sets an empty part to the given one. It reports false if both are there and differ.
func fillPart(part, given *string) bool {
	if given == nil || *given == "" {
		return true
	}
	if *part == "" {
		*part = *given
	}
	return *part == *given
}

// CreatedAt returns created_at of a record that is added at now to a slot whose latest record was created at latest (W6):
// now, or a microsecond after latest if that is later. For a slot without records latest is the zero time.
func CreatedAt(latest, now time.Time) time.Time {
	if !now.After(latest) {
		return latest.Add(time.Microsecond)
	}
	return now
}

// supersede returns the records as superseded at now.
func supersede(records []Record, now time.Time) []Record {
	superseded := make([]Record, 0, len(records)+1)
	for _, record := range records {
		superseded = append(superseded, record.withStatus(Superseded, now))
	}
	return superseded
}

func (r Record) withStatus(status Status, now time.Time) Record {
	r.Status = status
	r.UpdatedAt = later(r.UpdatedAt, now)
	return r
}

func (r Record) withSeen(now time.Time) Record {
	r.LastSeenAt = later(r.LastSeenAt, now)
	r.UpdatedAt = later(r.UpdatedAt, now)
	return r
}

// later returns the later of two times: a stored time never moves back, even if an import brought one that lies ahead.
func later(old, now time.Time) time.Time {
	if now.After(old) {
		return now
	}
	return old
}
