package browser

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// random returns a history of few names, so that cells have several versions.
func random(r *rand.Rand) (entries []deployments.ImportEntry) {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	for i := range 120 {
		stage := pick("", "dev", "staging", "production", "blue & <green>")
		e := storetest.Entry(i+1, r.IntN(4000), stage+pick("-1", "-2", "/é"), pick("api", "web", "<b>job</b>", "a&b=c d"), storetest.WithDigest(r.IntN(6)),
			storetest.WithKind([]deployments.Kind{deployments.ContainerImage, deployments.HelmChart}[r.IntN(2)]), storetest.WithStage(stage),
			storetest.WithStatus([]deployments.Status{deployments.Deployed, deployments.Deployed, deployments.Superseded, deployments.Decommissioned}[r.IntN(4)]))
		e.Record.Artifact.Version = pick("", "1.9", "1.10", "v2")
		if r.IntN(3) == 0 {
			storetest.WithProject(pick("web", "shop"), pick("v1", "v2"))(&e)
		}
		entries = append(entries, e)
	}
	return entries
}

// record has what the pages show of a record of the API.
type record struct {
	EnvironmentName        string `json:"environment_name"`
	LogicalEnvironmentName string `json:"logical_environment_name"`
	DeploymentName         string `json:"deployment_name"`
	Status                 string `json:"status"`
	ID                     string `json:"id"`
	Artifact               struct{ Kind, Name, Version, Digest string }
}

// list returns all records of a query by the API.
func (s *site) list(token string, query url.Values) (records []record) {
	s.t.Helper()
	query = maps.Clone(query)
	for page := 0; ; page++ {
		query.Set("pagination.page", fmt.Sprint(page))
		request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+"/v1/deployments?"+query.Encode(), http.NoBody)
		if err != nil {
			s.t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			s.t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		var list struct {
			DeploymentRecords []record `json:"deployment_records"`
		}
		if err != nil || response.StatusCode != http.StatusOK || json.Unmarshal(body, &list) != nil {
			s.t.Fatalf("%v: %d %s", err, response.StatusCode, body)
		}
		if len(list.DeploymentRecords) == 0 {
			return records
		}
		records = append(records, list.DeploymentRecords...)
	}
}

// cells reads the matrix of the page: "deployment|column|kind label ×n".
const cells = `[...document.querySelectorAll(".matrix tbody tr")].flatMap(row => {
  const columns = [...document.querySelectorAll(".matrix thead th")].map(th => th.querySelector("bdi")?.textContent ?? "");
  return [...row.cells].slice(1).flatMap((cell, i) => [...cell.querySelectorAll(".v")].map(v =>
    [row.cells[0].textContent, columns[i + 1], v.querySelector(".chart") ? "HELM_CHART" : "CONTAINER_IMAGE", v.querySelector("bdi").title,
     v.querySelector(".n")?.textContent ?? "×1"].join("|")));
})`

// cellsOf computes the same from the records of the API.
func cellsOf(records []record, byEnvironment bool) (want []string) {
	counts := map[string]int{}
	for _, r := range records {
		column := r.LogicalEnvironmentName
		if byEnvironment {
			column = r.EnvironmentName
		}
		counts[strings.Join([]string{r.DeploymentName, column, r.Artifact.Kind, r.Artifact.Name + " " + r.Artifact.Version + " " + r.Artifact.Digest}, "|")+"|"+r.Status]++
	}
	for key, n := range counts {
		key = key[:strings.LastIndex(key, "|")]
		want = append(want, fmt.Sprintf("%s|×%d", key, n))
	}
	slices.Sort(want)
	return want
}

func TestEveryCellIsWhatTheAPIReturns(t *testing.T) {
	t.Parallel()
	for _, scripts := range []bool{true, false} {
		datasets := 3
		if !scripts {
			datasets = 1
		}
		for range datasets {
			seed := rand.Uint64()
			t.Logf("seed %d, scripts %t", seed, scripts)
			r := rand.New(rand.NewPCG(seed, 0))
			s := newSite(t, random(r)...)
			b := s.open()
			if !scripts {
				b.withoutScripts()
			}
			bearer := token(t, "acme", "")
			b.login(bearer)
			for range 17 {
				query := url.Values{}
				maybe := func(name string, of ...string) {
					if r.IntN(4) == 0 {
						query.Set(name, of[r.IntN(len(of))])
					}
				}
				maybe("deployment_name", "api", "a&b=c d", "<b>job</b>", "none")
				maybe("environment_name", "dev-1", "production/é")
				maybe("logical_environment_name", "dev", "blue & <green>")
				maybe("artifact_kind", "CONTAINER_IMAGE", "HELM_CHART", "ARTIFACT_KIND_UNSPECIFIED")
				maybe("artifact_digest", storetest.Digest(1), storetest.Digest(2))
				maybe("project_name", "web", "shop")
				switch r.IntN(3) {
				case 0: // what runs now, by default
					query.Set("full_history", "true")
					query.Set("status", "DEPLOYED")
				case 1:
					query.Set("full_history", "false")
				default:
					query.Set("status", []string{"DEPLOYED", "SUPERSEDED", "DECOMMISSIONED"}[r.IntN(3)])
				}
				page, byEnvironment := maps.Clone(query), r.IntN(2) == 0
				if byEnvironment {
					page.Set("by", "environment")
				}
				if query.Get("status") == "DEPLOYED" && query.Get("full_history") == "true" && r.IntN(2) == 0 {
					page.Del("status")
					page.Del("full_history")
				}
				b.visit("/?" + page.Encode())
				got := eval[[]string](b, cells)
				slices.Sort(got)
				// The page shows up to four versions of a cell, which this dataset may exceed.
				want := cellsOf(s.list(bearer, query), byEnvironment)
				if hidden := eval[int](b, `[...document.querySelectorAll(".more")].reduce((n, more) => n + parseInt(more.textContent.slice(1)), 0)`); len(got)+hidden != len(want) || hidden == 0 && !slices.Equal(got, want) {
					t.Errorf("seed %d: %s:\ngot  %q, %d more\nwant %q", seed, page.Encode(), got, hidden, want)
				}
				for _, cell := range got {
					if !slices.Contains(want, cell) {
						t.Errorf("seed %d: %s: %q is not in the API's records", seed, page.Encode(), cell)
					}
				}
			}
			b.requireSlotIsHistory(bearer, "dev-1", "api")
		}
	}
}

// requireSlotIsHistory compares the page of a slot with the full history.
func (b *tab) requireSlotIsHistory(bearer, environment, deployment string) {
	b.t.Helper()
	query := url.Values{"environment_name": {environment}, "deployment_name": {deployment}}
	b.visit("/slot?" + query.Encode())
	got := eval[[]string](b, `[...document.querySelectorAll(".history tbody tr")].map(row => [row.querySelector(".status").textContent, row.querySelector("code").title].join(" "))`)
	query.Set("full_history", "true")
	var want []string
	for _, r := range b.list(bearer, query) {
		want = append(want, strings.ToLower(r.Status)+" "+r.Artifact.Digest)
	}
	if !slices.Equal(got, want) {
		b.t.Errorf("the slot: got %q, want %q", got, want)
	}
}
