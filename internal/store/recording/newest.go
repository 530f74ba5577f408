package recording

import (
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/history"
)

// newestKeys returns the keys of the records that the rules may ask for. The identity has no DEPLOYED record, or an earlier item
// of the batch may leave it none.
func (w *work) newestKeys() []history.Key {
	items := make(map[history.Identity]int)
	for _, item := range w.valid() {
		items[item.identity()]++
	}
	wanted := make(map[history.Key]bool)
	var keys []history.Key
	add := func(key history.Key) {
		if !wanted[key] {
			wanted[key] = true
			keys = append(keys, key)
		}
	}
	for _, item := range w.valid() {
		identity := item.identity()
		_, hasRecords := w.latest[identity.Slot]
		if !hasRecords || len(w.identity(identity).deployed) > 0 && items[identity] == 1 {
			continue
		}
		if item.Status == deployments.Decommissioned {
			add(history.Key{Identity: identity, Digest: item.Digest})
		}
		// A time that lies ahead of now counts as now, so no change is as late as an observation ahead of it.
		if !w.observed.At.IsZero() && !w.observed.At.After(w.observed.Now) {
			add(history.Key{Identity: identity, Changed: true})
		}
	}
	return keys
}

// readNewest reads and locks the records that newest may return.
func (w *work) readNewest() (err error) {
	if keys := w.newestKeys(); len(keys) > 0 {
		w.newestRecords, err = w.history.Newest(keys, w.observed.At)
	}
	return err
}

// newest returns the newest record of the key as the batch has left it, or nil.
func (w *work) newest(key history.Key) *deployments.Record {
	var newest *deployments.Record
	if record, ok := w.newestRecords[key]; ok {
		record = w.current(record)
		newest = &record
	}
	for _, id := range w.identity(key.Identity).written {
		record := w.records[id]
		if key.Matches(record, w.observed) && (newest == nil || record.NewerThan(*newest)) {
			newest = &record
		}
	}
	return newest
}
