package metrics_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/metrics"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

const (
	rulesFile     = "../../deploy/prometheus/rules.yaml"
	rulesTestFile = "../../deploy/prometheus/rules_test.yaml"
	dashboardFile = "../../deploy/grafana/dashboard.json"
)

// promtool runs promtool, or skips the test without it.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (Debian's package prometheus)")
	}
	if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func TestTheAlertRulesAreValidAndAlert(t *testing.T) {
	t.Parallel()
	promtool(t, "check", "rules", rulesFile)
	promtool(t, "test", "rules", rulesTestFile)
}

// alerts returns the alert rules.
func alerts(t *testing.T) (rules []struct{ Alert, Expr string }) {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	text, err := os.ReadFile(rulesFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Groups {
		rules = append(rules, group.Rules...)
	}
	return rules
}

// panel is a part of the dashboard.
type panel struct {
	ID      int
	Type    string
	Title   string
	GridPos struct{ X, Y, W, H int }
	Targets []struct{ Expr string }
}

func dashboard(t *testing.T) (panels []panel) {
	t.Helper()
	var file struct{ Panels []panel }
	text, err := os.ReadFile(dashboardFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Panels
}

// Grafana replaces its variables before Prometheus parses an expression.
var variables = strings.NewReplacer("$__rate_interval", "5m", "$job", ".*", "$instance", ".*")

func TestEveryExpressionOfTheDashboardParses(t *testing.T) {
	t.Parallel()
	var rules strings.Builder
	rules.WriteString("groups:\n- name: dashboard\n  rules:\n")
	for _, p := range dashboard(t) {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %s is empty", p.Title)
		}
		for i, target := range p.Targets {
			fmt.Fprintf(&rules, "  - record: panel:%d:%d\n    expr: %q\n", p.ID, i, variables.Replace(target.Expr))
		}
	}
	file := filepath.Join(t.TempDir(), "rules.yaml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", file)
}

func TestPanelsOfTheDashboardDoNotOverlap(t *testing.T) {
	t.Parallel()
	taken := map[[2]int]string{}
	for _, p := range dashboard(t) {
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				cell := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other := taken[cell]; other != "" || cell[0] >= 24 {
					t.Fatalf("%s overlaps %q or exceeds the width", p.Title, other)
				}
				taken[cell] = p.Title
			}
		}
	}
}

// metricName matches the names of metrics.
var metricName = regexp.MustCompile(`\b(?:deployrecords|go|process)_[a-z_]+\b`)

// Metrics that a server does not have without a JWKS, standbys or an import are added to those of a server.
func TestTheRulesTheDashboardAndTheDocumentationNameTheMetricsThatExist(t *testing.T) {
	t.Parallel()
	m := newMonitored(t, storetest.Open(t, storetest.Engines[1].Migrated(t)))
	m.visit("acme")
	file := filepath.Join(t.TempDir(), "import.prom")
	if err := metrics.WriteImport(file, deployments.ImportSummary{}, time.Now(), time.Second); err != nil {
		t.Fatal(err)
	}
	imported, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	exist := map[string]bool{"deployrecords_standbys": true}
	for _, found := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(m.scrape()+string(imported), -1) {
		exist[found[1]] = true
		if found[2] == "histogram" {
			exist[found[1]+"_bucket"], exist[found[1]+"_sum"], exist[found[1]+"_count"] = true, true, true
		}
	}
	documentation, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	expressions := []string{string(documentation)}
	for _, p := range dashboard(t) {
		for _, target := range p.Targets {
			expressions = append(expressions, target.Expr)
		}
	}
	for _, rule := range alerts(t) {
		expressions = append(expressions, rule.Expr)
		if !strings.Contains(string(documentation), "`"+rule.Alert+"`") {
			t.Errorf("docs/metrics.md does not explain %s", rule.Alert)
		}
	}
	var named []string
	for _, expression := range expressions {
		named = append(named, metricName.FindAllString(expression, -1)...)
	}
	for _, name := range named {
		if !exist[name] {
			t.Errorf("there is no metric %s", name)
		}
	}
	for name := range exist {
		isPart := strings.HasSuffix(name, "_bucket") || strings.HasSuffix(name, "_sum") || strings.HasSuffix(name, "_count")
		if strings.HasPrefix(name, "deployrecords_") && !isPart && !strings.Contains(string(documentation), name) {
			t.Errorf("docs/metrics.md does not name %s", name)
		}
	}
}
