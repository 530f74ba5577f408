package statements

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/counts"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

var update = flag.Bool("update", false, "write testdata instead of comparing with it")

// shapes are one query of each kind of shape.
var shapes = map[string]struct {
	scope deployments.Scope
	query deployments.Query
}{
	"latest":                           {},
	"latest_seek":                      {query: seek(deployments.Query{})},
	"latest_filters":                   {query: countedFilters},
	"latest_deployment_name":           {query: deployments.Query{DeploymentName: "n"}},
	"latest_project":                   {query: deployments.Query{ProjectName: "p"}},
	"latest_every_filter":              {deployments.Scope{Project: "s"}, everyFilter},
	"history":                          {query: history(deployments.Query{})},
	"history_seek":                     {query: history(seek(deployments.Query{}))},
	"history_environment_seek":         {query: history(seek(deployments.Query{EnvironmentName: "e"}))},
	"history_combination_seek":         {query: history(seek(deployments.Query{LogicalEnvironmentName: "l", ArtifactKind: deployments.HelmChart}))},
	"history_filters_seek":             {query: history(seek(countedFilters))},
	"history_deployment_seek":          {query: history(seek(deployments.Query{DeploymentName: "n"}))},
	"history_slot_seek":                {query: history(seek(deployments.Query{EnvironmentName: "e", DeploymentName: "n"}))},
	"history_deployment_status_seek":   {query: history(seek(deployments.Query{DeploymentName: "n", Status: deployments.Superseded}))},
	"history_project_kind_seek":        {query: history(seek(deployments.Query{ProjectName: "p", ArtifactKind: deployments.HelmChart}))},
	"history_scope_project":            {deployments.Scope{Project: "s"}, history(deployments.Query{})},
	"history_scope_project_seek":       {deployments.Scope{Project: "s"}, history(seek(deployments.Query{}))},
	"history_two_projects_seek":        {deployments.Scope{Project: "s"}, history(seek(deployments.Query{ProjectName: "p"}))},
	"history_digest_seek":              {query: history(seek(deployments.Query{ArtifactDigest: "d"}))},
	"history_project_version":          {query: history(deployments.Query{ProjectName: "p", ProjectVersionName: "v"})},
	"history_every_filter_seek":        {deployments.Scope{Project: "s"}, history(seek(everyFilter))},
	"history_environment_project_seek": {query: history(seek(deployments.Query{EnvironmentName: "e", ProjectName: "p"}))},
}

var (
	countedFilters = deployments.Query{
		EnvironmentName: "e", LogicalEnvironmentName: "l", Status: deployments.Deployed, ArtifactKind: deployments.ContainerImage,
	}
	everyFilter = deployments.Query{
		EnvironmentName: "e", LogicalEnvironmentName: "l", DeploymentName: "n", Status: deployments.Deployed,
		ArtifactKind: deployments.ContainerImage, ArtifactDigest: "d", ProjectName: "p", ProjectVersionName: "v",
	}
)

func seek(q deployments.Query) deployments.Query    { q.Page.Number = 3; return q }
func history(q deployments.Query) deployments.Query { q.History = deployments.All; return q }

// openEach opens a pool of each dialect, without a database.
func openEach(t *testing.T) map[string]*database.DB {
	t.Helper()
	opened := make(map[string]*database.DB)
	for name, url := range map[string]string{
		"postgres": "postgres://localhost/none", "sqlite": "sqlite://" + filepath.Join(t.TempDir(), "none.db"),
	} {
		db, err := database.Open(database.Options{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		opened[name] = db
	}
	return opened
}

func compile(t *testing.T, db *database.DB, scope deployments.Scope, query deployments.Query) *Statement {
	t.Helper()
	statement, err := Compile(db.WithContext(t.Context()), NewShape(db.Dialect, counts.DefaultMilestoneInterval, scope, &query))
	if err != nil {
		t.Fatal(err)
	}
	return statement
}

func TestStatementsMatchTheGoldenFiles(t *testing.T) {
	var names []string
	for dialect, db := range openEach(t) {
		for name, c := range shapes {
			c.query.Page.Size = 20
			statement := compile(t, db, c.scope, c.query)
			path := filepath.Join("testdata", name+"."+dialect+".sql")
			names = append(names, path)
			got := "-- Parameters:" + describe(statement.parameters) + "\n" + format(statement.Text, "") + ";\n"
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want, err := os.ReadFile(path); err != nil || string(want) != got {
				t.Errorf("%s differs (%v); to accept the new statement, run go test ./internal/store/statements -update\n%s", path, err, got)
			}
		}
	}
	files, err := filepath.Glob("testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !slices.Contains(names, file) {
			t.Errorf("%s belongs to no shape", file)
		}
	}
}

// Every value is a parameter, and every parameter has a type: see parameter.GormValue.
func TestStatementsHaveTypedParametersAndNoValues(t *testing.T) {
	for dialect, db := range openEach(t) {
		mark := map[string]string{"postgres": "$", "sqlite": "?"}[dialect]
		for name, c := range shapes {
			for _, value := range []*string{
				&c.query.EnvironmentName, &c.query.LogicalEnvironmentName, &c.query.DeploymentName, &c.query.ArtifactDigest,
				&c.query.ProjectName, &c.query.ProjectVersionName, &c.scope.Project,
			} {
				if *value != "" {
					*value += "it's"
				}
			}
			c.query.Page.Size = 20
			statement := compile(t, db, c.scope, c.query)
			text, values := statement.Text, statement.Bind(c.scope, &c.query)
			if marks := strings.Count(text, mark); marks != strings.Count(text, "CAST("+mark) || marks != len(values) {
				t.Errorf("%s: %d parameters for %d values, all of which need a type:\n%s", name, marks, len(values), text)
			}
			if strings.Contains(text, "it's") || strings.Contains(text, "it''s") {
				t.Errorf("%s: the statement contains a value:\n%s", name, text)
			}
		}
	}
}

// A listing binds its values with one allocation for them all and one for each.
func TestBindAllocatesOnlyTheValues(t *testing.T) {
	for _, db := range openEach(t) {
		scope, query := deployments.Scope{Organization: "acme"}, history(seek(countedFilters))
		statement := compile(t, db, scope, query)
		allocations := testing.AllocsPerRun(100, func() { _ = statement.Bind(scope, &query) })
		if limit := float64(1 + len(statement.parameters)); allocations > limit {
			t.Errorf("%v allocations, want at most %v", allocations, limit)
		}
	}
}

func describe(parameters []parameter) string {
	names := [...]string{
		organization: "organization", environmentName: "environment", logicalEnvironmentName: "logical environment",
		deploymentName: "deployment name", artifactDigest: "digest", projectName: "project", projectVersionName: "project version",
		scopeProject: "project of the scope", offset: "offset",
	}
	var b strings.Builder
	for i, p := range parameters {
		fmt.Fprintf(&b, " $%d %s", i+1, names[p])
		if i < len(parameters)-1 {
			b.WriteByte(',')
		}
	}
	return b.String()
}

var clauses = regexp.MustCompile(`^(SELECT|FROM|WHERE|AND|JOIN|LEFT JOIN|CROSS JOIN|ORDER BY|UNION ALL|LIMIT) `)

// format breaks a statement into lines: one for each clause, and more for long subqueries and lists.
func format(sql, indent string) string {
	const long = 100
	var b strings.Builder
	breakLine := func(deeper string) { b.WriteString("\n" + indent + deeper) }
	for i := 0; i < len(sql); i++ {
		rest := sql[i+1:]
		clause := clauses.FindString(rest)
		switch {
		case sql[i] == ' ' && clause == "AND ":
			breakLine("  ")
		case sql[i] == ' ' && clause != "":
			breakLine("")
			b.WriteString(strings.TrimSpace(clause))
			i += len(clause) - 1
		case sql[i] == ',' && b.Len()-strings.LastIndex(b.String(), "\n") > long:
			b.WriteByte(',')
			breakLine("  ")
			i++
		case sql[i] == '(':
			end := closing(sql, i)
			inner := sql[i+1 : end]
			table := strings.HasSuffix(sql[:i], "AS ") || strings.HasSuffix(sql[:i], "MATERIALIZED ")
			switch {
			case !table && len(inner) < long:
				b.WriteString("(" + inner + ")")
			case !strings.HasPrefix(inner, "SELECT "):
				b.WriteString("(" + format(inner, indent) + ")")
			default:
				b.WriteByte('(')
				breakLine("  " + format(inner, indent+"  "))
				breakLine(")")
			}
			i = end
			if table && strings.HasPrefix(sql[i+1:], ", ") {
				b.WriteByte(',')
				breakLine("")
				i += 2
			}
		default:
			b.WriteByte(sql[i])
		}
	}
	return b.String()
}

// closing returns the index of the parenthesis that closes the one at an index.
func closing(sql string, open int) int {
	depth := 0
	for i := open; i < len(sql); i++ {
		switch sql[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(sql)
}
