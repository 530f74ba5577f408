package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/rivo/uniseg"
	"pgregory.net/rapid"

	"github.com/deployrecords/deployrecords/generated/client"
)

func row(environment, deployment, kind, name, version string, ago time.Duration, status client.DeploymentStatus) tableRow {
	return newTableRow(client.DeploymentRecord{
		EnvironmentName: environment, DeploymentName: deployment, Status: status, CreatedAt: day.Add(-ago),
		Artifact: client.Artifact{Kind: kind, Name: name, Version: version, Digest: testDigest},
	}, day)
}

const (
	containerImage = "CONTAINER_IMAGE"
	helmChart      = "HELM_CHART"
)

var tables = map[string][]tableRow{
	"short": {
		row("prod-eu", "api", containerImage, "registry.example.com/shop/api", "1.4", 40*time.Second, "DEPLOYED"),
		row("prod-eu", "ingress", helmChart, "ingress-nginx", "4.11.2", 12*time.Minute, "DEPLOYED"),
		row("staging", "web", containerImage, "registry:5000/web", "", 5*time.Hour, "SUPERSEDED"),
		row("edge-117", "till", containerImage, "till", "2.0", 3*24*time.Hour, "DECOMMISSIONED"),
		row("lab", "old", helmChart, "", "", 800*24*time.Hour, "DEPLOYED"),
	},
	"long": {
		row("production-europe-west-4-cluster-blue", "payments-settlement-worker", containerImage, "registry.example.com/payments/settlement-worker", "2026.11.22-rc.1", time.Hour, "DECOMMISSIONED"),
		row("production-europe-west-4-cluster-green", "observability-stack", helmChart, "oci://charts.example.com/platform/observability-stack", "0.1.2-alpha.20261122", 364*24*time.Hour, "SUPERSEDED"),
		row("dev", "api", containerImage, "api", "1", time.Second, "DEPLOYED"),
	},
	"one long column": {
		row("dev", "api", containerImage, "a-name-that-goes-on-and-on-until-nobody-can-read-it-any-more-in-eighty-columns", "1.2.3", time.Minute, "DEPLOYED"),
		row("prod", "api", containerImage, "api", "1.2.3", time.Minute, "DEPLOYED"),
	},
	"other scripts": {
		row("продакшн-европа-запад-четыре", "サービス", containerImage, "registry/große-straße-überprüfung-der-öffnungszeiten", "1.4", time.Minute, "DEPLOYED"),
		row("evil\x1b[2J\nname", "api", containerImage, "api", "1\t4", -time.Hour, "DEPLOYED"),
	},
}

func TestTheTableHasTheLogicalEnvironmentWhereItDiffers(t *testing.T) {
	in := func(environment, logical string) tableRow {
		r := client.DeploymentRecord{EnvironmentName: environment, DeploymentName: "a-deployment-with-a-long-name", Status: "DECOMMISSIONED", CreatedAt: day}
		r.Artifact = client.Artifact{Kind: containerImage, Name: "an-artifact-with-a-long-name", Version: "1.4"}
		if logical != "" {
			r.LogicalEnvironmentName = &logical
		}
		return newTableRow(r, day)
	}
	for name, c := range map[string]struct {
		rows []tableRow
		want []string
	}{
		"none":                {[]tableRow{in("prod-eu", ""), in("prod-us", "")}, nil},
		"one":                 {[]tableRow{in("prod-eu", "production"), in("prod-eu", "production")}, nil},
		"two environments":    {[]tableRow{in("prod-eu", "production"), in("lab", "staging"), in("prod-eu", "production")}, nil},
		"given and not given": {[]tableRow{in("prod-eu", "production"), in("prod-eu", "")}, []string{"  production           ", "  -                    "}},
		"two in one":          {[]tableRow{in("prod-eu", "blue"), in("lab", ""), in("prod-eu", "green")}, []string{"  blue  ", "  -  ", "  green  "}},
	} {
		var out bytes.Buffer
		if err := writeTable(&out, c.rows, 80); err != nil {
			t.Fatal(err)
		}
		if has := strings.Contains(out.String(), "LOGICAL ENVIRONMENT"); has != (c.want != nil) {
			t.Errorf("%s: %s", name, &out)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		for i, line := range lines {
			if width := uniseg.StringWidth(line); width > 80 || i > 0 && c.want != nil && !strings.Contains(line, c.want[i-1]) {
				t.Errorf("%s: line %d, %d cells: %s", name, i, width, line)
			}
		}
	}
}

func TestTablesFitTheWidth(t *testing.T) {
	for name, rows := range tables {
		for _, width := range []int{80, 132} {
			var out bytes.Buffer
			if err := writeTable(&out, rows, width); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(out.String()) {
				if n := uniseg.StringWidth(strings.TrimSuffix(line, "\n")); n > width {
					t.Errorf("%s: %d cells, not %d: %s", name, n, width, line)
				}
			}
			if width == 80 {
				golden(t, "table-"+strings.ReplaceAll(name, " ", "-")+".txt", out.String())
			}
		}
	}
}

func TestNarrowTablesKeepTheirHeaders(t *testing.T) {
	var out bytes.Buffer
	if err := writeTable(&out, tables["long"], 10); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "ENVIRONMENT  DEPLOYMENT   ARTIFACT     STATUS          AGE\n") {
		t.Error(out.String())
	}
}

func TestShortenKeepsBothEnds(t *testing.T) {
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"abcdefghij", 10, "abcdefghij"},
		{"abcdefghij", 9, "abcd…ghij"},
		{"abcdefghij", 8, "abcd…hij"},
		{"abcdefghij", 3, "a…j"},
		{"abcdefghij", 2, "a…"},
		{"abcdefghij", 1, "…"},
		{"abcdefghij", 0, ""},
		{"äöüäöüäöü", 5, "äö…öü"},
		{"サービス", 8, "サービス"},
		{"サービス", 7, "サ…ス"},
		{"サービス", 6, "サ…ス"},
		{"e\u0301e\u0301e\u0301e\u0301e\u0301", 4, "e\u0301e\u0301…e\u0301"}, // a letter keeps its combining mark
		{"🇩🇪🇫🇷🇮🇹", 5, "🇩🇪…🇮🇹"},
		{"각각각각", 5, "각…각"},
		{"observability-stack:0.1 (chart)", 18, "obser…:0.1 (chart)"},
		{"", 3, ""},
	} {
		if got := shorten(c.text, c.width); got != c.want {
			t.Errorf("%q to %d: got %q, not %q", c.text, c.width, got, c.want)
		}
	}
}

func TestAgeRoundsDownToTheLargestUnit(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "0s", 0: "0s", 40*time.Second + 999*time.Millisecond: "40s", 59 * time.Second: "59s",
		time.Minute: "1m", 12 * time.Minute: "12m", time.Hour - 1: "59m", 5 * time.Hour: "5h", 24*time.Hour - 1: "23h",
		72 * time.Hour: "3d", 365*24*time.Hour - 1: "364d", 365 * 24 * time.Hour: "1y", 800 * 24 * time.Hour: "2y",
	} {
		if got := age(d); got != want {
			t.Errorf("%s: got %s, not %s", d, got, want)
		}
	}
}

func TestTablesAlignForWideAndCombiningCharacters(t *testing.T) {
	// Each name with the number of cells in which a terminal shows it.
	names := map[string]int{
		"staging": 7, "本番環境": 8, "서울": 4, "ｆｕｌｌ": 8, "ﾊﾝｶｸ": 4, "cafe\u0301": 4, "e\u0301\u0302\u0303x": 2, "각": 2, "🚀": 2, "🇩🇪": 2, "א": 1,
	}
	var rows []tableRow
	for name := range names {
		rows = append(rows, row(name, name, containerImage, name, "1", time.Minute, "DEPLOYED"))
	}
	var out bytes.Buffer
	if err := writeTable(&out, rows, 80); err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")[1:] {
		name := rows[i][0]
		gap := strings.Repeat(" ", len("ENVIRONMENT")-names[name]) + columnGap
		want := name + gap + name + gap[1:] + name + ":1" + gap[1+len(":1"):]
		if want += "DEPLOYED"; !strings.HasPrefix(line, want) {
			t.Errorf("got  %q\nwant %q", line, want)
		}
	}
}

func TestTablesOfAnyCharactersAreAligned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		character := rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune("a本각e\u0301\ufe0f\u1100\u1161\U0001F1E9\U0001F1EA🚀☂ﾊ…")))
		name := rapid.StringOfN(character, 1, 60, -1)
		rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) tableRow {
			kind := rapid.SampledFrom([]string{containerImage, helmChart}).Draw(t, "kind")
			return row(name.Draw(t, "environment"), name.Draw(t, "deployment"), kind, name.Draw(t, "artifact"), "1", time.Minute, "DEPLOYED")
		}), 1, 5).Draw(t, "rows")
		var out bytes.Buffer
		if err := writeTable(&out, rows, rapid.IntRange(1, 120).Draw(t, "width")); err != nil {
			t.Fatal(err)
		}
		first := -1
		for line := range strings.Lines(out.String()) {
			before, _, found := strings.Cut(line, "  DEPLOYED")
			if !found {
				before, _, _ = strings.Cut(line, "  STATUS")
			}
			cells := uniseg.StringWidth(before)
			if first < 0 {
				first = cells
			}
			if cells != first {
				t.Fatalf("%d cells, not %d, before the status:\n%s", cells, first, out.String())
			}
		}
	})
}
