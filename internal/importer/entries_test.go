package importer_test

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/importer"
)

// now is the time of the imports.
var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return now }

const (
	recordID   = "00000001-0000-4000-8000-000000000000"
	otherID    = "0000000a-0000-4000-8000-00000000000b"
	goodDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// record returns a line with the required members and the changes: "name=JSON" sets or adds a member (artifact.name for
// the artifact's), "-name" removes one.
func record(changes ...string) string {
	record := []string{
		`id="` + recordID + `"`, `environment_name="prod"`, `deployment_name="api"`, "artifact=",
		`status="DEPLOYED"`, `created_at="2026-03-01T12:00:00Z"`,
	}
	artifact := []string{`kind="CONTAINER_IMAGE"`, `digest="` + goodDigest + `"`}
	for _, change := range changes {
		members := &record
		removed := strings.HasPrefix(change, "-")
		change = strings.TrimPrefix(change, "-")
		if rest, ok := strings.CutPrefix(change, "artifact."); ok {
			members, change = &artifact, rest
		}
		name, _, _ := strings.Cut(change, "=")
		i := slices.IndexFunc(*members, func(m string) bool { return strings.HasPrefix(m, name+"=") })
		switch {
		case removed:
			*members = slices.Delete(*members, i, i+1)
		case i >= 0:
			(*members)[i] = change
		default:
			*members = append(*members, change)
		}
	}
	text := object(artifact)
	if i := slices.Index(record, "artifact="); i >= 0 {
		record[i] += text
	}
	return object(record)
}

func object(members []string) string {
	var parts []string
	for _, m := range members {
		name, value, _ := strings.Cut(m, "=")
		parts = append(parts, fmt.Sprintf("%q:%s", name, value))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// read returns the entries, the violations as text, and the error that ended reading.
func read(t testing.TB, r io.Reader) (entries []deployments.ImportEntry, violations []string, broken error) {
	t.Helper()
	for entry, err := range importer.Entries(r, clock) {
		if broken != nil {
			t.Fatalf("after %v came %+v, %v", broken, entry, err)
		}
		var violation *deployments.ImportViolation
		switch {
		case err != nil && !reflect.ValueOf(entry).IsZero():
			t.Fatalf("both an entry and an error: %+v, %v", entry, err)
		case errors.As(err, &violation):
			violations = append(violations, violation.Error())
		case err != nil:
			broken = err
		default:
			entries = append(entries, entry)
		}
	}
	return entries, violations, broken
}

// readGood reads a file without violations.
func readGood(t testing.TB, text string) []deployments.ImportEntry {
	t.Helper()
	entries, violations, err := read(t, strings.NewReader(text))
	if err != nil || len(violations) > 0 {
		t.Fatalf("%q: %v, %v", text, violations, err)
	}
	return entries
}

func TestI1_ReadsEveryMember(t *testing.T) {
	text := record(
		`environment_id="0000000A-0000-4000-8000-00000000000B"`,
		`logical_environment_id="`+otherID+`"`, `logical_environment_name="production"`,
		`artifact_id="`+otherID+`"`, `artifact.name="registry.example.com/api"`, `artifact.version="1.4.2"`,
		`status="SUPERSEDED"`, `artifact.kind="HELM_CHART"`,
		`updated_at="2026-03-01T13:00:00.123456789+01:00"`, `last_seen_at="2026-04-01T12:00:00.5Z"`,
		`project_versions=[{"project_name":"web","project_version_name":"v1"}, {"project_version_name":"v2","project_name":"shop"}]`,
	)
	want := deployments.ImportEntry{
		Line: 1,
		Record: deployments.Record{
			ID: recordID, EnvironmentID: otherID, EnvironmentName: "prod",
			LogicalEnvironmentID: otherID, LogicalEnvironmentName: "production",
			DeploymentName: "api", ArtifactID: otherID,
			Artifact:   deployments.Artifact{Kind: deployments.HelmChart, Name: "registry.example.com/api", Version: "1.4.2", Digest: goodDigest},
			Status:     deployments.Superseded,
			CreatedAt:  time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
			UpdatedAt:  time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC),
			LastSeenAt: time.Date(2026, 4, 1, 12, 0, 0, 500000000, time.UTC),
		},
		ProjectVersions: []deployments.ProjectVersion{{ProjectName: "web", VersionName: "v1"}, {ProjectName: "shop", VersionName: "v2"}},
	}
	if got := readGood(t, text); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestI1_AbsentMembersAreEmptyOrCreatedAt(t *testing.T) {
	bare := readGood(t, record())[0]
	if r := bare.Record; r.EnvironmentID+r.LogicalEnvironmentID+r.LogicalEnvironmentName+r.ArtifactID+r.Artifact.Name+r.Artifact.Version != "" || bare.ProjectVersions != nil {
		t.Errorf("got %+v", bare)
	}
	if r := bare.Record; !r.UpdatedAt.Equal(r.CreatedAt) || !r.LastSeenAt.Equal(r.CreatedAt) {
		t.Errorf("times: %+v", bare)
	}
	var null, empty []string
	for _, name := range []string{
		"environment_id", "logical_environment_id", "logical_environment_name", "artifact_id", "artifact.name",
		"artifact.version", "updated_at", "last_seen_at",
	} {
		null = append(null, name+"=null")
		empty = append(empty, name+`=""`)
	}
	for _, changes := range [][]string{append(null, "project_versions=null"), append(empty, "project_versions=[]")} {
		if got := readGood(t, record(changes...))[0]; !reflect.DeepEqual(got, bare) {
			t.Errorf("%q: got %+v, want %+v", changes, got, bare)
		}
	}
}

func TestI1_LogicalEnvironmentNameNeedsNoID(t *testing.T) {
	if got := readGood(t, record(`logical_environment_name="staging"`))[0].Record; got.LogicalEnvironmentName != "staging" || got.LogicalEnvironmentID != "" {
		t.Errorf("got %+v", got)
	}
}

func TestI1_TimesAreTruncatedToMicrosecondsInUTC(t *testing.T) {
	for given, want := range map[string]string{
		"2026-03-01T12:00:00Z":                      "2026-03-01T12:00:00Z",
		"2026-03-01T12:00:00-00:00":                 "2026-03-01T12:00:00Z",
		"2026-03-01T12:00:00.000001Z":               "2026-03-01T12:00:00.000001Z",
		"2026-03-01T12:00:00.9999999Z":              "2026-03-01T12:00:00.999999Z",
		"2026-03-01T12:00:00.12345678901234567890Z": "2026-03-01T12:00:00.123456Z",
		"2026-03-01T00:30:00.5+14:00":               "2026-02-28T10:30:00.5Z",
		"2026-03-01T12:00:00-23:59":                 "2026-03-02T11:59:00Z",
		"2024-02-29T23:59:59Z":                      "2024-02-29T23:59:59Z",
		"1969-12-31T23:59:59.9999999Z":              "1969-12-31T23:59:59.999999Z",
		"0001-01-01T00:00:00Z":                      "0001-01-01T00:00:00Z",
		"0000-12-31T23:59:59-00:01":                 "0001-01-01T00:00:59Z",
		now.Add(time.Minute).Format(time.RFC3339):   "2026-11-22T12:01:00Z",
		"2026-11-22T12:01:00.0000009Z":              "2026-11-22T12:01:00Z", // a minute ahead, once cut
	} {
		r := readGood(t, record(`created_at="`+given+`"`))[0].Record
		for _, got := range []time.Time{r.CreatedAt, r.UpdatedAt, r.LastSeenAt} {
			if text := got.Format(time.RFC3339Nano); text != want || got.Location() != time.UTC {
				t.Errorf("%s: got %s, want %s", given, text, want)
			}
		}
	}
	// Before, until both are cut.
	r := readGood(t, record(`created_at="2026-03-01T12:00:00.0000019Z"`, `updated_at="2026-03-01T12:00:00.0000011Z"`))[0].Record
	if !r.UpdatedAt.Equal(r.CreatedAt) {
		t.Errorf("got %+v", r)
	}
}

func TestI1_NameLengthIsInCharacters(t *testing.T) {
	long := strings.Repeat("ß", 256)
	if got := readGood(t, record(`deployment_name="`+long+`"`))[0].Record.DeploymentName; got != long {
		t.Errorf("got %q", got)
	}
	for given, want := range map[string]string{
		`"\u0061\/\ud83d\ude80"`: "a/🚀",
		`" "`:                    " ",
		`"a\\b\"c"`:              `a\b"c`,
	} {
		if got := readGood(t, record("deployment_name="+given))[0].Record.DeploymentName; got != want {
			t.Errorf("%s: got %q", given, got)
		}
	}
	if got := readGood(t, strings.Replace(record(), `"id"`, `"\u0069d"`, 1))[0].Record.ID; got != recordID {
		t.Errorf("an escaped member name: got %q", got)
	}
}

func TestReadingStopsWithTheConsumer(t *testing.T) {
	text := strings.Repeat(record()+"\n{}\n"+strings.Repeat("x", 2<<20)+"\n", 5)
	for _, stopAt := range []int{1, 2, 3, 8, 9, 10, 11} {
		count := 0
		for range importer.Entries(strings.NewReader(text), clock) {
			if count++; count == stopAt {
				break
			}
		}
		if count != stopAt {
			t.Errorf("stopped at %d, not at %d", count, stopAt)
		}
	}
}
