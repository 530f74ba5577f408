package recording

import (
	"context"
	"errors"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/applying"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/groupcommit"
	"github.com/deployrecords/deployrecords/internal/store/idempotency"
	"github.com/deployrecords/deployrecords/internal/store/outcomes"
	"github.com/deployrecords/deployrecords/internal/store/schema"
)

const (
	// maxAlone lets a few clients record beside each other, as those of different pipelines do.
	maxAlone   = 3
	maxMembers = 64
	// maxHold is many times what a group takes that waits for nothing.
	maxHold = 100 * time.Millisecond
	// maxLockWait bounds the time for which a group waits for a lock that only one of its recordings may need.
	maxLockWait = 50 * time.Millisecond
)

// member is a request of one recording that may share a transaction with others.
type member struct {
	request
	ctx context.Context
	// isAnswered is true if result and err are the answer.
	isAnswered bool
	result     deployments.BatchResult
	err        error
	// failure is the error of a group, if the request must not get a transaction of its own after it.
	failure error
}

func newGroups(alone int, maxHold time.Duration) *groupcommit.Groups[*member] {
	return groupcommit.New(groupcommit.Options[*member]{Alone: alone, Size: maxMembers, MaxHold: maxHold, Fits: fits})
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

// errRejected is the error of a group of which the rules reject a member, and errEnded that of one with a request that has ended.
var (
	errRejected = errors.New("the rules reject a member of the group")
	errEnded    = errors.New("a request of the group has ended")
)

// recordGroup records a group in one transaction. It leaves the members that the rules reject, whose keys are known or whose
// requests have ended, and all of them if the transaction fails, to transactions of their own, whose errors are theirs alone.
// Members that may have been recorded, or that the gate rejects, get the error of the group.
func (r *Recorder) recordGroup(ctx context.Context, group []*member) {
	if len(group) == 1 {
		m := group[0]
		m.result, m.err = r.recordAlone(ctx, m.request)
		m.isAnswered = true
		return
	}
	accepted, became, err := r.recordTogether(ctx, group)
	for (errors.Is(err, errRejected) || errors.Is(err, errEnded)) && len(accepted) > 1 {
		accepted, became, err = r.recordTogether(ctx, accepted)
	}
	var overload *deployments.OverloadError
	switch {
	case err == nil:
		for _, m := range accepted {
			m.isAnswered = true
		}
		r.Outcomes.Count(len(accepted), became, nil)
	case errors.As(err, &overload):
		failAll(group, err)
	case database.IsUncertain(err):
		failAll(accepted, err)
	}
}

func failAll(group []*member, err error) {
	for _, m := range group {
		m.failure = err
	}
}

// recordTogether records members in one transaction, and returns those that it has accepted. It returns errRejected and records
// none if the rules reject one.
func (r *Recorder) recordTogether(ctx context.Context, group []*member) (accepted []*member, became *outcomes.Batch, err error) {
	err = r.write(ctx, group[0].organization, maxLockWait, func(tx *gorm.DB, organization schema.Organization) (err error) {
		became = outcomes.NewBatch()
		accepted = alive(group) // the gate may have taken long
		if accepted, err = r.claimKeys(tx, organization.ID, accepted); err != nil || len(accepted) == 0 {
			return err
		}
		all := len(accepted)
		accepted, became, err = r.recordMembers(tx, organization, accepted)
		if err == nil && len(alive(accepted)) < all {
			return errEnded
		}
		return err
	})
	return accepted, became, err
}

// alive returns the members whose requests have not ended.
func alive(group []*member) []*member {
	return slices.DeleteFunc(slices.Clone(group), func(m *member) bool { return m.ctx.Err() != nil })
}

// recordMembers sets the result of each member, as if they were one partial batch, and returns what became of them. With
// errRejected, it returns the members that the rules accept.
func (r *Recorder) recordMembers(
	tx *gorm.DB, organization schema.Organization, group []*member,
) (accepted []*member, became *outcomes.Batch, err error) {
	batch := deployments.Batch{Partial: true, AutoCreate: group[0].batch.AutoCreate}
	for _, m := range group {
		batch.Items = append(batch.Items, m.batch.Items[0])
	}
	result, became, err := applying.Run(tx, organization, batch, r.options)
	if err != nil {
		return nil, nil, err
	}
	records := make(map[deployments.IdempotencyKey]string)
	for i, m := range group {
		if len(result.Items[i].Violations) > 0 {
			continue
		}
		accepted = append(accepted, m)
		m.result = deployments.BatchResult{Items: slices.Clone(result.Items[i : i+1])}
		if m.key != nil {
			records[*m.key] = result.Items[i].Record.ID
		}
	}
	if len(accepted) < len(group) {
		return accepted, nil, errRejected
	}
	return accepted, became, idempotency.Complete(tx, organization.ID, records)
}

// claimKeys claims the keys of the members, and returns those whose keys are new.
func (r *Recorder) claimKeys(tx *gorm.DB, organizationID int64, group []*member) ([]*member, error) {
	var keys []deployments.IdempotencyKey
	for _, m := range group {
		if m.key != nil {
			keys = append(keys, *m.key)
		}
	}
	if len(keys) == 0 {
		return group, nil
	}
	now, err := r.options.Clock(tx)
	if err != nil {
		return nil, err
	}
	claimed, err := idempotency.ClaimNew(tx, organizationID, keys, r.options.Quotas.IdempotencyKeys, now)
	return slices.DeleteFunc(group, func(m *member) bool { return m.key != nil && !claimed[*m.key] }), err
}
