package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"
	"pgregory.net/rapid"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/racetest"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/store/compaction"
	"github.com/deployrecords/deployrecords/internal/store/database"
	"github.com/deployrecords/deployrecords/internal/store/milestones"
	"github.com/deployrecords/deployrecords/internal/store/schema"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// machine applies each action to a store and to the model, which must then have the same state.
type machine struct {
	store        *store.Store
	model        *storetest.Model
	organization string
	now          time.Time
	imported     int
	// parts has the parts of snapshots that were recorded, by id and number.
	parts map[string]map[int]deployments.Batch
}

func recordingOf(t *rapid.T) deployments.Recording {
	r := deployments.Recording{
		EnvironmentName:        rapid.SampledFrom([]string{"eu", "us"}).Draw(t, "environment"),
		LogicalEnvironmentName: rapid.SampledFrom([]string{"", "production"}).Draw(t, "stage"),
		DeploymentName:         rapid.SampledFrom([]string{"api", "web"}).Draw(t, "slot"),
		Kind:                   rapid.SampledFrom(kinds).Draw(t, "kind"),
		Digest:                 rapid.SampledFrom(digests).Draw(t, "digest"),
		Status:                 rapid.SampledFrom([]deployments.Status{deployments.Deployed, deployments.Deployed, deployments.Decommissioned}).Draw(t, "status"),
	}
	text := func(label string) *string {
		if rapid.Bool().Draw(t, label+"?") {
			return nil
		}
		value := rapid.SampledFrom([]string{"", "one", "two"}).Draw(t, label)
		return &value
	}
	r.Name, r.Version = text("name"), text("version")
	if r.Status == deployments.Decommissioned && rapid.Bool().Draw(t, "any digest") {
		r.Digest = ""
	}
	for range rapid.IntRange(0, 1).Draw(t, "projects") {
		r.ProjectVersions = append(r.ProjectVersions, deployments.ProjectVersion{
			ProjectName: rapid.SampledFrom(projects).Draw(t, "project"), VersionName: rapid.SampledFrom(versions).Draw(t, "version"),
		})
	}
	return r
}

// scopeOf draws the scope of a snapshot: none, or any of its parts.
func scopeOf(t *rapid.T) (scope deployments.SnapshotScope) {
	if name := rapid.SampledFrom([]string{"none", "none", "", "production"}).Draw(t, "scope's stage"); name != "none" {
		scope.LogicalEnvironmentName = &name
	}
	scope.Kinds = rapid.SampledFrom([][]deployments.Kind{nil, nil, kinds[:1], kinds[1:], kinds}).Draw(t, "scope's kinds")
	scope.DeploymentNamePrefix = rapid.SampledFrom([]string{"", "", "a", "web", "_"}).Draw(t, "scope's prefix")
	return scope
}

// moveInto changes a recording so that the scope covers it, if any of the recordings can be covered.
func moveInto(scope deployments.SnapshotScope, r *deployments.Recording) {
	if scope.LogicalEnvironmentName != nil {
		r.LogicalEnvironmentName = *scope.LogicalEnvironmentName
	}
	if len(scope.Kinds) > 0 && !slices.Contains(scope.Kinds, r.Kind) {
		r.Kind = scope.Kinds[0]
	}
	for _, name := range []string{"api", "web"} {
		if !strings.HasPrefix(r.DeploymentName, scope.DeploymentNamePrefix) {
			r.DeploymentName = name
		}
	}
}

// part draws a part of a snapshot. Most parts agree with those before them, and some repeat one.
func (m *machine) part(t *rapid.T) deployments.Batch {
	id := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "snapshot")
	number := rapid.IntRange(1, 3).Draw(t, "part")
	snapshot := deployments.Snapshot{EnvironmentName: "eu", Scope: scopeOf(t), ObservedAt: m.now}
	agrees := rapid.IntRange(0, 9).Draw(t, "differs") > 0
	for _, batch := range m.parts[id] {
		if agrees {
			snapshot = *batch.Snapshot
		}
	}
	snapshot.Part = &deployments.SnapshotPart{SnapshotID: id, Number: number}
	if rapid.Bool().Draw(t, "final") {
		snapshot.Part.Parts = rapid.IntRange(number, 3).Draw(t, "parts")
	}
	batch, repeats := m.parts[id][number]
	if !repeats || !agrees {
		batch = deployments.Batch{Partial: rapid.Bool().Draw(t, "partial")}
		for range rapid.IntRange(0, 3).Draw(t, "items") {
			r := recordingOf(t)
			r.EnvironmentName = "eu"
			if rapid.IntRange(0, 9).Draw(t, "astray") > 0 {
				moveInto(snapshot.Scope, &r)
			}
			batch.Items = append(batch.Items, deployments.BatchItem{Recording: r})
		}
	}
	batch.Snapshot = &snapshot
	if agrees {
		if m.parts[id] == nil {
			m.parts[id] = map[int]deployments.Batch{}
		}
		m.parts[id][number] = batch
	}
	return batch
}

// tick moves the clock: mostly forward, sometimes not at all, sometimes back.
func (m *machine) tick(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 1, 1000, 60_000_000, 60_000_000, -2000}).Draw(t, "µs")) * time.Microsecond)
}

// observedAt draws the zero time, or a time: mostly in the past, sometimes ahead, sometimes too far ahead.
func (m *machine) observedAt(t *rapid.T) time.Time {
	if rapid.Bool().Draw(t, "observed now") {
		return time.Time{}
	}
	return m.now.Add(time.Duration(rapid.SampledFrom([]int{0, -1, -60, -120, -600, 30, 60, 90}).Draw(t, "observed")) * time.Second)
}

// record records a batch in both.
func (m *machine) record(t *rapid.T, batch deployments.Batch) {
	m.tick(t)
	batch.AutoCreate = true
	clone := batch
	clone.Items = slices.Clone(batch.Items)
	got, err := m.store.Record(context.Background(), m.organization, batch)
	m.model.NewID = func(i int) string {
		if i < len(got.Items) {
			return got.Items[i].Record.ID
		}
		return "refused"
	}
	want, wantErr := m.model.Record(context.Background(), m.organization, clone)
	var refused *deployments.BatchError
	if (wantErr != nil) != errors.As(err, &refused) || wantErr == nil && err != nil {
		t.Fatalf("%+v: got %v, want %v", batch, err, wantErr)
	}
	if got.Decommissioned != want.Decommissioned || !slices.Equal(got.MissingParts, want.MissingParts) || len(got.Items) != len(want.Items) {
		t.Fatalf("got %+v\nwant %+v", got, want)
	}
	for i := range want.Items {
		if g, w := plainRecord(got.Items[i].Record), plainRecord(want.Items[i].Record); g != w || !slices.Equal(got.Items[i].Violations, want.Items[i].Violations) {
			t.Fatalf("item %d of %+v:\ngot  %+v %v\nwant %+v %v", i, batch, g, got.Items[i].Violations, w, want.Items[i].Violations)
		}
	}
}

// plainRecord removes the ids that the model does not have.
func plainRecord(r deployments.Record) deployments.Record {
	r.EnvironmentID, r.LogicalEnvironmentID, r.ArtifactID = "", "", ""
	return r
}

// agree compares the answers of both.
func (m *machine) agree(t *rapid.T) {
	scope := deployments.Scope{Organization: m.organization}
	queries := []deployments.Query{
		{},
		{History: deployments.All},
		{History: deployments.All, Status: deployments.Deployed},
		{History: deployments.All, EnvironmentName: "eu"},
		{History: deployments.All, DeploymentName: "api"},
		{History: deployments.All, ArtifactKind: deployments.ContainerImage},
		{Status: deployments.Decommissioned},
		{History: deployments.All, ProjectName: "web"},
		{ProjectName: "web"},
		{History: deployments.All, ProjectName: "shop", ArtifactKind: deployments.ContainerImage},
		{ProjectName: "web", ProjectVersionName: "v1"},
		{EnvironmentName: "eu", ArtifactKind: deployments.HelmChart},
		{History: deployments.All, ArtifactDigest: storetest.Digest(1), LogicalEnvironmentName: "production"},
	}
	if rapid.IntRange(0, 4).Draw(t, "limited?") == 0 {
		scope.Project = rapid.SampledFrom(projects).Draw(t, "limited to")
	}
	for _, q := range []deployments.Query{queries[1], rapid.SampledFrom(queries).Draw(t, "query")} {
		q.Page = deployments.Page{Size: 1000}
		if rapid.Bool().Draw(t, "page") {
			q.Page = deployments.Page{Number: rapid.Int32Range(0, 9).Draw(t, "number"), Size: rapid.Int32Range(1, 3).Draw(t, "size")}
		}
		want, _ := m.model.List(context.Background(), scope, q)
		got, err := m.store.List(context.Background(), scope, q)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got.Records {
			got.Records[i] = plainRecord(got.Records[i])
		}
		if got.Total != want.Total || !slices.Equal(got.Records, want.Records) {
			t.Fatalf("%+v:\ngot  %s\nwant %s", q, show(got), show(want))
		}
	}
}

func TestPropertyRecordingMatchesTheModel(t *testing.T) {
	racetest.Skip(t)
	storetest.ForEachEngine(t, func(t *testing.T, _ storetest.Engine, url string) {
		db := storetest.OpenDatabase(t, url)
		round := 0
		rapid.Check(t, func(t *rapid.T) {
			round++
			m := &machine{model: storetest.NewModel(), organization: fmt.Sprint("o", round), now: storetest.At(0), parts: map[string]map[int]deployments.Batch{}}
			s := store.New(db, store.Parts{MilestoneInterval: 2, Now: func() time.Time { return m.now }}) // short lists have milestones
			m.store = s
			m.model.Now = func() time.Time { return m.now }
			t.Repeat(map[string]func(*rapid.T){
				"": m.agree,
				"record": func(t *rapid.T) {
					m.record(t, deployments.Batch{ObservedAt: m.observedAt(t), Items: []deployments.BatchItem{{Recording: recordingOf(t)}}})
				},
				"record a batch": func(t *rapid.T) {
					batch := deployments.Batch{ObservedAt: m.observedAt(t), Partial: rapid.Bool().Draw(t, "partial")}
					for range rapid.IntRange(0, 6).Draw(t, "items") {
						batch.Items = append(batch.Items, deployments.BatchItem{Recording: recordingOf(t)})
					}
					m.record(t, batch)
				},
				"record a snapshot": func(t *rapid.T) {
					batch := deployments.Batch{Partial: rapid.Bool().Draw(t, "partial"), Snapshot: &deployments.Snapshot{
						EnvironmentName: "eu",
						Scope:           scopeOf(t),
						ObservedAt:      m.now.Add(time.Duration(rapid.SampledFrom([]int{0, 0, -1, -60, -180, 30}).Draw(t, "seconds")) * time.Second),
					}}
					for range rapid.IntRange(0, 4).Draw(t, "items") {
						r := recordingOf(t)
						if rapid.IntRange(0, 9).Draw(t, "astray") > 0 {
							r.EnvironmentName = "eu"
							moveInto(batch.Snapshot.Scope, &r)
						}
						batch.Items = append(batch.Items, deployments.BatchItem{Recording: r})
					}
					m.record(t, batch)
				},
				"record a part of a snapshot": func(t *rapid.T) {
					m.record(t, m.part(t))
				},
				"compact": func(t *rapid.T) {
					if _, err := s.Compact(context.Background()); err != nil {
						t.Fatal(err)
					}
				},
				"count artifacts": func(t *rapid.T) {
					countArtifacts(t, s, m.organization)
				},
				"rebuild milestones": func(t *rapid.T) {
					rebuildMilestones(t, db, m.organization)
				},
				"import": func(t *rapid.T) {
					var file []deployments.ImportEntry
					for range rapid.IntRange(1, 4).Draw(t, "lines") {
						m.imported++
						r := recordingOf(t)
						e := storetest.Entry(0, 0, r.EnvironmentName, r.DeploymentName, storetest.WithKind(r.Kind), storetest.WithStage(r.LogicalEnvironmentName), storetest.WithStatus(rapid.SampledFrom(statuses).Draw(t, "status")))
						e.Record.ID = storetest.NameID(m.organization, "import", fmt.Sprint(m.imported))
						e.Record.Artifact.Digest = rapid.SampledFrom(digests).Draw(t, "digest")
						e.Record.Artifact.Name, e.Record.Artifact.Version = "one", ""
						e.Record.CreatedAt = m.now.Add(time.Duration(rapid.SampledFrom([]int{-300, -60, 0, 60}).Draw(t, "seconds"))*time.Second + time.Duration(m.imported)*time.Microsecond)
						e.Record.UpdatedAt, e.Record.LastSeenAt = e.Record.CreatedAt, e.Record.CreatedAt
						e.ProjectVersions = r.ProjectVersions
						file = append(file, e)
					}
					want, _ := m.model.Import(context.Background(), m.organization, storetest.Entries(file...))
					if got, err := m.store.Import(context.Background(), m.organization, storetest.Entries(file...)); err != nil || got != want {
						t.Fatalf("got %+v, %v", got, err)
					}
				},
			})
			storetest.RequireExactCounts(t, s, db.Pool, m.organization)
		})
	})
}

// rebuildMilestones rebuilds those of an organization while deltas may be pending.
func rebuildMilestones(t *rapid.T, db *database.DB, organization string) {
	err := db.Write(context.Background(), func(tx *gorm.DB) error {
		id, err := schema.FindOrganization(tx, organization)
		if err != nil || id == 0 {
			return err
		}
		if err := compaction.Lock(tx, id); err != nil {
			return err
		}
		if err := tx.Exec("DELETE FROM list_positions WHERE organization_id = ?", id).Error; err != nil {
			return err
		}
		return milestones.NewBuilder(tx, id, 2).Build()
	})
	if err != nil {
		t.Fatal(err)
	}
}
