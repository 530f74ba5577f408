// Package demo makes up the deployment history of a company: data to try the server with, and, at millions of
// records, to measure it with. It follows the rules of recording: W1 and W2 (another artifact supersedes), W3 (the
// same artifact again is only seen), W4 (decommissioning) and W6 (created_at grows within a slot).
//
// The same options give the same bytes on every machine: whatever is random comes from one seeded PCG, and nothing is
// computed in floating point, whose last digit may differ between processors.
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

// Options say what history to make up.
type Options struct {
	// Records is how many records the history has, exactly. The company grows with it: up to some thousand records
	// it has 7 environments and about 60 slots, from a million on 200 and about 20,000. At ten million it has some
	// 400,000 artifacts. At most a billion.
	Records int
	// Slots is about how many slots the company has, from 60 to 20,000; 0 leaves it to the number of records. Where it
	// is set, histories of one seed have the same environments, components and time, whatever their length, for what
	// one costs to be compared with what ten times as much does. Some slots need long until their first record.
	Slots int
	// Seed tells one history from another.
	Seed uint64
	// End is when the history ends. It begins half a year before, or three years from 100,000 records on or where
	// Slots is set.
	End time.Time
}

// The small company has fewestSlots, the biggest mostSlots, about.
const (
	fewestSlots = 60
	mostSlots   = 20_000
)

// Generate writes the history to w as lines that importer.Entries reads. A record is written once nothing more can
// happen to it, so the lines come in the order in which records were superseded or decommissioned, and those that are
// still deployed at the end come last, in the order in which they were deployed. Memory goes by the number of slots, not
// of records.
//
// Errors: those of w, and of options that make no sense.
func Generate(w io.Writer, o Options) error {
	if o.Records < 0 || o.Records > 1_000_000_000 {
		return fmt.Errorf("a history of %d records can't be made", o.Records)
	}
	if o.Slots != 0 && (o.Slots < fewestSlots || o.Slots > mostSlots) {
		return fmt.Errorf("a company of %d slots can't be made", o.Slots)
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

// history is the simulation under way. Its time is working time (see calendar).
type history struct {
	out      io.Writer
	line     []byte
	err      error // the first
	random   *rand.Rand
	calendar calendar
	// step is the mean time between two records.
	step int64
	// pace is how much faster releases are rolled out than in a small company. Without it, a history of millions of
	// records would have a new release overtake the last before that reached production, and most artifacts would
	// be deployed in one place only.
	pace int64
	// now is the time of the last thing that happened. It only grows, which keeps W6.
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
		step:     calendar.until(o.End) / int64(o.Records+1),
		pace:     max(1, int64(o.Records)/250_000),
		company:  newCompany(random, o),
	}
}

// addRecord lets time pass until the record of this number, from 0, has been added. Rollouts that are due come first;
// when none is, somebody releases something.
func (h *history) addRecord(number int) {
	until := 1 + int64(number)*h.step + h.random.Int64N(h.step)
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
		h.seeAgain()
	}
	if h.random.IntN(1000) < 15 {
		h.decommission()
	}
}

// chance is true in so many percent of cases.
func (h *history) chance(percent int) bool { return h.random.IntN(100) < percent }

// between is a random span of time, as a small company takes it. The others are faster by their pace.
func (h *history) between(least, most time.Duration) int64 {
	return (least.Microseconds() + h.random.Int64N((most - least).Microseconds())) / h.pace
}

// moment is a time soon after now, for what happens unplanned. It is never so late that time could run ahead of
// the number of records.
func (h *history) moment() int64 {
	h.now += 1 + h.random.Int64N(min(h.step/8, (90*time.Second).Microseconds())+1)
	return h.now
}

// finish writes what is still deployed, in the order in which it was deployed: what was deployed last comes to lie side by
// side in a database, as it does where it was recorded one by one.
func (h *history) finish() {
	var running []*place
	for i := range h.company.places {
		if p := &h.company.places[i]; p.running {
			running = append(running, p)
		}
	}
	slices.SortStableFunc(running, func(a, b *place) int { return cmp.Compare(a.created, b.created) })
	for _, p := range running {
		h.write(p, deployments.Deployed)
	}
}

// write writes the place's record as it ended.
func (h *history) write(p *place, status deployments.Status) {
	if h.err != nil {
		return
	}
	entry := h.company.entry(p)
	entry.Record.Status = status
	entry.Record.CreatedAt = h.calendar.at(p.created)
	entry.Record.UpdatedAt = h.calendar.at(p.updated)
	entry.Record.LastSeenAt = h.calendar.at(p.seen)
	if h.line, h.err = importer.AppendLine(h.line[:0], entry); h.err == nil {
		_, h.err = h.out.Write(h.line)
	}
}
