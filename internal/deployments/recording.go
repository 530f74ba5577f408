package deployments

import "time"

// Recording says that an artifact runs in a slot, or that it does no more. It is what pipelines and clusters tell; the
// rules of what it does to the history are W1 to W6.
type Recording struct {
	EnvironmentName string
	// LogicalEnvironmentName is empty for none.
	LogicalEnvironmentName string
	DeploymentName         string
	// Artifact has its kind, and its digest unless Status is Decommissioned. A nil Name or Version is that of the
	// newest artifact of this kind and digest that is known.
	Kind    Kind
	Digest  string
	Name    *string
	Version *string
	// Status is Deployed or Decommissioned.
	Status          Status
	ProjectVersions []ProjectVersion
}

// Identity is what superseding goes by (W1), by names: a slot may hold several.
type Identity struct {
	EnvironmentName        string
	LogicalEnvironmentName string
	DeploymentName         string
	Kind                   Kind
}

// Identity is the one that the recording is about.
func (r Recording) Identity() Identity {
	return Identity{r.EnvironmentName, r.LogicalEnvironmentName, r.DeploymentName, r.Kind}
}

// matches says whether a record is of the artifact that the recording names: the same kind and digest, whatever name and
// version they were given. A recording without a digest is about any.
func (r Recording) matches(record Record) bool {
	return record.Artifact.Kind == r.Kind && (r.Digest == "" || record.Artifact.Digest == r.Digest)
}

// MatchesDigest says whether the recording names the artifact of a record, by its kind and digest. Without a digest it names
// none, whatever it is about.
func (r Recording) MatchesDigest(record Record) bool {
	return r.Digest != "" && r.matches(record)
}

// Violation is what is wrong with a part of a request.
type Violation struct {
	// Field names the part, in the words of the recording contract, as artifact_digest.
	Field string
	// Message completes the sentence that Field begins.
	Message string
}

func (f Violation) String() string { return f.Field + ": " + f.Message }

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
		check("project_versions", CheckRecordedName(version.ProjectName))
		check("project_versions", CheckRecordedName(version.VersionName))
	}
	return violations
}

// IdentityHistory is an identity's history, as far as the rules look at it.
type IdentityHistory struct {
	// Deployed are the identity's records with the status DEPLOYED, the newest first. An import may have left several
	// (I2); recording leaves at most one (W1).
	Deployed []Record
	// Newest is, if nothing is deployed, the newest record of the artifact that the recording is about, or nil.
	// Recording as DEPLOYED does not ask for it.
	Newest *Record
}

// Change is what a recording does. Records that are not in it stay as they are.
type Change struct {
	// Updated are records of the history as they are from now on.
	Updated []Record
	// Add says that a record is added, with the status that was recorded. It is then the answer.
	Add bool
	// Answer is the record that says what is so now, if none is added.
	Answer Record
}

// DigestRequired refuses a decommissioning without a digest of what was never there (W4).
var DigestRequired = Violation{"artifact_digest", "is missing: nothing is deployed there, and nothing was"}

// Apply decides what a recording does to its identity at the moment now (W1 to W4), or refuses it with a fault.
func (r Recording) Apply(history IdentityHistory, now time.Time) (Change, *Violation) {
	if r.Status == Decommissioned {
		return r.decommission(history, now)
	}
	deployed := history.Deployed
	if len(deployed) > 0 && r.matches(deployed[0]) {
		// W3: it runs there already. Whatever else an import left deployed there is not what runs (W1).
		seen := deployed[0].withSeen(now)
		return Change{Updated: append(end(deployed[1:], Superseded, now), seen), Answer: seen}, nil
	}
	return Change{Updated: end(deployed, Superseded, now), Add: true}, nil // W2
}

// decommission is W4.
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
		change := Change{Updated: ended, Answer: ended[0]}
		if len(others) > 1 { // W1
			change.Updated = append(change.Updated, end(others[1:], Superseded, now)...)
		}
		return change, nil
	case len(others) > 0:
		// Another artifact runs there, which this is not about.
		return Change{Updated: end(others[1:], Superseded, now), Answer: others[0]}, nil
	case history.Newest != nil:
		seen := *history.Newest
		seen.LastSeenAt = later(seen.LastSeenAt, now)
		return Change{Updated: []Record{seen}, Answer: seen}, nil
	case r.Digest == "":
		fault := DigestRequired
		return Change{}, &fault
	default:
		return Change{Add: true}, nil
	}
}

// CreatedAt is when a record is created that is added at the moment now to a slot whose latest record was created at
// latest (W6); a slot without records has the zero time.
func CreatedAt(latest, now time.Time) time.Time {
	if !now.After(latest) {
		return latest.Add(time.Microsecond)
	}
	return now
}

func end(records []Record, as Status, now time.Time) []Record {
	ended := make([]Record, 0, len(records)+1)
	for _, record := range records {
		ended = append(ended, record.withStatus(as, now))
	}
	return ended
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

// later never moves a time back: an import may have brought records of a clock that is ahead.
func later(old, now time.Time) time.Time {
	if now.After(old) {
		return now
	}
	return old
}
