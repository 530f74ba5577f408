package storetest

import (
	"slices"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

func testL1_FiltersNarrowTheLatestAndNeverBringAnOlderRecordForward(t *testing.T, open Opener) {
	s := open(t)
	// In each slot the older record matches the filters and the newer one does not.
	Load(t, s, "acme",
		Entry(1, 1, "prod", "api", WithStatus(deployments.Superseded), WithDigest(1), WithStage("production"), WithProject("web", "v1")),
		Entry(2, 2, "prod", "api", WithStatus(deployments.Deployed), WithDigest(2), WithKind(deployments.HelmChart)),
		Entry(3, 3, "prod", "db", WithStatus(deployments.Deployed), WithDigest(1), WithStage("production"), WithProject("web", "v1")),
	)
	for name, c := range map[string]struct {
		query       deployments.Query
		latest, all []int
	}{
		"no filter":           {deployments.Query{}, []int{3, 2}, []int{3, 2, 1}},
		"status":              {deployments.Query{Status: deployments.Superseded}, []int{}, []int{1}},
		"digest":              {deployments.Query{ArtifactDigest: Digest(1)}, []int{3}, []int{3, 1}},
		"kind":                {deployments.Query{ArtifactKind: deployments.ContainerImage}, []int{3}, []int{3, 1}},
		"logical environment": {deployments.Query{LogicalEnvironmentName: "production"}, []int{3}, []int{3, 1}},
		"project":             {deployments.Query{ProjectName: "web"}, []int{3}, []int{3, 1}},
		"deployment name":     {deployments.Query{DeploymentName: "api"}, []int{2}, []int{2, 1}},
		"environment":         {deployments.Query{EnvironmentName: "prod"}, []int{3, 2}, []int{3, 2, 1}},
		"combined":            {deployments.Query{DeploymentName: "api", Status: deployments.Superseded}, []int{}, []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			WantIDs(t, s, Acme, c.query, c.latest...)
			c.query.History = deployments.All
			WantIDs(t, s, Acme, c.query, c.all...)
		})
	}
}

func testL2_FiltersMatchExactly(t *testing.T, open Opener) {
	names := []string{
		"Prod", "prod", "PROD", "prod ", " prod", "pr%d", "pr_d", "pr*d", `pr\d`, "p'd", `p"d`, "p?d", "p@d", "$1", "é", "e\u0301", "ı", "i", "ß", "ss", "环境", "🚀", "\ufffd",
	}
	s := open(t)
	var entries []deployments.ImportEntry
	for i, name := range names {
		entries = append(entries, Entry(i+1, i+1, name, name, WithStage(name), WithProject(name, name)))
	}
	Load(t, s, "acme", entries...)
	for i, name := range names {
		for _, history := range []deployments.History{deployments.Latest, deployments.All} {
			WantIDs(t, s, Acme, deployments.Query{History: history, EnvironmentName: name}, i+1)
			WantIDs(t, s, Acme, deployments.Query{History: history, LogicalEnvironmentName: name}, i+1)
			WantIDs(t, s, Acme, deployments.Query{History: history, DeploymentName: name}, i+1)
			WantIDs(t, s, Acme, deployments.Query{History: history, ProjectName: name}, i+1)
			WantIDs(t, s, Acme, deployments.Query{History: history, ProjectName: name, ProjectVersionName: name}, i+1)
		}
	}
	for _, wild := range []string{"%", "_", "*", "pr%", "%rod", "prod%", "."} {
		WantIDs(t, s, Acme, deployments.Query{EnvironmentName: wild})
		WantIDs(t, s, Acme, deployments.Query{DeploymentName: wild})
	}
}

func testL2_FiltersCombineWithAnd(t *testing.T, open Opener) {
	s := open(t)
	Load(t, s, "acme",
		Entry(1, 1, "eu", "api", WithStage("production")),
		Entry(2, 2, "us", "api", WithStage("production")),
		Entry(3, 3, "eu", "web", WithStage("production")),
		Entry(4, 4, "eu", "old", WithStage("staging"), WithStatus(deployments.Decommissioned)),
	)
	WantIDs(t, s, Acme, deployments.Query{EnvironmentName: "eu", LogicalEnvironmentName: "production"}, 3, 1)
	WantIDs(t, s, Acme, deployments.Query{EnvironmentName: "eu", LogicalEnvironmentName: "production", DeploymentName: "api"}, 1)
	WantIDs(t, s, Acme, deployments.Query{EnvironmentName: "eu", Status: deployments.Decommissioned, DeploymentName: "api"})
}

func testL4_ProjectFilterMatchesProjectsOfTheArtifact(t *testing.T, open Opener) {
	s := open(t)
	Load(t, s, "acme",
		Entry(1, 1, "eu", "api", WithDigest(1), WithProject("web", "v1"), WithProject("web", "v2"), WithProject("shop", "v1")),
		Entry(2, 2, "us", "api", WithDigest(1)), // the same artifact; this entry omits its projects
		Entry(3, 3, "eu", "web", WithDigest(2), WithProject("web", "v2")),
		Entry(4, 4, "eu", "job", WithDigest(3), WithProject("other", "v2")),
	)
	WantIDs(t, s, Acme, deployments.Query{ProjectName: "web"}, 3, 2, 1)
	WantIDs(t, s, Acme, deployments.Query{ProjectName: "web", ProjectVersionName: "v1"}, 2, 1)
	WantIDs(t, s, Acme, deployments.Query{ProjectName: "web", ProjectVersionName: "v2"}, 3, 2, 1)
	WantIDs(t, s, Acme, deployments.Query{ProjectName: "shop", ProjectVersionName: "v2"})
	WantIDs(t, s, Acme, deployments.Query{ProjectName: "shop", History: deployments.All}, 2, 1)
}

func testL5_UnknownNamesMatchNothing(t *testing.T, open Opener) {
	s := open(t)
	Load(t, s, "acme", Entry(1, 1, "eu", "api"))
	for _, q := range []deployments.Query{
		{EnvironmentName: "x"},
		{LogicalEnvironmentName: "x"},
		{DeploymentName: "x"},
		{ProjectName: "x"},
		{ProjectName: "x", ProjectVersionName: "y"},
		{ArtifactDigest: "x"},
		{Status: deployments.Decommissioned},
		{ArtifactKind: deployments.HelmChart},
		{EnvironmentName: "eu", DeploymentName: "x", Page: deployments.Page{Number: 3, Size: 2}},
	} {
		for _, q.History = range []deployments.History{deployments.Latest, deployments.All} {
			WantIDs(t, s, Acme, q)
			WantIDs(t, s, deployments.Scope{Organization: "nobody"}, q)
		}
	}
	if got := Ask(t, s, Acme, deployments.Query{EnvironmentName: "x"}); got.Records == nil {
		t.Error("the records of an empty answer are nil")
	}
}

func testR1_RecordsHaveAllFields(t *testing.T, open Opener) {
	s := open(t)
	full := Entry(1, 1, "eu", "api", WithStage("production"), WithKind(deployments.HelmChart), WithStatus(deployments.Superseded), WithIDs("acme"))
	bare := Entry(2, 2, "eu", "web", WithIDs("acme"))
	bare.Record.Artifact.Name, bare.Record.Artifact.Version = "", ""
	bare.Record.ArtifactID = NameID("acme", "artifact", "bare")
	Load(t, s, "acme", full, bare)
	for _, history := range []deployments.History{deployments.Latest, deployments.All} {
		got := Ask(t, s, Acme, deployments.Query{History: history}).Records
		if want := []deployments.Record{bare.Record, full.Record}; !slices.Equal(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}

func testT5_ProjectOfTheScopeAddsToTheFilters(t *testing.T, open Opener) {
	s := open(t)
	Load(t, s, "acme",
		Entry(1, 1, "eu", "both", WithDigest(1), WithProject("web", "v1"), WithProject("shop", "v1")),
		Entry(2, 2, "eu", "web", WithDigest(2), WithProject("web", "v1")),
		Entry(3, 3, "eu", "shop", WithDigest(3), WithProject("shop", "v1")),
		Entry(4, 4, "eu", "none", WithDigest(4)),
		Entry(5, 5, "eu", "web", WithDigest(4)), // the latest of the slot is not of the project: an older one stays hidden
	)
	web := deployments.Scope{Organization: "acme", Project: "web"}
	WantIDs(t, s, web, deployments.Query{}, 1)
	WantIDs(t, s, web, deployments.Query{History: deployments.All}, 2, 1)
	WantIDs(t, s, web, deployments.Query{History: deployments.All, ProjectName: "shop"}, 1)
	WantIDs(t, s, web, deployments.Query{History: deployments.All, EnvironmentName: "eu", DeploymentName: "none"})
	WantIDs(t, s, deployments.Scope{Organization: "acme", Project: "unknown"}, deployments.Query{History: deployments.All})
}

func testOrganizationsAreIsolated(t *testing.T, open Opener) {
	s := open(t)
	same := []Option{WithStage("production"), WithDigest(7), WithProject("web", "v1")}
	Load(t, s, "acme", Entry(1, 1, "eu", "api", same...))
	Load(t, s, "globex", Entry(2, 2, "eu", "api", same...), Entry(3, 3, "us", "only-globex", WithStage("secret"), WithDigest(8), WithProject("hidden", "v1")))
	globex := deployments.Scope{Organization: "globex"}
	for _, history := range []deployments.History{deployments.Latest, deployments.All} {
		for _, q := range []deployments.Query{
			{EnvironmentName: "eu"},
			{LogicalEnvironmentName: "production"},
			{DeploymentName: "api"},
			{ArtifactDigest: Digest(7)},
			{ProjectName: "web"},
			{ProjectName: "web", ProjectVersionName: "v1"},
		} {
			q.History = history
			WantIDs(t, s, Acme, q, 1)
			WantIDs(t, s, globex, q, 2)
		}
		WantIDs(t, s, Acme, deployments.Query{History: history}, 1)
		WantIDs(t, s, globex, deployments.Query{History: history}, 3, 2)
		for _, q := range []deployments.Query{
			{EnvironmentName: "us"},
			{LogicalEnvironmentName: "secret"},
			{DeploymentName: "only-globex"},
			{ArtifactDigest: Digest(8)},
			{ProjectName: "hidden"},
		} {
			q.History = history
			WantIDs(t, s, Acme, q)
			WantIDs(t, s, globex, q, 3)
		}
		for _, key := range []string{"", "ACME", "acm", "acme ", "%"} {
			WantIDs(t, s, deployments.Scope{Organization: key}, deployments.Query{History: history})
		}
	}
}
