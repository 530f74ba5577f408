package deployments

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func minute(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }

// deployed returns a record of the identity. The letter stands for the artifact.
func deployed(letter string, n int) Record {
	return Record{
		ID: letter + fmt.Sprint(n), Status: Deployed, Artifact: Artifact{Kind: ContainerImage, Digest: letter},
		CreatedAt: minute(n), UpdatedAt: minute(n), LastSeenAt: minute(n),
	}
}

// show formats a change in a line: each record with its status, and U or S if it was updated or seen now.
func show(c Change, now time.Time) string {
	var parts []string
	for _, r := range c.Updated {
		mark := r.ID + " " + r.Status.String()
		if r.UpdatedAt.Equal(now) {
			mark += " U"
		}
		if r.LastSeenAt.Equal(now) {
			mark += " S"
		}
		parts = append(parts, mark)
	}
	if c.Add {
		parts = append(parts, "add")
	} else {
		parts = append(parts, "answer "+c.Answer.ID)
	}
	return strings.Join(parts, ", ")
}

func TestW1ToW4_ARecordingChangesItsIdentity(t *testing.T) {
	now := minute(60)
	superseded := deployed("a", 1)
	superseded.Status = Superseded
	for name, c := range map[string]struct {
		status  Status
		digest  string
		history IdentityHistory
		want    string
	}{
		"W2 the first":                           {Deployed, "a", IdentityHistory{}, "add"},
		"W2 another artifact":                    {Deployed, "b", IdentityHistory{Deployed: []Record{deployed("a", 1)}}, "a1 SUPERSEDED U, add"},
		"W1 another artifact, several deployed":  {Deployed, "c", IdentityHistory{Deployed: []Record{deployed("b", 2), deployed("a", 1)}}, "b2 SUPERSEDED U, a1 SUPERSEDED U, add"},
		"W3 the same artifact":                   {Deployed, "a", IdentityHistory{Deployed: []Record{deployed("a", 1)}}, "a1 DEPLOYED U S, answer a1"},
		"W1 W3 the same, several deployed":       {Deployed, "b", IdentityHistory{Deployed: []Record{deployed("b", 2), deployed("a", 1)}}, "a1 SUPERSEDED U, b2 DEPLOYED U S, answer b2"},
		"W1 W2 an older of several deployed":     {Deployed, "a", IdentityHistory{Deployed: []Record{deployed("b", 2), deployed("a", 1)}}, "b2 SUPERSEDED U, a1 SUPERSEDED U, add"},
		"W4 with a digest":                       {Decommissioned, "a", IdentityHistory{Deployed: []Record{deployed("a", 1)}}, "a1 DECOMMISSIONED U, answer a1"},
		"W4 without a digest":                    {Decommissioned, "", IdentityHistory{Deployed: []Record{deployed("a", 1)}}, "a1 DECOMMISSIONED U, answer a1"},
		"W4 without a digest, several deployed":  {Decommissioned, "", IdentityHistory{Deployed: []Record{deployed("b", 2), deployed("a", 1)}}, "b2 DECOMMISSIONED U, a1 DECOMMISSIONED U, answer b2"},
		"W4 another artifact is deployed":        {Decommissioned, "b", IdentityHistory{Deployed: []Record{deployed("a", 1)}}, "answer a1"},
		"W4 one of several deployed":             {Decommissioned, "a", IdentityHistory{Deployed: []Record{deployed("c", 3), deployed("b", 2), deployed("a", 1)}}, "a1 DECOMMISSIONED U, b2 SUPERSEDED U, answer a1"},
		"W1 W4 others of several deployed":       {Decommissioned, "x", IdentityHistory{Deployed: []Record{deployed("b", 2), deployed("a", 1)}}, "a1 SUPERSEDED U, answer b2"},
		"W4 nothing deployed, a record is known": {Decommissioned, "a", IdentityHistory{Newest: &superseded}, "a1 SUPERSEDED S, answer a1"},
		"W4 nothing known":                       {Decommissioned, "a", IdentityHistory{}, "add"},
		"W4 nothing known, no digest":            {Decommissioned, "", IdentityHistory{}, "artifact_digest: is missing, and no artifact of this kind was ever recorded there; with a digest, it is recorded as decommissioned"},
	} {
		r := Recording{Kind: ContainerImage, Digest: c.digest, Status: c.status}
		change, violation := r.Apply(c.history, Observation{Now: now})
		got := show(change, now)
		if violation != nil {
			got = violation.String()
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func TestW3_ARecordingFillsThePartsThatAreMissing(t *testing.T) {
	text := func(s string) *string { return &s }
	for _, c := range []struct {
		stored                Artifact
		name, version         *string
		wantName, wantVersion string
		filled                bool
	}{
		{Artifact{}, text("n"), text("1"), "n", "1", true},
		{Artifact{}, text("n"), nil, "n", "", true},
		{Artifact{}, nil, nil, "", "", false},
		{Artifact{}, text(""), text(""), "", "", false},
		{Artifact{Name: "n"}, text("n"), text("1"), "n", "1", true},
		{Artifact{Name: "n"}, nil, text("1"), "n", "1", true},
		{Artifact{Name: "n"}, text("other"), text("1"), "n", "", false},
		{Artifact{Version: "1"}, text("n"), text("2"), "", "1", false},
		{Artifact{Name: "n", Version: "1"}, text("n"), text("1"), "n", "1", false},
		{Artifact{Name: "n", Version: "1"}, text(""), nil, "n", "1", false},
	} {
		c.stored.Kind, c.stored.Digest = ContainerImage, "a"
		for _, status := range []Status{Deployed, Decommissioned} {
			running := deployed("a", 1)
			running.Artifact, running.ArtifactID = c.stored, "old"
			r := Recording{Kind: ContainerImage, Digest: "a", Name: c.name, Version: c.version, Status: status}
			change, _ := r.Apply(IdentityHistory{Deployed: []Record{running}}, Observation{Now: minute(60)})
			got := change.Answer
			if got.Artifact.Name != c.wantName || got.Artifact.Version != c.wantVersion || change.Filled != c.filled || got.ArtifactID != "old" {
				t.Errorf("%v %+v: got %+v, filled %v", status, c, got, change.Filled)
			}
			if updated := change.Updated[len(change.Updated)-1]; updated != got {
				t.Errorf("%v %+v: the update is %+v", status, c, updated)
			}
		}
	}
}

func TestTimesNeverMoveBack(t *testing.T) {
	ahead := deployed("a", 100)
	change, _ := Recording{Kind: ContainerImage, Digest: "a", Status: Deployed}.Apply(IdentityHistory{Deployed: []Record{ahead}}, Observation{Now: minute(60)})
	if got := change.Answer; !got.UpdatedAt.Equal(minute(100)) || !got.LastSeenAt.Equal(minute(100)) {
		t.Errorf("got %+v", got)
	}
}

func TestW6_ARecordIsLaterThanAllOfItsSlot(t *testing.T) {
	for _, c := range []struct{ latest, now, want time.Time }{
		{time.Time{}, minute(1), minute(1)},
		{minute(1), minute(2), minute(2)},
		{minute(2), minute(2), minute(2).Add(time.Microsecond)},
		{minute(3), minute(2), minute(3).Add(time.Microsecond)},
	} {
		if got := CreatedAt(c.latest, c.now); !got.Equal(c.want) {
			t.Errorf("latest %v, now %v: got %v", c.latest, c.now, got)
		}
	}
}

func TestARecordingReportsAllItsViolations(t *testing.T) {
	empty, long := "", strings.Repeat("ü", 257)
	good := Recording{EnvironmentName: "e", DeploymentName: "d", Kind: HelmChart, Digest: "sha256:" + strings.Repeat("0", 64), Status: Deployed, Name: &empty}
	if violations := good.Validate(); len(violations) > 0 {
		t.Errorf("a good one: %v", violations)
	}
	for want, change := range map[string]func(*Recording){
		"[environment_name: is empty]":                                          func(r *Recording) { r.EnvironmentName = "" },
		"[environment_name: has white space at an end]":                         func(r *Recording) { r.EnvironmentName = "e " },
		"[environment_name: has white space at an end]!":                        func(r *Recording) { r.EnvironmentName = "\u00a0e" },
		"[environment_name: has the format character U+FEFF at an end]":         func(r *Recording) { r.EnvironmentName = "\ufeffe" },
		"[deployment_name: has the format character U+200B at an end]":          func(r *Recording) { r.DeploymentName = "d\u200b" },
		"[logical_environment_name: has the format character U+202E at an end]": func(r *Recording) { r.LogicalEnvironmentName = "\u202e" },
		"[artifact_name: has the format character U+00AD at an end]":            func(r *Recording) { r.Name = new("n\u00ad") },
		"[artifact_version: has the format character U+E0001 at an end]":        func(r *Recording) { r.Version = new("\U000e00011") },
		"[deployment_name: has a control character]":                            func(r *Recording) { r.DeploymentName = "a\tb" },
		"[logical_environment_name: has 257 characters, more than 256]":         func(r *Recording) { r.LogicalEnvironmentName = long },
		"[kind: is missing]":                                                      func(r *Recording) { r.Kind = AnyKind },
		"[artifact_digest: is missing]":                                           func(r *Recording) { r.Digest = "" },
		"[artifact_digest: is not algorithm:hex]":                                 func(r *Recording) { r.Digest = "abc" },
		"[artifact_digest: has an algorithm other than sha256 and sha512]":        func(r *Recording) { r.Digest = "md5:00" },
		"[artifact_digest: does not have 64 lower-case hex digits after sha256:]": func(r *Recording) { r.Digest = "sha256:" + strings.Repeat("A", 64) },
		"[status: can't be recorded]":                                             func(r *Recording) { r.Status = Superseded },
		"[artifact_version: is not valid UTF-8]":                                  func(r *Recording) { r.Version = new(string); *r.Version = "\xff" },
		"[project_versions.project_version_name: is empty]":                       func(r *Recording) { r.ProjectVersions = []ProjectVersion{{"p", ""}} },
	} {
		r := good
		change(&r)
		if got := fmt.Sprint(r.Validate()); got != strings.TrimSuffix(want, "!") {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestABatchValidatesItsItemsAgainstEachOther(t *testing.T) {
	item := func(environment, digit string, status Status) BatchItem {
		r := Recording{EnvironmentName: environment, DeploymentName: "d", Kind: HelmChart, Status: status}
		if digit != "" {
			r.Digest = "sha256:" + strings.Repeat(digit, 64)
		}
		return BatchItem{Recording: r}
	}
	batch := Batch{Snapshot: &Snapshot{EnvironmentName: "e"}, Items: []BatchItem{
		item("e", "1", Deployed), item("e", "1", Deployed), item("e", "2", Deployed), item("x", "1", Deployed), {Violations: []Violation{{"kind", "is reported already"}}},
	}}
	batch.AddViolations()
	var got []string
	for _, i := range batch.Items {
		got = append(got, fmt.Sprint(i.Violations))
	}
	want := "[] [] [artifact_digest: differs from an earlier item of the same environment, logical environment, deployment and kind] [environment_name: is not that of the batch] [kind: is reported already]"
	if strings.Join(got, " ") != want {
		t.Errorf("got %s", got)
	}
}
