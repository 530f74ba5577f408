package deployments

import (
	"fmt"
	"time"
)

// Observation is the time at which the recordings of a batch were observed (W7).
type Observation struct {
	// At is observed_at, or the zero time: the recordings are then observed as they arrive.
	At time.Time
	// Now is the database's clock (W6).
	Now time.Time
}

// NewObservation returns the observation, cut to microseconds (R2), or a violation if observed_at is too far ahead of now.
func NewObservation(at, now time.Time) (Observation, *Violation) {
	at = at.UTC().Truncate(time.Microsecond)
	if at.After(now.Add(MaxAhead)) {
		return Observation{}, &Violation{"observed_at", fmt.Sprintf("%s is more than a minute ahead of the server's clock, %s",
			at.Format(time.RFC3339Nano), now.Format(time.RFC3339Nano))}
	}
	return Observation{at, now}, nil
}

// Time returns the time at which the recordings take effect: observed_at, or now.
func (o Observation) Time() time.Time {
	if o.At.IsZero() {
		return o.Now
	}
	return o.At
}

// precedes reports whether a stored time is at or after observed_at. A stored time that lies ahead of now counts as now.
func (o Observation) precedes(stored time.Time) bool {
	if stored.After(o.Now) {
		stored = o.Now
	}
	return !o.At.IsZero() && !stored.Before(o.At)
}

// PrecedesSightOf reports whether the record was last seen at or after observed_at.
func (o Observation) PrecedesSightOf(record Record) bool { return o.precedes(record.LastSeenAt) }

// PrecedesChangeOf reports whether the record was updated or last seen at or after observed_at.
func (o Observation) PrecedesChangeOf(record Record) bool {
	return o.precedes(record.UpdatedAt) || o.precedes(record.LastSeenAt)
}

// staleAnswer returns the record that shows that the recording comes too late to change its identity, or nil. This is a
// DEPLOYED record that the recording would end and that was seen since, or history.Changed if nothing is deployed.
func (r Recording) staleAnswer(history IdentityHistory, observed Observation) *Record {
	for _, record := range history.Deployed {
		if observed.PrecedesSightOf(record) && (r.Status == Decommissioned || !r.matches(record)) {
			return &record
		}
	}
	if len(history.Deployed) == 0 {
		return history.Changed
	}
	return nil
}
