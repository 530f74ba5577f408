package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

var running = deployments.Query{History: deployments.All, Status: deployments.Deployed, Page: deployments.Page{Size: 100}}

// overviewOf returns the columns and a line for each group.
func overviewOf(t *testing.T, s deployments.Store, scope deployments.Scope, q deployments.Query, grouping deployments.Grouping) (columns, groups []string, o deployments.Overview) {
	t.Helper()
	o, err := s.Overview(t.Context(), scope, q, deployments.Columns{Grouping: grouping, Page: running.Page})
	if err != nil {
		t.Fatalf("overview %+v: %v", q, err)
	}
	for _, g := range o.Groups {
		groups = append(groups, fmt.Sprintf("%s|%s|%s %s|%s ×%d", g.DeploymentName, g.Column, g.Artifact.Kind, g.Artifact.Digest[len(g.Artifact.Digest)-1:], g.Status, g.Records))
	}
	return o.Columns, groups, o
}

func testOverviewGroupsWhatRuns(t *testing.T, open Opener) {
	s := open(t)
	Load(t, s, "acme",
		Entry(1, 1, "eu", "api", WithStage("production"), WithStatus(deployments.Superseded), WithDigest(1)),
		Entry(2, 2, "eu", "api", WithStage("production"), WithDigest(2)),
		Entry(3, 3, "us", "api", WithStage("production"), WithDigest(2)),
		Entry(4, 4, "us", "api", WithStage("production"), WithKind(deployments.HelmChart), WithDigest(3)), // the latest of its slot
		Entry(5, 5, "lab", "api", WithDigest(4)),
		Entry(6, 6, "qa", "web", WithStage("test"), WithStatus(deployments.Decommissioned), WithDigest(5)),
		Entry(7, 7, "eu", "web", WithStage("production"), WithDigest(5)),
	)
	for name, c := range map[string]struct {
		query           deployments.Query
		grouping        deployments.Grouping
		columns, groups []string
	}{
		"what runs, with a column of which nothing runs": {running, deployments.ByLogicalEnvironment, []string{"production", "test"}, []string{
			"api||CONTAINER_IMAGE 4|DEPLOYED ×1", "api|production|CONTAINER_IMAGE 2|DEPLOYED ×2", "api|production|HELM_CHART 3|DEPLOYED ×1",
			"web|production|CONTAINER_IMAGE 5|DEPLOYED ×1",
		}},
		"by environment": {running, deployments.ByEnvironment, []string{"eu", "lab", "qa", "us"}, []string{
			"api|eu|CONTAINER_IMAGE 2|DEPLOYED ×1", "api|lab|CONTAINER_IMAGE 4|DEPLOYED ×1",
			"api|us|CONTAINER_IMAGE 2|DEPLOYED ×1", "api|us|HELM_CHART 3|DEPLOYED ×1", "web|eu|CONTAINER_IMAGE 5|DEPLOYED ×1",
		}},
		"the latest of each slot": {deployments.Query{Page: running.Page}, deployments.ByEnvironment, []string{"eu", "lab", "qa", "us"}, []string{
			"api|eu|CONTAINER_IMAGE 2|DEPLOYED ×1", "api|lab|CONTAINER_IMAGE 4|DEPLOYED ×1", "api|us|HELM_CHART 3|DEPLOYED ×1",
			"web|eu|CONTAINER_IMAGE 5|DEPLOYED ×1", "web|qa|CONTAINER_IMAGE 5|DECOMMISSIONED ×1",
		}},
		"a filter that matches nothing": {deployments.Query{EnvironmentName: "x", Page: running.Page}, deployments.ByLogicalEnvironment, []string{"production", "test"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			columns, groups, _ := overviewOf(t, s, Acme, c.query, c.grouping)
			if !slices.Equal(columns, c.columns) || !slices.Equal(groups, c.groups) {
				t.Errorf("got  %q %q\nwant %q %q", columns, groups, c.columns, c.groups)
			}
		})
	}
	_, _, o := overviewOf(t, s, Acme, running, deployments.ByLogicalEnvironment)
	if got := o.Groups[1]; !got.Newest.Equal(At(3)) || o.Deployments != 2 || o.Records != 5 {
		t.Errorf("got %+v, %d deployments and %d records", got, o.Deployments, o.Records)
	}
	second := running
	second.Page = deployments.Page{Number: 1, Size: 1}
	if _, groups, o := overviewOf(t, s, Acme, second, deployments.ByEnvironment); !slices.Equal(groups, []string{"web|eu|CONTAINER_IMAGE 5|DEPLOYED ×1"}) || o.Deployments != 2 {
		t.Errorf("the second page: %q of %d", groups, o.Deployments)
	}
	second.Page.Number = 9
	if _, groups, o := overviewOf(t, s, Acme, second, deployments.ByEnvironment); len(groups) > 0 || o.Deployments != 2 {
		t.Errorf("past the end: %q of %d", groups, o.Deployments)
	}
}

func testOverviewIsBoundedInVersionsAndColumns(t *testing.T, open Opener) {
	s := open(t)
	var entries []deployments.ImportEntry
	add := func(environment, deployment string, options ...Option) {
		entries = append(entries, Entry(len(entries)+1, len(entries)+1, environment, deployment, options...))
	}
	add("deep", "api", WithDigest(0xd)) // older than the superseded ones
	for i := range 2 * deployments.MaxVersions {
		add("deep", "api", WithDigest(0x100+i), WithStatus(deployments.Superseded))
	}
	add("deep", "api", WithKind(deployments.HelmChart), WithDigest(0xc))
	for i := range 5 {
		add(fmt.Sprint("env-", i), "web", WithStatus(deployments.Decommissioned))
	}
	add("env-4", "web")
	Load(t, s, "acme", entries...)

	history := deployments.Query{History: deployments.All, DeploymentName: "api", Page: running.Page}
	_, groups, o := overviewOf(t, s, Acme, history, deployments.ByEnvironment)
	if len(groups) != deployments.MaxVersions+1 || groups[deployments.MaxVersions] != "api|deep|HELM_CHART c|DEPLOYED ×1" || o.Groups[deployments.MaxVersions].Omitted != 0 {
		t.Fatalf("a cell of a long history: %q", groups)
	}
	for i, g := range o.Groups[:deployments.MaxVersions-1] { // the newest superseded ones
		if g.Artifact.Digest != Digest(0x100+2*deployments.MaxVersions-1-i) || g.Omitted != deployments.MaxVersions+1 {
			t.Errorf("version %d is %+v", i, g)
		}
	}
	if groups[deployments.MaxVersions-1] != "api|deep|CONTAINER_IMAGE d|DEPLOYED ×1" || o.Records != int64(2*deployments.MaxVersions+2) {
		t.Errorf("the deployed version is not in %q, %d records", groups, o.Records)
	}

	for number, want := range []string{
		"[deep env-4] [api web] 3", // with matching records
		"[env-0 env-1] [api web] 0", "[env-2 env-3] [api web] 0", "[] [api web] 0",
	} {
		o, err := s.Overview(t.Context(), Acme, running, deployments.Columns{
			Grouping: deployments.ByEnvironment, Page: deployments.Page{Number: int32(number), Size: 2},
		})
		if got := fmt.Sprint(o.Columns, o.DeploymentNames, len(o.Groups)); err != nil || got != want || o.TotalColumns != 6 {
			t.Errorf("columns, page %d: got %s of %d and %v, want %s", number, got, o.TotalColumns, err, want)
		}
	}
}

func testT5_OverviewAndSearchHideOtherProjectsAndOrganizations(t *testing.T, open Opener) {
	s := open(t)
	Load(t, s, "acme",
		Entry(1, 1, "eu", "ours", WithStage("production"), WithDigest(1), WithProject("web", "1")),
		Entry(2, 2, "us", "other", WithStage("secret"), WithDigest(2), WithProject("shop", "1")),
		Entry(3, 3, "old", "once", WithStage("past"), WithStatus(deployments.Superseded), WithDigest(1), WithProject("web", "1")),
		Entry(4, 4, "old", "once", WithStage("past"), WithDigest(2)),
	)
	Load(t, s, "globex", Entry(5, 5, "globex", "globex", WithStage("globex"), WithDigest(5)))
	web := deployments.Scope{Organization: "acme", Project: "web"}
	if columns, groups, o := overviewOf(t, s, web, running, deployments.ByLogicalEnvironment); !slices.Equal(columns, []string{"production"}) || len(groups) != 1 || o.Records != 1 {
		t.Errorf("the overview of the project: %q %q", columns, groups)
	}
	for _, c := range []struct {
		scope  deployments.Scope
		prefix string
		want   string
	}{
		{Acme, "o", "{Deployments:[once other ours] Environments:[old] LogicalEnvironments:[] Artifacts:[] More:false}"},
		{Acme, "globex", "{Deployments:[] Environments:[] LogicalEnvironments:[] Artifacts:[] More:false}"},
		{web, "o", "{Deployments:[once ours] Environments:[old] LogicalEnvironments:[] Artifacts:[] More:false}"},
		{web, "us", "{Deployments:[] Environments:[] LogicalEnvironments:[] Artifacts:[] More:false}"},
		{web, "s", "{Deployments:[] Environments:[] LogicalEnvironments:[] Artifacts:[{Kind:CONTAINER_IMAGE Name:registry.test/once Version:1.0.0 Digest:" + Digest(1) +
			"} {Kind:CONTAINER_IMAGE Name:registry.test/ours Version:1.0.0 Digest:" + Digest(1) + "}] More:false}"},
		{deployments.Scope{Organization: "none"}, "o", "{Deployments:[] Environments:[] LogicalEnvironments:[] Artifacts:[] More:false}"},
	} {
		got, err := s.Search(t.Context(), c.scope, c.prefix)
		if err != nil || fmt.Sprintf("%+v", got) != c.want {
			t.Errorf("%+v %q: %v\ngot  %+v\nwant %s", c.scope, c.prefix, err, got, c.want)
		}
	}
}

func testSearchMatchesPrefixesExactly(t *testing.T, open Opener) {
	s := open(t)
	var entries []deployments.ImportEntry
	for i := range deployments.MaxMatches + 5 {
		entries = append(entries, Entry(i+1, i, "prod", fmt.Sprintf("many-%02d", i)))
	}
	for i, name := range []string{"Prod", "pr%d", "pr_d", `pr\d`, "p'd", "环境 1"} {
		entries = append(entries, Entry(100+i, 100+i, name, "web"))
	}
	Load(t, s, "acme", entries...)
	for prefix, want := range map[string][]string{
		"p": {"p'd", "pr%d", `pr\d`, "pr_d", "prod"}, "P": {"Prod"}, "pr%": {"pr%d"}, "pr_": {"pr_d"}, `pr\`: {`pr\d`}, "p'": {"p'd"}, "环": {"环境 1"}, "rod": nil, "*": nil,
	} {
		got, err := s.Search(t.Context(), Acme, prefix)
		if err != nil || !slices.Equal(got.Environments, want) {
			t.Errorf("%q: got %q and %v, want %q", prefix, got.Environments, err, want)
		}
	}
	got, err := s.Search(t.Context(), Acme, "many")
	if err != nil || len(got.Deployments) != deployments.MaxMatches || !got.More || got.Deployments[0] != "many-00" {
		t.Errorf("got %d deployments, more %v, and %v", len(got.Deployments), got.More, err)
	}
	for _, prefix := range []string{Digest(1), "sha256:00", "0000"} {
		if got, err := s.Search(t.Context(), Acme, prefix); err != nil || len(got.Artifacts) == 0 || got.Artifacts[0].Digest != Digest(1) {
			t.Errorf("%q: got %+v and %v", prefix, got.Artifacts, err)
		}
	}
}
