package matrix

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

func group(column, version, digest string, records int64) deployments.Group {
	return deployments.Group{
		DeploymentName: "api", Column: column, Status: deployments.Deployed, Records: records, Newest: time.Unix(records, 0),
		Artifact: deployments.Artifact{Kind: deployments.ContainerImage, Version: version, Digest: "sha256:" + strings.Repeat(digest, 64)},
	}
}

func TestCellsAreMarkedWhereVersionsDiffer(t *testing.T) {
	chart := group("prod", "9", "c", 1)
	chart.Artifact.Kind = deployments.HelmChart
	for name, c := range map[string]struct {
		groups []deployments.Group
		want   string
	}{
		"the same everywhere":               {[]deployments.Group{group("dev", "1", "a", 1), group("prod", "1", "a", 18)}, "dev[1] prod[1]"},
		"unlike the stage before":           {[]deployments.Group{group("dev", "2", "b", 1), group("prod", "1", "a", 1)}, "dev[2] prod[1]≠dev"},
		"an empty stage between":            {[]deployments.Group{group("dev", "2", "b", 1), group("staging", "1", "a", 1), group("prod", "1", "a", 1)}, "dev[2] staging[1]≠dev prod[1]"},
		"two versions":                      {[]deployments.Group{group("prod", "2", "b", 1), group("prod", "1", "a", 1)}, "prod[2 1]mixed"},
		"one version, two digests":          {[]deployments.Group{group("prod", "1", "b", 1), group("prod", "1", "a", 1)}, "prod[1 bbbbbbbbbbbb 1 aaaaaaaaaaaa]mixed"},
		"an image and a chart":              {[]deployments.Group{group("dev", "1", "a", 1), group("prod", "1", "a", 1), chart}, "dev[1] prod[1 9]"},
		"no version":                        {[]deployments.Group{group("prod", "", "a", 1)}, "prod[aaaaaaaaaaaa]"},
		"no order of unknown names":         {[]deployments.Group{group("blue", "1", "a", 1), group("green", "2", "b", 1)}, "blue[1] green[2]"},
		"without a logical environment":     {[]deployments.Group{group("", "2", "b", 1), group("dev", "1", "a", 1)}, "dev[1] [2]"},
		"a version is no number to compare": {[]deployments.Group{group("dev", "1.10", "a", 1), group("prod", "1.9", "a", 1)}, "dev[1.10] prod[1.9]"},
	} {
		var o deployments.Overview
		for _, g := range c.groups {
			if g.Column != "" && !slices.Contains(o.Columns, g.Column) {
				o.Columns = append(o.Columns, g.Column)
			}
		}
		slices.Sort(o.Columns)
		o.Groups = c.groups
		var got []string
		for _, cell := range New(o, deployments.ByLogicalEnvironment).Rows[0].Cells {
			var labels []string
			for _, v := range cell.Versions {
				labels = append(labels, v.Label)
			}
			text := cell.Column + fmt.Sprint(labels)
			if cell.Mixed {
				text += "mixed"
			}
			if cell.Differs {
				text += "≠" + cell.Previous
			}
			got = append(got, text)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %s, want %s", name, strings.Join(got, " "), c.want)
		}
	}
}

func TestStagesAreInTheOrderOfPromotion(t *testing.T) {
	names := []string{"blue", "eu-production", "prod", "pre-prod", "QA", "staging", "Development", "dev-2", "contest"}
	sortByStage(names)
	if want := []string{"Development", "dev-2", "QA", "pre-prod", "staging", "eu-production", "prod", "blue", "contest"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}
