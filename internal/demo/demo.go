// Package demo generates the deployment history of a company, for trying and for benchmarking the server. It follows the
// rules of recording: W1 and W2 (another artifact supersedes), W3 (the same artifact is only seen again), W4
// (decommissioning) and W6 (created_at grows within a slot).
//
// The same options generate the same bytes on every machine: one seeded PCG is the only source of randomness, and there is
// no floating point, whose last digit may differ between processors.
package demo

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/importer"
)

// Options describe a history.
type Options struct {
	// Records is the exact number of records, at most a billion. The company grows with it, from 7 environments and
	// about 60 slots to 200 environments and about 20,000 slots at a million records. Ten million records have about
	// 400,000 artifacts.
	Records int
	// Slots is the approximate number of slots, from 60 to 20,000, or 0 to derive it from Records. With Slots, all
	// histories of a seed have the same environments, components and time span, so that a benchmark can compare
	// lengths. Some slots get their first record late.
	Slots int
	// Seed selects the history.
	Seed uint64
	// End is the end of the history. It starts half a year earlier, or three years earlier with at least 100,000 records
	// or with Slots.
	End time.Time
}

// Approximate sizes of the smallest and the biggest company.
const (
	minSlots = 60
	maxSlots = 20_000
)

// Generate writes the history to w as lines that importer.Entries reads. It writes a record once it is final: the lines
// are in the order in which records were superseded or decommissioned, followed by the deployed records in the order of
// their creation. Memory depends on the number of slots, not of records.
//
// Generate returns the errors of w, and an error for invalid options.
func Generate(w io.Writer, o Options) error {
	if o.Records < 0 || o.Records > 1_000_000_000 {
		return fmt.Errorf("a history of %d records can't be generated", o.Records)
	}
	if o.Slots != 0 && (o.Slots < minSlots || o.Slots > maxSlots) {
		return fmt.Errorf("a company of %d slots can't be generated", o.Slots)
	}
	if year := o.End.Year(); year < 1000 || year > 9000 {
		return errors.New("a history must end between the years 1000 and 9000")
	}
	out := bufio.NewWriterSize(w, 1<<16)
	h := newHistory(out, o)
	for i := 0; i < o.Records && h.err == nil; i++ {
		h.addRecord(i)
	}
	h.finish()
	if h.err != nil {
		return h.err
	}
	return out.Flush()
}

// history is a running simulation. Its times are in working time (see calendar).
type history struct {
	out      io.Writer
	line     []byte
	err      error // the first
	random   *rand.Rand
	calendar calendar
	// interval is the mean time between two records.
	interval int64
	// speedup divides the duration of rollouts. Without it, in a history of millions of records, each release would
	// overtake the one before on its way to production, and most artifacts would run in one environment only.
	speedup int64
	// now is the time of the last event. It only grows, as W6 requires.
	now     int64
	company *company
	queue   rollouts
}

func newHistory(out io.Writer, o Options) *history {
	random := rand.New(rand.NewPCG(o.Seed, 0))
	weeks := 26
	if o.Records >= 100_000 || o.Slots != 0 {
		weeks = 156
	}
	calendar := calendarBefore(o.End, weeks)
	return &history{
		out:      out,
		random:   random,
		calendar: calendar,
		interval: calendar.until(o.End) / int64(o.Records+1),
		speedup:  max(1, int64(o.Records)/250_000),
		company:  newCompany(random, o),
	}
}

// addRecord advances time until it has added the record with the number, from 0. It carries out due rollouts, and creates
// a release if there are none.
func (h *history) addRecord(number int) {
	until := 1 + int64(number)*h.interval + h.random.Int64N(h.interval)
	for {
		p, ok := h.queue.next(until)
		if !ok {
			h.release(until)
			continue
		}
		if h.deploy(p) {
			break
		}
	}
	if h.chance(50) {
		h.confirm()
	}
	if h.random.IntN(1000) < 15 {
		h.decommission()
	}
}

// chance returns true with a probability in percent.
func (h *history) chance(percent int) bool { return h.random.IntN(100) < percent }

// randomSpan returns a random duration, divided by the speedup.
func (h *history) randomSpan(least, most time.Duration) int64 {
	return (least.Microseconds() + h.random.Int64N((most - least).Microseconds())) / h.speedup
}

// unplannedTime advances now to the time of an unplanned event. The steps are short enough that time does not run ahead of
// the number of records.
func (h *history) unplannedTime() int64 {
	h.now += 1 + h.random.Int64N(min(h.interval/8, (90*time.Second).Microseconds())+1)
	return h.now
}

// finish writes the deployed records in the order of their creation, so that a database stores the latest ones next to each
// other, as it does if they are recorded one by one.
func (h *history) finish() {
	var running []*target
	for i := range h.company.targets {
		if p := &h.company.targets[i]; p.running {
			running = append(running, p)
		}
	}
	slices.SortStableFunc(running, func(a, b *target) int { return cmp.Compare(a.created, b.created) })
	for _, p := range running {
		h.write(p, deployments.Deployed)
	}
}

// write writes the target's record with its final status.
func (h *history) write(p *target, status deployments.Status) {
	if h.err != nil {
		return
	}
	entry := h.company.entry(p)
	entry.Record.Status = status
	entry.Record.CreatedAt = h.calendar.at(p.created)
	entry.Record.UpdatedAt = h.calendar.at(p.updated)
	entry.Record.LastSeenAt = h.calendar.at(p.lastSeen)
	if h.line, h.err = importer.AppendLine(h.line[:0], entry); h.err == nil {
		_, h.err = h.out.Write(h.line)
	}
}
