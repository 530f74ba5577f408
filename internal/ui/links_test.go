package ui

import (
	"fmt"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// The links of a cell lead to its records with the filters of the page. A slot has its whole history.
func TestLinksOfCellsKeepTheFilters(t *testing.T) {
	t.Parallel()
	s := &counting{overview: deployments.Overview{Columns: []string{"a&b"}, DeploymentNames: []string{"api=1"}}}
	for _, column := range []string{"a&b", ""} {
		for i := range maxVersions + 1 {
			s.overview.Groups = append(s.overview.Groups, deployments.Group{
				DeploymentName: "api=1", Column: column, Status: deployments.Deployed, Records: 1, Newest: time.Now(),
				Artifact: deployments.Artifact{Kind: deployments.ContainerImage, Version: fmt.Sprint(i), Digest: fmt.Sprintf("sha256:%064d", i)},
			})
		}
	}
	get := open(t, s)
	link := regexp.MustCompile(`<a (?:class="more" )?href="([^"]*)"`)
	for query, want := range map[string][]string{
		"?artifact_kind=HELM_CHART&logical_environment_name=x&pagination.page=3": {
			"/records?artifact_kind=HELM_CHART&full_history=true&deployment_name=api%3D1&logical_environment_name=a%26b",
			"/records?artifact_kind=HELM_CHART&full_history=true&status=DEPLOYED&deployment_name=api%3D1&logical_environment_name=a%26b",
			"/?artifact_kind=HELM_CHART&by=environment&full_history=true&status=DEPLOYED&deployment_name=api%3D1",
			"/records?artifact_kind=HELM_CHART&full_history=true&status=DEPLOYED&deployment_name=api%3D1",
		},
		"?by=environment&full_history=false&deployment_name=y": {
			"/slot?deployment_name=api%3D1&environment_name=a%26b",
			"/records?full_history=false&deployment_name=api%3D1&environment_name=a%26b",
		},
	} {
		w := get("/" + query)
		_, cells, _ := strings.Cut(w.Body.String(), "<td")
		var got []string
		for _, match := range link.FindAllStringSubmatch(cells, len(want)) {
			got = append(got, html.UnescapeString(match[1]))
		}
		if w.Code != http.StatusOK || !slices.Equal(got, want) {
			t.Errorf("%s: %d\ngot  %q\nwant %q", query, w.Code, got, want)
		}
	}
}
