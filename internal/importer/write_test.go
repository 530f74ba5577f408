package importer_test

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/importer"
)

func TestI5_AWrittenLineIsTheRecordOfTheAPI(t *testing.T) {
	entry := deployments.ImportEntry{Record: deployments.Record{
		ID: recordID, EnvironmentID: otherID, EnvironmentName: "prod", DeploymentName: "a\"b<é\u2028",
		ArtifactID: otherID, Artifact: deployments.Artifact{Kind: deployments.HelmChart, Digest: goodDigest},
		Status:    deployments.Decommissioned,
		CreatedAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), UpdatedAt: time.Date(2026, 3, 1, 12, 0, 0, 120000, time.UTC), LastSeenAt: time.Date(2026, 3, 1, 12, 0, 1, 0, time.UTC),
	}}
	want := `{"id":"` + recordID + `","environment_id":"` + otherID + `","environment_name":"prod","deployment_name":"a\"b<é` + "\u2028" + `",` +
		`"artifact_id":"` + otherID + `","artifact":{"kind":"HELM_CHART","name":"","version":"","digest":"` + goodDigest + `"},` +
		`"status":"DECOMMISSIONED","created_at":"2026-03-01T12:00:00Z","updated_at":"2026-03-01T12:00:00.00012Z","last_seen_at":"2026-03-01T12:00:01Z"}` + "\n"
	got, err := importer.AppendLine([]byte("before"), entry)
	if err != nil || string(got) != "before"+want {
		t.Errorf("got  %s\nwant %s, %v", got, want, err)
	}

	entry.Record.LogicalEnvironmentID, entry.Record.LogicalEnvironmentName = otherID, "production"
	entry.ProjectVersions = []deployments.ProjectVersion{{ProjectName: "a", VersionName: "1"}, {ProjectName: "a", VersionName: "2"}}
	want = strings.Replace(want, `"deployment_name"`, `"logical_environment_id":"`+otherID+`","logical_environment_name":"production","deployment_name"`, 1)
	want = strings.Replace(want, "01Z\"}", `01Z","project_versions":[{"project_name":"a","project_version_name":"1"},{"project_name":"a","project_version_name":"2"}]}`, 1)
	if got, err := importer.AppendLine(nil, entry); err != nil || string(got) != want {
		t.Errorf("got  %s\nwant %s, %v", got, want, err)
	}
}

func TestAppendLineRejectsInvalidUTF8(t *testing.T) {
	var entry deployments.ImportEntry
	entry.Record.Artifact.Version = "a\xff"
	if _, err := importer.AppendLine(nil, entry); err == nil || !strings.Contains(err.Error(), "version") {
		t.Errorf("got %v", err)
	}
}

func TestI5_WrittenEntriesAreReadUnchanged(t *testing.T) {
	character := rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune{'"', '\\', '/', ' ', 0x2028, 0xfeff, 0xfffd, 0x10ffff, 'ß'})).
		Filter(func(r rune) bool { return !unicode.IsControl(r) })
	text := func(least int) *rapid.Generator[string] {
		return rapid.OneOf(rapid.StringOfN(character, least, 20, -1), rapid.StringOfN(character, 256, 256, -1)).
			Filter(func(text string) bool { return deployments.CheckText(text) == nil })
	}
	id := rapid.Custom(func(t *rapid.T) string {
		return uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")).String()
	})
	moment := func(from, to time.Time) *rapid.Generator[time.Time] {
		return rapid.Map(rapid.Int64Range(from.UnixMicro(), to.UnixMicro()), func(us int64) time.Time { return time.UnixMicro(us).UTC() })
	}
	first, last := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), now.Add(deployments.MaxAhead)
	rapid.Check(t, func(t *rapid.T) {
		r := deployments.Record{
			ID:              id.Draw(t, "id"),
			EnvironmentName: text(1).Draw(t, "environment"), DeploymentName: text(1).Draw(t, "deployment"),
			Artifact: deployments.Artifact{
				Kind: rapid.SampledFrom([]deployments.Kind{deployments.ContainerImage, deployments.HelmChart}).Draw(t, "kind"),
				Name: text(0).Draw(t, "artifact"), Version: text(0).Draw(t, "version"), Digest: goodDigest,
			},
			Status:    rapid.SampledFrom([]deployments.Status{deployments.Deployed, deployments.Decommissioned, deployments.Superseded}).Draw(t, "status"),
			CreatedAt: moment(first, now).Draw(t, "created"),
		}
		r.UpdatedAt, r.LastSeenAt = moment(r.CreatedAt, last).Draw(t, "updated"), moment(r.CreatedAt, last).Draw(t, "seen")
		if rapid.Bool().Draw(t, "exported") {
			r.EnvironmentID, r.ArtifactID = id.Draw(t, "environment id"), id.Draw(t, "artifact id")
		}
		if rapid.Bool().Draw(t, "staged") {
			r.LogicalEnvironmentID, r.LogicalEnvironmentName = id.Draw(t, "stage id"), text(1).Draw(t, "stage")
		}
		entry := deployments.ImportEntry{Record: r}
		for range rapid.IntRange(0, 3).Draw(t, "versions") {
			entry.ProjectVersions = append(entry.ProjectVersions, deployments.ProjectVersion{ProjectName: text(1).Draw(t, "project"), VersionName: text(1).Draw(t, "version")})
		}
		wantSameAgain(t, entry)
	})
}
