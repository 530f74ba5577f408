package overview

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/store/database"
)

// The lists of a search, in the order of its rows.
const (
	deploymentNames = iota
	environmentNames
	logicalEnvironmentNames
	artifacts
)

// search is the statement of a search. Names are compared by their first characters, which no collation changes. It reads the tables
// of names and current_slots, whose slots have all deployment names, and never the history of the organization.
const search = `WITH organization AS (SELECT id FROM organizations WHERE key = CAST(? AS text))
, prefix AS (SELECT CAST(? AS text) AS text)
, sets AS (SELECT m.project_set_id FROM projects p JOIN project_set_members m ON m.project_id = p.id
WHERE p.organization_id = (SELECT id FROM organization) AND p.name = CAST(? AS text))
, lines AS (
SELECT 0 AS line, s.deployment_name AS name, '' AS version, '' AS digest, 0 AS kind FROM (
  SELECT s.deployment_name FROM current_slots s, prefix
  WHERE s.organization_id = (SELECT id FROM organization) AND {deployment}{slot_in_project}
  GROUP BY s.deployment_name ORDER BY s.deployment_name{bytes} LIMIT {limit}) s
UNION ALL
SELECT 1, e.name, '', '', 0 FROM (
  SELECT e.name FROM environments e, prefix WHERE e.organization_id = (SELECT id FROM organization) AND {name}
  AND EXISTS (SELECT 1 FROM deployment_records r WHERE r.organization_id = e.organization_id AND r.environment_id = e.id{in_project})
  ORDER BY e.name{bytes} LIMIT {limit}) e
UNION ALL
SELECT 2, e.name, '', '', 0 FROM (
  SELECT e.name FROM logical_environments e, prefix WHERE e.organization_id = (SELECT id FROM organization) AND {name}
  AND EXISTS (SELECT 1 FROM deployment_records r WHERE r.organization_id = e.organization_id AND r.logical_environment_id = e.id{in_project})
  ORDER BY e.name{bytes} LIMIT {limit}) e
UNION ALL
SELECT 3, a.name, a.version, a.digest, a.kind FROM (
  SELECT a.name, a.version, a.digest, a.kind FROM artifacts a, prefix
  WHERE a.organization_id = (SELECT id FROM organization) AND ({artifact_name} OR {version} OR {digest} OR {hex})
  AND EXISTS (SELECT 1 FROM deployment_records r WHERE r.organization_id = a.organization_id AND r.artifact_id = a.id{in_project})
  GROUP BY a.name, a.version, a.digest, a.kind ORDER BY a.name{bytes}, a.version{bytes}, a.digest{bytes}, a.kind LIMIT {limit}) a)
SELECT line, name, version, digest, kind FROM lines ORDER BY line, name{bytes}, version{bytes}, digest{bytes}, kind`

// The conditions that narrow the lists to what a record of the scope's project has.
const (
	inProject     = " AND r.project_set_id IN (SELECT project_set_id FROM sets)"
	slotInProject = ` AND EXISTS (SELECT 1 FROM deployment_records r WHERE r.organization_id = s.organization_id
  AND r.environment_id = s.environment_id AND r.deployment_name = s.deployment_name` + inProject + ")"
)

// Search implements deployments.Store.
func (r *Reader) Search(ctx context.Context, scope deployments.Scope, prefix string) (deployments.Matches, error) {
	begins := func(column string, from int) string {
		return fmt.Sprintf("substr(%s, %d, length(prefix.text)) = prefix.text", column, from)
	}
	bytes := ` COLLATE "C"`
	if r.db.Dialect == database.SQLite {
		bytes = ""
	}
	narrow := strings.NewReplacer("{in_project}", "", "{slot_in_project}", "")
	if scope.Project != "" {
		narrow = strings.NewReplacer("{in_project}", inProject, "{slot_in_project}", slotInProject)
	}
	text := strings.NewReplacer(
		"{deployment}", begins("s.deployment_name", 1), "{name}", begins("e.name", 1),
		"{artifact_name}", begins("a.name", 1), "{version}", begins("a.version", 1),
		"{digest}", begins("a.digest", 1), "{hex}", begins("a.digest", len("sha256:")+1),
		"{bytes}", bytes, "{limit}", fmt.Sprint(deployments.MaxMatches+1),
	).Replace(narrow.Replace(search))
	text, values := r.bind(text, scope.Organization, prefix, scope.Project)
	matches, err := read(ctx, r, scope.Organization, func(tx *gorm.DB) (deployments.Matches, error) {
		return scanMatches(ctx, tx, text, values)
	})
	if err != nil {
		return deployments.Matches{}, err
	}
	for _, list := range []*[]string{&matches.Deployments, &matches.Environments, &matches.LogicalEnvironments} {
		*list = cut(*list, &matches.More)
	}
	matches.Artifacts = cut(matches.Artifacts, &matches.More)
	return matches, nil
}

// scanMatches returns the matches of a search, which may have one more than deployments.MaxMatches of each kind.
func scanMatches(ctx context.Context, tx *gorm.DB, text string, values []any) (m deployments.Matches, err error) {
	var (
		line     int
		artifact deployments.Artifact
	)
	names := map[int]*[]string{deploymentNames: &m.Deployments, environmentNames: &m.Environments, logicalEnvironmentNames: &m.LogicalEnvironments}
	err = scan(ctx, tx, text, values, []any{&line, &artifact.Name, &artifact.Version, &artifact.Digest, &artifact.Kind}, func() {
		if line == artifacts {
			m.Artifacts = append(m.Artifacts, artifact)
		} else {
			*names[line] = append(*names[line], artifact.Name)
		}
	})
	return m, err
}

// bind numbers the parameters of the text as the dialect does.
func (r *Reader) bind(text string, values ...any) (string, []any) {
	if r.db.Dialect == database.PostgreSQL {
		for i := range values {
			text = strings.Replace(text, "?", fmt.Sprintf("$%d", i+1), 1)
		}
	}
	return text, values
}

// bindLast adds a number to the values of a text, in place of a mark after all of the text's parameters.
func (r *Reader) bindLast(text, mark string, values []any, number int64) (string, []any) {
	parameter := "?"
	if r.db.Dialect == database.PostgreSQL {
		parameter = fmt.Sprintf("$%d", len(values)+1)
	}
	return strings.Replace(text, mark, "CAST("+parameter+" AS bigint)", 1), append(values, number)
}

// cut removes what a list has beyond deployments.MaxMatches, and sets more if there is any.
func cut[T any](list []T, more *bool) []T {
	if len(list) <= deployments.MaxMatches {
		return list
	}
	*more = true
	return list[:deployments.MaxMatches]
}
