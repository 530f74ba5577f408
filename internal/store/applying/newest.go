package applying

import (
	"maps"

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
		_, hasRecords := w.latestCreatedAt[identity.Slot]
		if !hasRecords || len(w.deployed[identity]) > 0 && items[identity] == 1 {
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
func (w *work) readNewest() error {
	keys := w.newestKeys()
	if len(keys) == 0 {
		return nil
	}
	newest, err := w.history.Newest(keys, w.observed)
	maps.Copy(w.newestByKey, newest)
	return err
}

// newest returns the newest record of the key as the batch has left it, or nil.
func (w *work) newest(key history.Key) *deployments.Record {
	record, ok := w.newestByKey[key]
	if !ok {
		return nil
	}
	record = w.current(record)
	return &record
}

// updateNewest makes a record that the batch has written the newest of each key that it matches, unless that has a newer one.
// A record that matches a key continues to.
func (w *work) updateNewest(record deployments.Record) {
	identity := history.IdentityOf(record)
	for _, key := range []history.Key{{Identity: identity}, {Identity: identity, Digest: record.Artifact.Digest}, {Identity: identity, Changed: true}} {
		if newest, ok := w.newestByKey[key]; key.Matches(record, w.observed) && (!ok || record.NewerThan(newest)) {
			w.newestByKey[key] = record
		}
	}
}
