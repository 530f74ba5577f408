package recording

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/applying"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/groupcommit"
	"github.com/deployrecords/deployrecords/internal/store/idempotency"
	"github.com/deployrecords/deployrecords/internal/store/outcomes"
)

const (
	maxMembers = 64
	// maxHold is many times what a group takes that waits for nothing.
	maxHold = 100 * time.Millisecond
	// maxLockWait bounds the time for which a group waits for a lock that only one of its recordings may need.
	maxLockWait = 50 * time.Millisecond
)

// member is a request of one recording that may share a transaction with others.
type member struct {
	request
	// isDone is true if the transaction of the group has recorded the result, or err is why that is not known.
	isDone bool
	result deployments.BatchResult
	err    error
}

func newGroups(maxHold time.Duration) *groupcommit.Groups[*member] {
	return groupcommit.New(groupcommit.Options[*member]{Size: maxMembers, MaxHold: maxHold, Fits: fits})
}

// canShare reports whether a batch may share a transaction with others: all of them have the time of the clock, and are recorded
// as one partial batch.
func canShare(batch deployments.Batch) bool {
	return batch.Single && batch.ObservedAt.IsZero() && len(batch.Items[0].Violations) == 0
}

// fits reports whether a recording may join a group: it meets none of its recordings in a key, or in a slot, where the answer of
// the first one would show what the second one has changed.
func fits(group []*member, m *member) bool {
	return !slices.ContainsFunc(group, func(other *member) bool {
		a, b := other.batch.Items[0], m.batch.Items[0]
		sameSlot := a.EnvironmentName == b.EnvironmentName && a.DeploymentName == b.DeploymentName
		sameKey := m.key != nil && other.key != nil && m.key.Subject == other.key.Subject && m.key.Key == other.key.Key
		return sameSlot || sameKey || other.batch.AutoCreate != m.batch.AutoCreate
	})
}

// recordGroup records a group in one transaction. It leaves the recordings that the rules reject, and all of them if the
// transaction fails, for transactions of their own, whose errors are theirs alone.
func (r *Recorder) recordGroup(ctx context.Context, group []*member) {
	if len(group) == 1 {
		m := group[0]
		m.result, m.err = r.recordAlone(ctx, m.request)
		m.isDone = true
		return
	}
	var became *outcomes.Batch
	err := r.write(ctx, group[0].organization, func(tx *gorm.DB, organizationID int64) (err error) {
		became, err = r.recordMembers(tx, organizationID, group)
		return err
	})
	switch {
	case err == nil:
		recorded := 0
		for _, m := range group {
			if m.isDone = len(m.result.Items[0].Violations) == 0; m.isDone {
				recorded++
			}
		}
		r.Outcomes.Count(recorded, &outcomes.Batch{Items: became.Items}, nil)
	case database.IsUncertain(err):
		for _, m := range group {
			m.isDone, m.err = true, r.db.MapError(ctx, err)
		}
		r.Outcomes.Count(len(group), nil, err)
	}
}

// recordMembers sets the result of each member of a group, and returns what became of those that the rules accept.
func (r *Recorder) recordMembers(tx *gorm.DB, organizationID int64, group []*member) (*outcomes.Batch, error) {
	if err := database.LimitLockWait(tx, maxLockWait); err != nil {
		return nil, err
	}
	batch := deployments.Batch{Partial: true, AutoCreate: group[0].batch.AutoCreate}
	var keys []deployments.IdempotencyKey
	for _, m := range group {
		batch.Items = append(batch.Items, m.batch.Items[0])
		if m.key != nil {
			keys = append(keys, *m.key)
		}
	}
	if err := r.claimNew(tx, organizationID, keys); err != nil {
		return nil, err
	}
	result, became, err := applying.Run(tx, organizationID, batch, r.options)
	if err != nil {
		return nil, err
	}
	records := make(map[deployments.IdempotencyKey]string)
	for i, m := range group {
		m.result = deployments.BatchResult{Items: result.Items[i : i+1]}
		if m.key != nil {
			records[*m.key] = result.Items[i].Record.ID
		}
	}
	return became, idempotency.Complete(tx, organizationID, records)
}

// claimNew claims keys. It fails if one of them stands for a record.
func (r *Recorder) claimNew(tx *gorm.DB, organizationID int64, keys []deployments.IdempotencyKey) error {
	if len(keys) == 0 {
		return nil
	}
	now, err := r.options.Clock(tx)
	if err != nil {
		return err
	}
	return idempotency.ClaimNew(tx, organizationID, keys, r.options.Quotas.IdempotencyKeys, now)
}
