package milestones

import (
	"slices"

	"github.com/deployrecords/deployrecords/internal/store/counts"
)

// Adjust splits the ranges that have become long, and joins those that have become short, of those that were last read. Without
// joining, a list whose records leave it, as those that are DEPLOYED do, would have milestones for all that it ever had.
func (b *Builder) Adjust() error {
	for fine := range b.stored {
		if fine.Coarse {
			continue
		}
		coarse := counts.Sequence{Key: fine.Key, Coarse: true}
		for _, adjust := range []func() error{
			func() error { return b.join(coarse, coarseness*b.interval, nil) },
			func() error { return b.join(fine, b.interval, b.stored[coarse]) },
			func() error { return b.split(fine, b.interval, b.buildRange) },
			func() error { return b.split(coarse, coarseness*b.interval, b.coarsenRange) },
		} {
			if err := adjust(); err != nil {
				return err
			}
		}
	}
	return nil
}

// split splits ranges of more than two intervals, into what build returns.
func (b *Builder) split(
	sequence counts.Sequence, interval int64, build func(key counts.Key, from, to counts.Position, interval int64) (counts.Milestones, error),
) error {
	milestones := b.stored[sequence]
	for i, milestone := range slices.Backward(milestones) {
		if milestone.N <= 2*interval {
			continue
		}
		built, err := build(sequence.Key, milestone.Position, milestones.End(i), interval)
		if err != nil {
			return err
		}
		if err := b.save(map[counts.Sequence]counts.Milestones{sequence: built}); err != nil {
			return err
		}
		milestones = slices.Replace(milestones, i, i+1, built...)
	}
	b.stored[sequence] = milestones
	return nil
}

// join joins ranges as joinRanges does.
func (b *Builder) join(sequence counts.Sequence, interval int64, keep counts.Milestones) error {
	joined, changed, removed := joinRanges(b.stored[sequence], interval, keep)
	b.stored[sequence] = joined
	if err := counts.DeleteMilestones(b.tx, b.organizationID, sequence, removed); err != nil {
		return err
	}
	return b.save(map[counts.Sequence]counts.Milestones{sequence: changed})
}

// coarsenRange returns coarse milestones of a part of a list by the fine ones.
func (b *Builder) coarsenRange(key counts.Key, from, to counts.Position, interval int64) (counts.Milestones, error) {
	fine, err := counts.ReadFineMilestones(b.tx, b.organizationID, key, from, to)
	coarse, _, _ := joinRanges(fine, interval, nil)
	return coarse, err
}

// joinRanges joins neighbouring ranges that have at most an interval of records together, unless one of the milestones to keep lies
// between them. It returns the milestones of all ranges, those of them whose range is longer than before, and those between the ranges
// that it joined.
func joinRanges(ranges counts.Milestones, interval int64, keep counts.Milestones) (joined, changed, removed counts.Milestones) {
	grown := false
	for _, milestone := range ranges {
		last := len(joined) - 1
		if last >= 0 && joined[last].N+milestone.N <= interval && !keep.Has(milestone.Position) {
			joined[last].N += milestone.N
			removed, grown = append(removed, milestone), true
			continue
		}
		if grown {
			changed = append(changed, joined[last])
		}
		joined, grown = append(joined, milestone), false
	}
	if grown {
		changed = append(changed, joined[len(joined)-1])
	}
	return joined, changed, removed
}
