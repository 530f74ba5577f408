package deployments

import (
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
}

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

func joinKinds(kinds []Kind) string {
	names := make([]string, len(kinds))
	for i, kind := range kinds {
		names[i] = kind.String()
	}
	return strings.Join(names, ", ")
}

// Omits reports whether the snapshot ends a deployed record that it covers and does not name: one that was last seen
// before it.
func (s *Snapshot) Omits(deployed Record) bool {
	return deployed.LastSeenAt.Before(s.ObservedAt)
}

// Decommission returns an omitted record as decommissioned at now.
func (s *Snapshot) Decommission(deployed Record, now time.Time) Record {
	return deployed.withStatus(Decommissioned, now)
}
