package httpserver_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func TestL1_L3_FiltersOverHTTP(t *testing.T) {
	onEachEngine(t, func(t *testing.T, server *testServer, store deployments.Store) {
		storetest.Load(t, store, "acme",
			storetest.Entry(1, 1, "prod eu", "api", storetest.WithStatus(deployments.Superseded), storetest.WithDigest(1), storetest.WithStage("production"), storetest.WithProject("web", "v1")),
			storetest.Entry(2, 2, "prod eu", "api", storetest.WithKind(deployments.HelmChart), storetest.WithDigest(2)),
			storetest.Entry(3, 3, "stäge", "db&x=y", storetest.WithDigest(1), storetest.WithStage("staging"), storetest.WithProject("web", "v2")),
		)
		for query, want := range map[string]string{
			"":                                      "3 2",
			"?full_history=false":                   "3 2",
			"?full_history=true":                    "3 2 1",
			"?status=SUPERSEDED":                    "",
			"?status=SUPERSEDED&full_history=true":  "1",
			"?status=DEPLOYMENT_STATUS_UNSPECIFIED": "3 2",
			"?artifact_kind=HELM_CHART":             "2",
			"?artifact_kind=CONTAINER_IMAGE":        "3",
			"?artifact_kind=ARTIFACT_KIND_UNSPECIFIED&full_history=true":                      "3 2 1",
			"?environment_name=prod+eu":                                                       "2",
			"?environment_name=prod%20eu&full_history=true":                                   "2 1",
			"?environment_name=st%C3%A4ge":                                                    "3",
			"?environment_name=st%":                                                           "400",
			"?deployment_name=db%26x%3Dy":                                                     "3",
			"?logical_environment_name=production":                                            "",
			"?logical_environment_name=production&full_history=true":                          "1",
			"?artifact_digest=" + storetest.Digest(1):                                         "3",
			"?project_name=web":                                                               "3",
			"?project_name=web&full_history=true":                                             "3 1",
			"?project_name=web&project_version_name=v1&full_history=true":                     "1",
			"?environment_name=&status=DEPLOYED&project_name=&project_version_name=":          "3 2",
			"?logical_environment_name=&artifact_digest=&deployment_name=&environment_name=x": "",
			"?environment_name=unknown":                                                       "",
		} {
			answer := server.get(query)
			got := fmt.Sprint(answer.status)
			if answer.status == http.StatusOK {
				var ids []string
				for _, r := range answer.list(t).DeploymentRecords {
					ids = append(ids, strings.TrimLeft(r.ID[:8], "0"))
				}
				got = strings.Join(ids, " ")
			}
			if got != want {
				t.Errorf("%s: got %q, want %q", query, got, want)
			}
		}
	}, withDocument(t))
}

func TestL7_PagesOverHTTP(t *testing.T) {
	onEachEngine(t, func(t *testing.T, server *testServer, store deployments.Store) {
		var entries []deployments.ImportEntry
		for i := range 205 {
			entries = append(entries, storetest.Entry(i+1, i, "eu", fmt.Sprint("slot", i)))
		}
		storetest.Load(t, store, "acme", entries...)
		for query, want := range map[string]string{
			"": "page 0 of 3, 100 a page, 205 in all, 100 here",
			"?pagination.page=0&pagination.page_size=0":                 "page 0 of 3, 100 a page, 205 in all, 100 here",
			"?pagination.page=2":                                        "page 2 of 3, 100 a page, 205 in all, 5 here",
			"?pagination.page=3":                                        "page 3 of 3, 100 a page, 205 in all, 0 here",
			"?pagination.page_size=101":                                 "page 0 of 3, 100 a page, 205 in all, 100 here",
			"?pagination.page_size=2147483647":                          "page 0 of 3, 100 a page, 205 in all, 100 here",
			"?pagination.page_size=20&pagination.page=10":               "page 10 of 11, 20 a page, 205 in all, 5 here",
			"?pagination.page=2147483647":                               "page 2147483647 of 3, 100 a page, 205 in all, 0 here",
			"?pagination.page=2147483647&pagination.page_size=1":        "page 2147483647 of 205, 1 a page, 205 in all, 0 here",
			"?environment_name=none&pagination.page=7":                  "page 7 of 0, 100 a page, 0 in all, 0 here",
			"?pagination.page_size=5&deployment_name=slot7":             "page 0 of 1, 5 a page, 1 in all, 1 here",
			"?pagination.page=1&pagination.page_size=5&status=DEPLOYED": "page 1 of 41, 5 a page, 205 in all, 5 here",
		} {
			l := server.get(query).list(t)
			p := l.Pagination
			if got := fmt.Sprintf("page %d of %d, %d a page, %d in all, %d here", p.Page, p.TotalPages, p.PageSize, p.TotalCount, len(l.DeploymentRecords)); got != want {
				t.Errorf("%s: got %s, want %s", query, got, want)
			}
		}
	})
}

func TestL7_DefaultAndMaximumPageSizeAreSettings(t *testing.T) {
	server, _ := onSQLite(t, func(o *options) { o.Paging.DefaultSize, o.Paging.MaxSize = 7, 50 })
	for query, want := range map[string]int{"": 7, "?pagination.page_size=50": 50, "?pagination.page_size=51": 50, "?pagination.page_size=1": 1} {
		if got := server.get(query).list(t).Pagination.PageSize; got != want {
			t.Errorf("%q: page_size %d, want %d", query, got, want)
		}
	}
}

func TestL8_AOneBasedServerNumbersPagesFromOne(t *testing.T) {
	server, store := onSQLite(t, func(o *options) { o.Paging.FirstPage = 1 })
	storetest.Load(t, store, "acme", storetest.Entry(1, 1, "eu", "a"), storetest.Entry(2, 2, "eu", "b"), storetest.Entry(3, 3, "eu", "c"))
	for query, want := range map[string]string{
		"?pagination.page_size=2":                              "1: 2",
		"?pagination.page_size=2&pagination.page=0":            "1: 2",
		"?pagination.page_size=2&pagination.page=1":            "1: 2",
		"?pagination.page_size=2&pagination.page=2":            "2: 1",
		"?pagination.page_size=2&pagination.page=3":            "3: 0",
		"?pagination.page_size=2&pagination.page=2147483647":   "2147483647: 0",
		"?pagination.page_size=100&pagination.page=2147483647": "2147483647: 0",
	} {
		l := server.get(query).list(t)
		if got := fmt.Sprintf("%d: %d", l.Pagination.Page, len(l.DeploymentRecords)); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
}

func TestR1_TheResponseByteForByte(t *testing.T) {
	onEachEngine(t, func(t *testing.T, server *testServer, store deployments.Store) {
		const empty = `{"deployment_records":[],"pagination":{"page":0,"page_size":100,"total_count":0,"total_pages":0}}` + "\n"
		if got := string(server.get("").body); got != empty {
			t.Errorf("got %s", got)
		}
		bare := storetest.Entry(2, 2, "eu", "web", storetest.WithIDs("acme"))
		bare.Record.Artifact.Name, bare.Record.Artifact.Version = "", ""
		bare.Record.ArtifactID = "cccccccc-0000-4000-8000-00000000000c"
		full := storetest.Entry(1, 1, "<eu> & \"us\" \u2028", "api", storetest.WithStage("production"), storetest.WithKind(deployments.HelmChart))
		full.Record.EnvironmentID = "aaaaaaaa-0000-4000-8000-00000000000a"
		full.Record.LogicalEnvironmentID = "bbbbbbbb-0000-4000-8000-00000000000b"
		full.Record.ArtifactID = "dddddddd-0000-4000-8000-00000000000d"
		full.Record.UpdatedAt = full.Record.UpdatedAt.Add(123456000)
		storetest.Load(t, store, "acme", bare, full)
		want := `{"deployment_records":[` +
			`{"artifact":{"digest":"` + storetest.Digest(1) + `","kind":"CONTAINER_IMAGE","name":"","version":""},"artifact_id":"cccccccc-0000-4000-8000-00000000000c",` +
			`"created_at":"2026-03-01T12:02:00Z","deployment_name":"web","environment_id":"` + bare.Record.EnvironmentID + `","environment_name":"eu",` +
			`"id":"00000002-0000-4000-8000-000000000000","last_seen_at":"2026-03-01T12:02:00Z","status":"DEPLOYED","updated_at":"2026-03-01T12:02:00Z"},` +
			`{"artifact":{"digest":"` + storetest.Digest(1) + `","kind":"HELM_CHART","name":"registry.test/api","version":"1.0.0"},"artifact_id":"dddddddd-0000-4000-8000-00000000000d",` +
			`"created_at":"2026-03-01T12:01:00Z","deployment_name":"api","environment_id":"aaaaaaaa-0000-4000-8000-00000000000a","environment_name":"\u003ceu\u003e \u0026 \"us\" \u2028",` +
			`"id":"00000001-0000-4000-8000-000000000000","last_seen_at":"2026-03-01T12:01:00Z","logical_environment_id":"bbbbbbbb-0000-4000-8000-00000000000b",` +
			`"logical_environment_name":"production","status":"DEPLOYED","updated_at":"2026-03-01T12:01:00.123456Z"}],` +
			`"pagination":{"page":0,"page_size":100,"total_count":2,"total_pages":1}}` + "\n"
		if got := string(server.get("").body); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}
