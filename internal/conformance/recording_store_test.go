package conformance_test

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// recordingStore records in memory in separate steps, so that a test can break one of them.
type recordingStore struct {
	*store
	now func() time.Time
	// identity changes which identities are one (W1).
	identity func(deployments.Identity) deployments.Identity
	// validate checks the items of a batch.
	validate func(*deployments.Batch)
	// apply returns the effect on an identity (W2 to W4).
	apply func(deployments.Recording, deployments.IdentityHistory, deployments.Observation) (deployments.Change, *deployments.Violation)
	// createdAt returns the time of a new record (W6).
	createdAt func(latest, now time.Time) time.Time
	// observation returns when a batch was observed (W7).
	observation func(batch deployments.Batch, now time.Time) (deployments.Observation, *deployments.Violation)
	// inherits reports whether a record's name and version are those of a recording without them.
	inherits func(deployments.Recording, deployments.Record) bool
	// keepValid reports whether the valid items of a rejected batch are kept.
	keepValid bool
	// covers reports whether a snapshot is about an identity (W8), omit what becomes of a record that it does not list.
	covers func(deployments.Snapshot, deployments.Identity) bool
	omit   func(deployments.Observation, deployments.Record) (deployments.Record, bool)
	// part changes what is known of the parts of a snapshot before a part arrives, differences compares a part with them.
	part        func(*snapshotParts, deployments.SnapshotPart)
	differences func(a, b deployments.Snapshot) []deployments.Violation
	// sameRequest compares two requests with one key.
	sameRequest func(a, b [32]byte) bool
	// failed is called with the key of a rejected request.
	failed func(m *recordingStore, key deployments.IdempotencyKey)

	parts map[string]*snapshotParts
	keys  map[string]usedKey
}

// snapshotParts are the parts of a snapshot that have arrived.
type snapshotParts struct {
	first     deployments.Snapshot
	items     map[int][]deployments.Identity
	contents  map[int][]deployments.BatchItem
	completed *int // how many records the snapshot decommissioned
}

type usedKey struct {
	request [32]byte
	id      string
}

// newRecordingStore returns an empty store without defects.
func newRecordingStore() *recordingStore {
	return &recordingStore{
		store:     newStore(nil),
		now:       func() time.Time { return time.Now().UTC().Truncate(time.Microsecond) },
		identity:  func(i deployments.Identity) deployments.Identity { return i },
		validate:  (*deployments.Batch).AddViolations,
		apply:     deployments.Recording.Apply,
		createdAt: deployments.CreatedAt,
		observation: func(b deployments.Batch, now time.Time) (deployments.Observation, *deployments.Violation) {
			return b.Observation(now)
		},
		inherits: func(r deployments.Recording, known deployments.Record) bool {
			return known.Artifact.Kind == r.Kind && known.Artifact.Digest == r.Digest
		},
		covers: func(s deployments.Snapshot, i deployments.Identity) bool {
			return s.EnvironmentName == i.EnvironmentName && s.Scope.Covers(i)
		},
		omit:        deployments.Observation.Omit,
		part:        func(*snapshotParts, deployments.SnapshotPart) {},
		differences: func(a, b deployments.Snapshot) []deployments.Violation { return a.Differences(b) },
		sameRequest: func(a, b [32]byte) bool { return a == b },
		failed:      func(*recordingStore, deployments.IdempotencyKey) {},
		parts:       make(map[string]*snapshotParts),
		keys:        make(map[string]usedKey),
	}
}

func (m *recordingStore) Record(_ context.Context, _ string, batch deployments.Batch) (deployments.BatchResult, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.record(batch)
}

func (m *recordingStore) RecordIdempotent(_ context.Context, _ string, key deployments.IdempotencyKey, batch deployments.Batch) (deployments.Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if used, ok := m.keys[key.Key]; ok {
		if !m.sameRequest(used.request, key.Request) {
			return deployments.Record{}, deployments.ErrKeyReused
		}
		return m.entries[m.index(used.id)].Record, nil
	}
	result, err := m.record(batch)
	if err != nil {
		m.failed(m, key)
		return deployments.Record{}, err
	}
	m.keys[key.Key] = usedKey{key.Request, result.Items[0].Record.ID}
	return result.Items[0].Record, nil
}

func (m *recordingStore) index(id string) int {
	return slices.IndexFunc(m.entries, func(e deployments.ImportEntry) bool { return e.Record.ID == id })
}

func (m *recordingStore) record(batch deployments.Batch) (result deployments.BatchResult, err error) {
	observed, violation := m.observation(batch, m.now())
	if violation != nil {
		return result, &deployments.BatchError{Violations: []deployments.Violation{*violation}}
	}
	before := slices.Clone(m.entries)
	m.validate(&batch)
	var violations []deployments.Violation
	for i, item := range batch.Items {
		record, refused := deployments.Record{}, item.Violations
		if len(refused) == 0 {
			record, refused = m.recordItem(item.Recording, observed)
		}
		for _, v := range refused {
			if !batch.Single {
				v.Field = deployments.ItemField(i, v.Field)
			}
			violations = append(violations, v)
		}
		result.Items = append(result.Items, deployments.ItemResult{Record: record, Violations: refused})
	}
	if len(violations) == 0 || batch.Partial {
		violations = m.addSnapshot(batch, observed, &result)
	}
	if len(violations) > 0 && !batch.Partial {
		if !m.keepValid {
			m.entries = before
		}
		return result, &deployments.BatchError{Violations: violations}
	}
	for i, item := range result.Items {
		if len(item.Violations) == 0 {
			result.Items[i].Record = m.entries[m.index(item.Record.ID)].Record
		}
	}
	return result, nil
}

// recordItem records one item.
func (m *recordingStore) recordItem(r deployments.Recording, observed deployments.Observation) (deployments.Record, []deployments.Violation) {
	var history deployments.IdentityHistory
	var newest, changed *deployments.Record
	var latest time.Time
	name, version := m.knownParts(r)
	for i := range m.entries {
		record := m.entries[i].Record
		if record.EnvironmentName == r.EnvironmentName && record.DeploymentName == r.DeploymentName && record.CreatedAt.After(latest) {
			latest = record.CreatedAt
		}
		if m.identity(identityOfRecord(record)) != m.identity(r.Identity()) {
			continue
		}
		if record.Status == deployments.Deployed {
			history.Deployed = append(history.Deployed, record)
		}
		if (r.Digest == "" || record.Artifact.Digest == r.Digest) && (newest == nil || record.NewerThan(*newest)) {
			newest = &record
		}
		if observed.PrecedesChangeOf(record) && (changed == nil || record.NewerThan(*changed)) {
			changed = &record
		}
	}
	if len(history.Deployed) == 0 {
		history.Newest, history.Changed = newest, changed
	}
	slices.SortFunc(history.Deployed, func(a, b deployments.Record) int {
		if a.NewerThan(b) {
			return -1
		}
		return 1
	})
	change, violation := m.apply(r, history, observed)
	if violation != nil {
		return deployments.Record{}, []deployments.Violation{*violation}
	}
	for _, record := range change.Updated {
		m.entries[m.index(record.ID)].Record = record
	}
	if !change.Add {
		return change.Answer, nil
	}
	at := m.createdAt(latest, observed.Time())
	added := deployments.Record{
		ID: uuid.NewString(), EnvironmentID: named(r.EnvironmentName), EnvironmentName: r.EnvironmentName,
		DeploymentName: r.DeploymentName, ArtifactID: named(r.Digest, name, version), Status: r.Status,
		Artifact:  deployments.Artifact{Kind: r.Kind, Name: name, Version: version, Digest: r.Digest},
		CreatedAt: at, UpdatedAt: at, LastSeenAt: at,
	}
	if r.LogicalEnvironmentName != "" {
		added.LogicalEnvironmentID, added.LogicalEnvironmentName = named(r.LogicalEnvironmentName), r.LogicalEnvironmentName
	}
	m.entries = append(slices.Clip(m.entries), deployments.ImportEntry{Record: added})
	return added, nil
}

// named returns the id of what has some names.
func named(names ...string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "%q", names)).String()
}

func identityOfRecord(r deployments.Record) deployments.Identity {
	return deployments.Identity{EnvironmentName: r.EnvironmentName, LogicalEnvironmentName: r.LogicalEnvironmentName, DeploymentName: r.DeploymentName, Kind: r.Artifact.Kind}
}

// knownParts returns the name and version of a recording, or those of the newest record of its artifact.
func (m *recordingStore) knownParts(r deployments.Recording) (name, version string) {
	var newest deployments.Record
	for _, e := range m.entries {
		if m.inherits(r, e.Record) && e.Record.NewerThan(newest) {
			newest = e.Record
		}
	}
	name, version = newest.Artifact.Name, newest.Artifact.Version
	if r.Name != nil {
		name = *r.Name
	}
	if r.Version != nil {
		version = *r.Version
	}
	return name, version
}

// addSnapshot decommissions what a snapshot does not list, once all its parts are there.
func (m *recordingStore) addSnapshot(batch deployments.Batch, observed deployments.Observation, result *deployments.BatchResult) []deployments.Violation {
	if batch.Snapshot == nil {
		return nil
	}
	snapshot, listed := *batch.Snapshot, []deployments.Identity{}
	for _, item := range batch.Items {
		listed = append(listed, item.Identity())
	}
	if part := snapshot.Part; part != nil {
		known := m.parts[part.SnapshotID]
		if known == nil {
			known = &snapshotParts{first: snapshot, items: map[int][]deployments.Identity{}, contents: map[int][]deployments.BatchItem{}}
			m.parts[part.SnapshotID] = known
		}
		if differences := m.differences(snapshot, known.first); len(differences) > 0 {
			return differences
		}
		m.part(known, *part)
		if old, again := known.contents[part.Number]; again && !reflect.DeepEqual(old, batch.Items) {
			return []deployments.Violation{{Field: "deployments", Message: "differ from those of the same part"}}
		}
		known.items[part.Number], known.contents[part.Number] = listed, batch.Items
		if !part.IsFinal() {
			return nil
		}
		if known.completed != nil {
			result.Decommissioned = *known.completed
			return nil
		}
		for number := 1; number <= part.Parts; number++ {
			if known.items[number] == nil {
				result.MissingParts = append(result.MissingParts, number)
			}
		}
		if len(result.MissingParts) > 0 {
			return nil
		}
		known.completed = &result.Decommissioned
		listed = slices.Concat(slices.Collect(maps.Values(known.items))...)
	}
	for i, e := range m.entries {
		identity := identityOfRecord(e.Record)
		if e.Record.Status != deployments.Deployed || !m.covers(snapshot, identity) || slices.Contains(listed, identity) {
			continue
		}
		if record, ok := m.omit(observed, e.Record); ok {
			m.entries[i].Record = record
			result.Decommissioned++
		}
	}
	return nil
}
