package deployments

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Snapshot names the environment of a cluster's inventory, the part of it that the inventory covers, and the time at which
// the inventory was taken (W8).
type Snapshot struct {
	EnvironmentName string
	Scope           SnapshotScope
	ObservedAt      time.Time
	// Part, if not nil, declares the batch to be a part of the snapshot. Only the final part decommissions.
	Part *SnapshotPart
}

// SnapshotPart identifies a part of a snapshot that is too large for one batch (W8).
type SnapshotPart struct {
	// SnapshotID identifies the snapshot within its organization, 1 to 128 characters.
	SnapshotID string
	// Number is the number of the part, from 1.
	Number int
	// Parts is the number of parts of the snapshot if this is the final part, otherwise 0.
	Parts int
}

// IsFinal reports whether the part completes its snapshot.
func (p SnapshotPart) IsFinal() bool { return p.Parts > 0 }

// SnapshotScope limits a snapshot to some identities of its environment. An identity must match every field that is set;
// the zero value covers the whole environment.
type SnapshotScope struct {
	// LogicalEnvironmentName, if not nil, is the only logical environment; "" covers identities without one.
	LogicalEnvironmentName *string
	// Kinds, if not empty, are the only kinds.
	Kinds []Kind
	// DeploymentNamePrefix is the beginning of every deployment name.
	DeploymentNamePrefix string
}

// violations names each part of a valid item that is outside the snapshot.
func (s *Snapshot) violations(identity Identity) []Violation {
	if identity.EnvironmentName != s.EnvironmentName {
		return []Violation{{"environment_name", "is not that of the batch"}}
	}
	return s.Scope.violations(identity)
}

// Differences names each field in which a part of a snapshot differs from another part of it (W8).
func (s *Snapshot) Differences(other Snapshot) (violations []Violation) {
	// An empty text is an absent field.
	compare := func(field string, equal bool, got, want string) {
		if !equal {
			violations = append(violations, Violation{field, "is " + cmp.Or(got, "absent") + ", and other parts of the snapshot have " + cmp.Or(want, "none")})
		}
	}
	quote := func(text *string) string {
		if text == nil {
			return ""
		}
		return Quote(*text)
	}
	compare("environment_name", s.EnvironmentName == other.EnvironmentName, Quote(s.EnvironmentName), Quote(other.EnvironmentName))
	mine, theirs := s.Scope.LogicalEnvironmentName, other.Scope.LogicalEnvironmentName
	compare("scope.logical_environment_name", (mine == nil) == (theirs == nil) && (mine == nil || *mine == *theirs), quote(mine), quote(theirs))
	compare("scope.kinds", slices.Equal(s.Scope.Kinds, other.Scope.Kinds), joinKinds(s.Scope.Kinds), joinKinds(other.Scope.Kinds))
	compare("scope.deployment_name_prefix", s.Scope.DeploymentNamePrefix == other.Scope.DeploymentNamePrefix,
		quotePrefix(s.Scope.DeploymentNamePrefix), quotePrefix(other.Scope.DeploymentNamePrefix))
	compare("observed_at", s.ObservedAt.Equal(other.ObservedAt), s.ObservedAt.Format(time.RFC3339Nano), other.ObservedAt.Format(time.RFC3339Nano))
	return violations
}

// Covers reports whether the identity is within the scope.
func (s SnapshotScope) Covers(identity Identity) bool { return len(s.violations(identity)) == 0 }

// violations names each part of an identity that is outside the scope.
func (s SnapshotScope) violations(identity Identity) (violations []Violation) {
	report := func(field, message string) { violations = append(violations, Violation{field, message}) }
	if name := s.LogicalEnvironmentName; name != nil && identity.LogicalEnvironmentName != *name {
		if *name == "" {
			report("logical_environment_name", "is "+Quote(identity.LogicalEnvironmentName)+", and the scope covers records without one only")
		} else {
			report("logical_environment_name", "is "+Quote(identity.LogicalEnvironmentName)+", and the scope covers "+Quote(*name)+" only")
		}
	}
	if len(s.Kinds) > 0 && !slices.Contains(s.Kinds, identity.Kind) {
		report("kind", "is "+identity.Kind.String()+", and the scope covers "+joinKinds(s.Kinds)+" only")
	}
	if !strings.HasPrefix(identity.DeploymentName, s.DeploymentNamePrefix) {
		report("deployment_name", "is "+Quote(identity.DeploymentName)+", and the scope covers names that begin with "+Quote(s.DeploymentNamePrefix)+" only")
	}
	return violations
}

// quotePrefix quotes a prefix, unless it is empty and so absent.
func quotePrefix(prefix string) string {
	if prefix == "" {
		return ""
	}
	return Quote(prefix)
}

func joinKinds(kinds []Kind) string {
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = kind.String()
	}
	return strings.Join(names, ", ")
}

// Omit returns a deployed record that the snapshot covers and does not name as decommissioned. It reports false if the record
// was seen since the snapshot.
func (o Observation) Omit(deployed Record) (_ Record, omitted bool) {
	if o.PrecedesSightOf(deployed) {
		return deployed, false
	}
	return deployed.withStatus(Decommissioned, o.Time()), true
}
