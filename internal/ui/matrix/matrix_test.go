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
		o.DeploymentNames, o.Groups = []string{"api"}, c.groups
		var got []string
		for _, cell := range New(o, deployments.ByLogicalEnvironment, Order{}).Rows[0].Cells {
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

// A cell takes a few times as long as a map of its versions. It takes hundreds of times as long if each is compared with every other.
func TestCellOfManyVersionsTakesLinearTime(t *testing.T) {
	o := deployments.Overview{Columns: []string{"prod"}, DeploymentNames: []string{"api"}}
	for i := range 10_000 {
		o.Groups = append(o.Groups, group("prod", fmt.Sprintf("1.0.%06d", i), fmt.Sprintf("%06d", i), 1))
	}
	arranged, mapped := time.Hour, time.Hour // the quickest of several runs
	for range 8 {
		start := time.Now()
		New(o, deployments.ByLogicalEnvironment, Order{})
		arranged = min(arranged, time.Since(start))
		start = time.Now()
		versions := map[deployments.Artifact]int{}
		for i, g := range o.Groups {
			versions[g.Artifact] = i
		}
		mapped = min(mapped, time.Since(start))
	}
	if arranged > 80*mapped {
		t.Errorf("arranging 10,000 versions takes %v, a map of them %v", arranged, mapped)
	}
}

func TestCellsThatLackVersionsAreNotCompared(t *testing.T) {
	omitting := func(column, digest string, omitted int64) deployments.Group {
		g := group(column, "1", digest, 1)
		g.Omitted = omitted
		return g
	}
	ended := omitting("prod", "b", 3)
	ended.Status = deployments.Superseded
	for name, c := range map[string]struct {
		groups []deployments.Group
		want   bool
	}{
		"both lack some":        {[]deployments.Group{omitting("dev", "a", 1), omitting("prod", "b", 2)}, false},
		"only one lacks some":   {[]deployments.Group{omitting("dev", "a", 1), omitting("prod", "b", 0)}, true},
		"one lacks ended ones":  {[]deployments.Group{omitting("dev", "a", 1), omitting("prod", "b", 3), ended}, true},
		"both lack some, alike": {[]deployments.Group{omitting("dev", "a", 1), omitting("prod", "a", 2)}, false},
	} {
		o := deployments.Overview{Columns: []string{"dev", "prod"}, DeploymentNames: []string{"api"}, Groups: c.groups}
		if cell := New(o, deployments.ByLogicalEnvironment, Order{}).Rows[0].Cells[1]; cell.Differs != c.want || cell.Omitted != c.groups[1].Omitted {
			t.Errorf("%s: differs %v, omits %d", name, cell.Differs, cell.Omitted)
		}
	}
}

func TestStagesAreInTheOrderOfPromotion(t *testing.T) {
	names := []string{"blue", "eu-production", "prod", "pre-prod", "QA", "staging", "Development", "dev-2", "contest"}
	if got, want := (Order{}).sort(names), []string{"Development", "dev-2", "QA", "pre-prod", "staging", "eu-production", "prod", "blue", "contest"}; !slices.Equal(got, want) {
		t.Errorf("by words: got %q, want %q", got, want)
	}
	order := NewOrder([]string{"blue", "QA", "gone", "prod"})
	if got, want := order.sort(names), []string{"blue", "QA", "prod", "Development", "dev-2", "pre-prod", "staging", "eu-production", "contest"}; !slices.Equal(got, want) {
		t.Errorf("by a list: got %q, want %q", got, want)
	}
}

// A cell is compared with those before it in the list, or with those before it by their words, and never across.
func TestAListDecidesWhatIsCompared(t *testing.T) {
	order := NewOrder([]string{"green", "blue"})
	o := deployments.Overview{Columns: []string{"blue", "dev", "green", "prod", "red"}, DeploymentNames: []string{"api"}}
	for i, column := range o.Columns {
		o.Groups = append(o.Groups, group(column, "1", fmt.Sprint(i), 1))
	}
	var got []string
	for _, cell := range New(o, deployments.ByLogicalEnvironment, order).Rows[0].Cells {
		got = append(got, cell.Column+"≠"+cell.Previous)
	}
	if want := []string{"green≠", "blue≠green", "dev≠", "prod≠dev", "red≠"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
