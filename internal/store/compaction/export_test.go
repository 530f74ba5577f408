package compaction

import "time"

// SetBatchSize sets the number of deltas that one transaction compacts.
func (c *Compactor) SetBatchSize(n int) { c.batchSize = n }

// SetLockPatience sets the time after which a missed lock is an error.
func (c *Compactor) SetLockPatience(d time.Duration) { c.locks.patience = d }
