package storetest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// Acme is the scope of the organization that most tests use.
var Acme = deployments.Scope{Organization: "acme"}

var background = context.Background()

// Start is the time at which the histories of tests begin.
var Start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// At returns the time so many minutes after Start.
func At(minutes int) time.Time { return Start.Add(time.Duration(minutes) * time.Minute) }

// ID returns the id of a record; greater numbers have greater ids.
func ID(n int) string { return fmt.Sprintf("%08x-0000-4000-8000-000000000000", n) }

// NameID returns the id of an environment, a logical environment or an artifact by its name.
func NameID(organization, kind, name string) string {
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(organization+"\x00"+kind+"\x00"+name)).String()
}

// Digest returns a well-formed digest that n identifies.
func Digest(n int) string { return fmt.Sprintf("sha256:%064x", n) }

// Option changes an entry of Entry.
type Option func(*deployments.ImportEntry)

// Entry returns a record of the slot (environment, deployment), created so many minutes after Start: a DEPLOYED image.
func Entry(id, minutes int, environment, deployment string, options ...Option) deployments.ImportEntry {
	e := deployments.ImportEntry{Record: deployments.Record{
		ID:              ID(id),
		EnvironmentName: environment,
		DeploymentName:  deployment,
		Status:          deployments.Deployed,
		Artifact:        deployments.Artifact{Kind: deployments.ContainerImage, Name: "registry.test/" + deployment, Version: "1.0.0", Digest: Digest(1)},
		CreatedAt:       At(minutes),
		UpdatedAt:       At(minutes),
		LastSeenAt:      At(minutes),
	}}
	for _, option := range options {
		option(&e)
	}
	return e
}

// WithStatus sets the status.
func WithStatus(s deployments.Status) Option {
	return func(e *deployments.ImportEntry) { e.Record.Status = s }
}

// WithStage sets the logical environment.
func WithStage(name string) Option {
	return func(e *deployments.ImportEntry) { e.Record.LogicalEnvironmentName = name }
}

// WithDigest sets the digest of the artifact to Digest(n).
func WithDigest(n int) Option {
	return func(e *deployments.ImportEntry) { e.Record.Artifact.Digest = Digest(n) }
}

// WithKind sets the kind of the artifact.
func WithKind(k deployments.Kind) Option {
	return func(e *deployments.ImportEntry) { e.Record.Artifact.Kind = k }
}

// WithProject adds the artifact to a version of a project.
func WithProject(name, version string) Option {
	return func(e *deployments.ImportEntry) {
		e.ProjectVersions = append(e.ProjectVersions, deployments.ProjectVersion{ProjectName: name, VersionName: version})
	}
}

// WithUpdate sets updated_at to so many minutes after Start.
func WithUpdate(minutes int) Option {
	return func(e *deployments.ImportEntry) { e.Record.UpdatedAt = At(minutes) }
}

// WithIDs sets the ids that NameID returns for the names, as an export has them.
func WithIDs(organization string) Option {
	return func(e *deployments.ImportEntry) {
		r := &e.Record
		r.EnvironmentID = NameID(organization, "environment", r.EnvironmentName)
		if r.LogicalEnvironmentName != "" {
			r.LogicalEnvironmentID = NameID(organization, "logical environment", r.LogicalEnvironmentName)
		}
		r.ArtifactID = NameID(organization, "artifact", fmt.Sprint(r.Artifact))
	}
}

// Entries yields the entries with consecutive line numbers.
func Entries(entries ...deployments.ImportEntry) iter.Seq2[deployments.ImportEntry, error] {
	return func(yield func(deployments.ImportEntry, error) bool) {
		for i, e := range entries {
			e.Line = i + 1
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Load imports the entries, and fails the test if that fails.
func Load(t testing.TB, s deployments.Store, organization string, entries ...deployments.ImportEntry) deployments.ImportSummary {
	t.Helper()
	summary, err := s.Import(context.Background(), organization, Entries(entries...))
	if err != nil {
		t.Fatalf("import: %v", err)
	}
	return summary
}

// Ask lists, and fails the test if that fails. A query without a page gets the first 100 records.
func Ask(t testing.TB, s deployments.Store, scope deployments.Scope, q deployments.Query) deployments.Result {
	t.Helper()
	if q.Page.Size == 0 {
		q.Page.Size = 100
	}
	result, err := s.List(context.Background(), scope, q)
	if err != nil {
		t.Fatalf("list %+v: %v", q, err)
	}
	return result
}

// IDs returns the numbers from which ID made the ids of the records.
func IDs(records []deployments.Record) []int {
	ids := make([]int, 0, len(records))
	for _, r := range records {
		var n int
		if _, err := fmt.Sscanf(r.ID, "%08x", &n); err != nil {
			panic(err)
		}
		ids = append(ids, n)
	}
	return ids
}

// WantIDs lists, and checks the records, their order and, unless the query has a page, the total.
func WantIDs(t testing.TB, s deployments.Store, scope deployments.Scope, q deployments.Query, want ...int) {
	t.Helper()
	result := Ask(t, s, scope, q)
	if got := IDs(result.Records); !slices.Equal(got, want) {
		t.Errorf("%+v for %+v: got records %d, want %d", q, scope, got, want)
	}
	if q.Page.Size == 0 && result.Total != int64(len(want)) {
		t.Errorf("%+v for %+v: total %d, want %d", q, scope, result.Total, len(want))
	}
}

// RecordImage records an image as DEPLOYED, which may belong to projects, in the organization acme.
func RecordImage(s deployments.Store, digest int, environment, deployment string, projects ...string) error {
	name, version := "n", "1"
	r := deployments.Recording{
		EnvironmentName: environment, DeploymentName: deployment, Kind: deployments.ContainerImage,
		Digest: Digest(digest), Name: &name, Version: &version, Status: deployments.Deployed,
	}
	for _, project := range projects {
		r.ProjectVersions = append(r.ProjectVersions, deployments.ProjectVersion{ProjectName: project, VersionName: "v1"})
	}
	_, err := s.Record(background, "acme", deployments.Batch{Items: []deployments.BatchItem{{Recording: r}}, AutoCreate: true})
	return err
}
