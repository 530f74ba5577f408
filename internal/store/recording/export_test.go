package recording

import "time"

// LetGroupsRunFor lets every recording that meets another one wait for a group, and sets the time after which the next group runs
// although one has not ended.
func (r *Recorder) LetGroupsRunFor(maxHold time.Duration) { r.groups = newGroups(1, maxHold) }

// Waiting returns how many recordings of an organization wait for their group to run.
func (r *Recorder) Waiting(organization string) int { return r.groups.Waiting(organization) }
