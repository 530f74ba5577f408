package deployments

import (
	"fmt"
	"time"
)

// MaxBatch is how many recordings a batch has at most.
const MaxBatch = 5000

// Batch is recorded in one transaction.
type Batch struct {
	Items []BatchItem
	// Partial records what can be recorded. Otherwise one refused item refuses the batch.
	Partial bool
	// Snapshot, if not nil, says that the items are everything that runs in an environment.
	Snapshot *Snapshot
	// Single says that the batch is one recording that was not asked for as a batch: its faults are told without its
	// number.
	Single bool
	// AutoCreate makes names that are not known; otherwise they are faults.
	AutoCreate bool
}

// BatchItem is a recording, or what was found wrong with one before it got here.
type BatchItem struct {
	Recording
	Violations []Violation
}

// Snapshot is what a cluster's inventory is taken of, and when.
type Snapshot struct {
	EnvironmentName string
	ObservedAt      time.Time
}

// BatchResult tells what became of a batch.
type BatchResult struct {
	// Items are in the order of the batch.
	Items []ItemResult
	// Decommissioned is how many records a snapshot ended because it did not name them.
	Decommissioned int
}

// ItemResult is a record, or why there is none.
type ItemResult struct {
	Record     Record
	Violations []Violation
}

// BatchError refuses a batch as a whole; nothing of it was recorded.
type BatchError struct{ Violations []Violation }

func (e *BatchError) Error() string {
	return fmt.Sprintf("the batch has %d faults, the first is %v", len(e.Violations), e.Violations[0])
}

// Validate judges each item, and the items together: one identity can't have two artifacts at once. It adds what it finds
// to the items' faults.
func (b *Batch) Validate() {
	digests := make(map[Identity]string)
	for i := range b.Items {
		item := &b.Items[i]
		if len(item.Violations) > 0 {
			continue
		}
		if item.Violations = item.Recording.Validate(); len(item.Violations) > 0 {
			continue
		}
		if b.Snapshot != nil && item.EnvironmentName != b.Snapshot.EnvironmentName {
			item.Violations = []Violation{{"environment_name", "is not that of the batch"}}
			continue
		}
		if item.Digest == "" {
			continue // it is about whatever runs there
		}
		if digest, named := digests[item.Identity()]; named && digest != item.Digest {
			item.Violations = []Violation{{"artifact_digest", "is another than the batch says before of the same environment, logical environment, deployment and kind"}}
			continue
		}
		digests[item.Identity()] = item.Digest
	}
}

// IsStale says that a snapshot is older than what it would change, and gives what is so since: something deployed was
// seen since that the recording would end, or, if nothing is deployed, the identity's newest record was ended since.
func (s *Snapshot) IsStale(r Recording, history IdentityHistory, newest *Record) (Record, bool) {
	for _, record := range history.Deployed {
		if !record.LastSeenAt.Before(s.ObservedAt) && (r.Status == Decommissioned || !r.matches(record)) {
			return record, true
		}
	}
	if len(history.Deployed) == 0 && newest != nil && !newest.UpdatedAt.Before(s.ObservedAt) {
		return *newest, true
	}
	return Record{}, false
}

// CouldReferTo says whether an item that was refused may mean the identity: by its deployment name, and by what of its
// kind and logical environment is not itself at fault. That an item could not be recorded does not mean that what it
// is about does not run.
func (i BatchItem) CouldReferTo(identity Identity) bool {
	stageAtFault := false
	for _, fault := range i.Violations {
		stageAtFault = stageAtFault || fault.Field == "logical_environment_name"
	}
	return i.DeploymentName == identity.DeploymentName &&
		(i.Kind == AnyKind || i.Kind == identity.Kind) &&
		(stageAtFault || i.LogicalEnvironmentName == identity.LogicalEnvironmentName)
}

// Omits says that a deployed record was last seen before the snapshot, which therefore would have named it.
func (s *Snapshot) Omits(deployed Record) bool {
	return deployed.LastSeenAt.Before(s.ObservedAt)
}

// Decommission ends a record that a snapshot misses.
func (s *Snapshot) Decommission(deployed Record, now time.Time) Record {
	return deployed.withStatus(Decommissioned, now)
}

// ItemField names a field of an item of a batch, in the words of the recording contract.
func ItemField(index int, field string) string {
	return fmt.Sprintf("deployments[%d].%s", index, field)
}
