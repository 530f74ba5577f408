package recording

import "time"

// LetGroupsRunFor sets the time after which the next group of recordings runs although one has not ended.
func (r *Recorder) LetGroupsRunFor(maxHold time.Duration) { r.groups = newGroups(maxHold) }

// Waiting returns how many recordings of an organization wait for their group to run.
func (r *Recorder) Waiting(organization string) int { return r.groups.Waiting(organization) }
