package deployments

import (
	"fmt"
	"time"
)

// Batch is a list of recordings that one transaction records.
type Batch struct {
	Items []BatchItem
	// Partial records every valid item. Without it, one rejected item rejects the batch.
	Partial bool
	// ObservedAt is when the recordings were observed (W7), or the zero time. A snapshot has its own.
	ObservedAt time.Time
	// Snapshot, if not nil, declares the items to be everything that runs in an environment, or in the scope of the snapshot.
	Snapshot *Snapshot
	// Single marks a batch that stands for one recording: its violations are reported without an item number.
	Single bool
	// AutoCreate creates unknown names. Without it, an unknown name is a violation.
	AutoCreate bool
}

// BatchItem is a recording, and the violations for which it is rejected.
type BatchItem struct {
	Recording
	Violations []Violation
}

// BatchResult is the result of recording a batch.
type BatchResult struct {
	// Items has one result for each item, in the order of the batch.
	Items []ItemResult
	// Decommissioned counts the records that a snapshot ended because it did not name them.
	Decommissioned int
	// MissingParts has the numbers of the parts, in ascending order, for which the final part of a snapshot waits. Its
	// items are recorded, and it has ended nothing.
	MissingParts []int
}

// ItemResult is the record that an item led to, or the violations for which the item was rejected.
type ItemResult struct {
	Record     Record
	Violations []Violation
}

// BatchError rejects a batch as a whole: nothing was recorded.
type BatchError struct{ Violations []Violation }

func (e *BatchError) Error() string {
	return fmt.Sprintf("the batch has %d violations, the first is %v", len(e.Violations), e.Violations[0])
}

// AddViolations checks each item by itself and against the items before it, and adds the violations to the item. Two items
// must not name two artifacts for one identity.
func (b *Batch) AddViolations() {
	digests := make(map[Identity]string)
	for i := range b.Items {
		item := &b.Items[i]
		if len(item.Violations) > 0 {
			continue
		}
		if item.Violations = item.Recording.Validate(); len(item.Violations) > 0 {
			continue
		}
		if b.Snapshot != nil {
			if item.Violations = b.Snapshot.violations(item.Identity()); len(item.Violations) > 0 {
				continue
			}
		}
		if item.Digest == "" {
			continue // decommissions any artifact
		}
		if digest, named := digests[item.Identity()]; named && digest != item.Digest {
			item.Violations = []Violation{{"artifact_digest", "differs from an earlier item of the same environment, logical environment, deployment and kind"}}
			continue
		}
		digests[item.Identity()] = item.Digest
	}
}

// Observation returns the observation of the batch, or a violation if it is too far ahead of now (W7).
func (b *Batch) Observation(now time.Time) (Observation, *Violation) {
	if b.Snapshot != nil {
		return NewObservation(b.Snapshot.ObservedAt, now)
	}
	return NewObservation(b.ObservedAt, now)
}

// ItemField returns the path of an item's field in the recording document, as "deployments[3].kind", or that of the item
// without a field.
func ItemField(index int, field string) string {
	item := fmt.Sprintf("deployments[%d]", index)
	if field == "" {
		return item
	}
	return item + "." + field
}
