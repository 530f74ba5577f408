package cli

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/deployrecords/deployrecords/generated/client"
	"github.com/deployrecords/deployrecords/internal/config"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

type listCommand struct {
	Environment        *string `placeholder:"NAME" group:"Filters" help:"Only this environment."`
	LogicalEnvironment *string `placeholder:"NAME" group:"Filters" help:"Only this logical environment, for example production."`
	Deployment         *string `placeholder:"NAME" group:"Filters" help:"Only slots with this deployment name."`
	Project            *string `placeholder:"NAME" group:"Filters" help:"Only artifacts of this project."`
	ProjectVersion     *string `placeholder:"NAME" group:"Filters" help:"Only artifacts of this version of --project."`
	Digest             *string `placeholder:"DIGEST" group:"Filters" help:"Only this artifact."`
	Kind               *string `placeholder:"image|chart" group:"Filters" help:"Only artifacts of this kind. The API's names, for example CONTAINER_IMAGE, are accepted too."`
	Status             *string `placeholder:"deployed|decommissioned|superseded" group:"Filters" help:"Only records with this status."`
	FullHistory        bool    `group:"Filters" help:"All records instead of the latest record of each slot. The filters apply to these records."`
	All                bool    `help:"All pages. Records that are added meanwhile may be missing."`
	Page               number  `placeholder:"N" help:"Number of the page. The first page is 0, or 1 on servers with --first-page 1."`
	PageSize           number  `placeholder:"N" help:"Number of records per page, limited by the server."`
	Output             string  `short:"o" default:"table" placeholder:"table|json|ndjson|csv" help:"A table, the API's JSON, one record per line as import reads it, or CSV."`
	CSVSafe            bool    `name:"csv-safe" help:"With --output csv: put ' before each value that a spreadsheet would run as a formula."`
	CSVBOM             bool    `name:"csv-bom" help:"With --output csv: begin with a byte order mark, by which Excel recognizes UTF-8."`
	config.Client      `set:"retry_for=0s"`
}

// Help is printed by list --help.
func (listCommand) Help() string {
	return `The newest records come first. A table shows the age of each record and is as wide as the terminal, or 80 columns. It shows the logical environments if those of one environment differ. If records were found that are not printed, standard error has their number.

If the server is unreachable, too busy (429) or failing (5xx), the command fails at once. With --retry-for 10s it retries for ten seconds, for example while the server starts.

Exit codes:

  0  success, even without records
  1  any other error
  2  the command line or the settings are invalid
  3  the server rejected the request
  4  the server is unreachable or failing

Examples:

  export DEPLOYRECORDS_URL=https://deployrecords.example.com
  export DEPLOYRECORDS_TOKEN=…

  deployrecords list --environment prod-eu --status deployed
  deployrecords list --environment prod-eu --deployment api --full-history
  deployrecords list --all --full-history --output ndjson > records.ndjson
  deployrecords list --all --output csv > latest.csv
  deployrecords list --all --output csv --csv-safe --csv-bom > for-excel.csv`
}

var (
	kindOptions = map[string]string{
		"image": "CONTAINER_IMAGE", "chart": "HELM_CHART",
		"CONTAINER_IMAGE": "CONTAINER_IMAGE", "HELM_CHART": "HELM_CHART", "ARTIFACT_KIND_UNSPECIFIED": "ARTIFACT_KIND_UNSPECIFIED",
	}
	statusOptions = map[string]string{
		"DEPLOYED": "DEPLOYED", "DECOMMISSIONED": "DECOMMISSIONED", "SUPERSEDED": "SUPERSEDED",
		"DEPLOYMENT_STATUS_UNSPECIFIED": "DEPLOYMENT_STATUS_UNSPECIFIED",
	}
)

// listFlagNames has the flag that gives each parameter of the API, for the server's errors.
var listFlagNames = map[string]string{
	"environment_name": "--environment", "logical_environment_name": "--logical-environment", "deployment_name": "--deployment",
	"project_name": "--project", "project_version_name": "--project-version", "artifact_digest": "--digest",
	"artifact_kind": "--kind", "status": "--status", "full_history": "--full-history",
	"pagination.page": "--page", "pagination.page_size": "--page-size",
}

// params translates the flags into the API's parameters, and returns the violations of the flags.
func (c *listCommand) params() (params client.ListDeploymentRecordsParams, violations []error) {
	add := func(format string, args ...any) { violations = append(violations, fmt.Errorf(format, args...)) }
	params = client.ListDeploymentRecordsParams{
		EnvironmentName:        c.Environment,
		LogicalEnvironmentName: c.LogicalEnvironment,
		DeploymentName:         c.Deployment,
		ProjectName:            c.Project,
		ProjectVersionName:     c.ProjectVersion,
		ArtifactDigest:         c.Digest,
	}
	// The API ignores an empty filter (L3). An empty flag is a variable that is not set: without the filter, the command would
	// print far more than was asked for.
	for _, filter := range []struct {
		flag  string
		value *string
	}{
		{"--environment", c.Environment},
		{"--logical-environment", c.LogicalEnvironment},
		{"--deployment", c.Deployment},
		{"--project", c.Project},
		{"--project-version", c.ProjectVersion},
		{"--digest", c.Digest},
	} {
		if filter.value != nil && *filter.value == "" {
			add("%s: is empty; without the flag, the list is not filtered", filter.flag)
		}
	}
	if c.Digest != nil && *c.Digest != "" {
		if err := deployments.CheckDigest(*c.Digest); err != nil {
			add("--digest: %s %w", deployments.Quote(*c.Digest), err)
		}
	}
	if c.ProjectVersion != nil && c.Project == nil {
		add("--project-version: needs --project")
	}
	if c.Kind != nil {
		kind, err := option("--kind", *c.Kind, kindOptions, "image|chart")
		if err != nil {
			add("%w", err)
		}
		params.ArtifactKind = (*client.ListDeploymentRecordsParamsArtifactKind)(&kind)
	}
	if c.Status != nil {
		status, err := option("--status", *c.Status, statusOptions, "deployed|decommissioned|superseded")
		if err != nil {
			add("%w", err)
		}
		params.Status = (*client.ListDeploymentRecordsParamsStatus)(&status)
	}
	if c.FullHistory {
		params.FullHistory = &c.FullHistory
	}
	parse := func(flag string, n number) *int32 {
		value, err := n.parse()
		if err != nil {
			add("%s: %w", flag, err)
		}
		return value
	}
	params.Page, params.PageSize = parse("--page", c.Page), parse("--page-size", c.PageSize)
	if c.All && c.Page.given {
		add("--all and --page can't be used together")
	}
	if c.Output != "csv" {
		for flag, given := range map[string]bool{"--csv-safe": c.CSVSafe, "--csv-bom": c.CSVBOM} {
			if given {
				add("%s: goes with --output csv only", flag)
			}
		}
	}
	if c.printer(Streams{}) == nil {
		add("--output: %q is not one of table, json, ndjson, csv", c.Output)
	}
	return params, violations
}

func (c *listCommand) Run(ctx context.Context, streams Streams) error {
	params, violations := c.params()
	api, err := newAPIClient(&c.Client, streams.Err, violations...)
	if err != nil {
		return err
	}
	api.flagNames = listFlagNames
	lister, err := newLister(api, params, c.All)
	if err != nil {
		return err
	}
	printer := c.printer(streams)
	var bar *progressbar.ProgressBar
	if c.All && (c.Output == "table" || !isTerminal(streams.Out)) {
		bar = newProgressBar(streams.Err, 1, "records", progressbar.OptionShowCount())
	}
	shown, total := 0, 0
	for page, err := range lister.pages(ctx) {
		if err == nil {
			err = printer.page(page)
		}
		if err != nil {
			clearBar(bar)
			return c.incomplete(err, shown, total)
		}
		shown += len(page.records)
		total = int(page.pagination.TotalCount)
		if bar != nil {
			bar.ChangeMax(max(total, shown, 1))
			_ = bar.Set(shown)
		}
	}
	clearBar(bar)
	if err := printer.end(); err != nil {
		return err
	}
	switch {
	case c.Output == "json" && !c.All: // the response has the total
	case shown == 0 && total == 0:
		fmt.Fprintln(streams.Err, "no records")
	case shown < total:
		fmt.Fprintf(streams.Err, "%d of %d records\n", shown, total)
	}
	return nil
}

// incomplete adds the number of printed records to the error that ended a listing.
func (c *listCommand) incomplete(err error, shown, total int) error {
	switch {
	case shown == 0:
		return err
	case c.Output == "table":
		return fmt.Errorf("%w\nno table is printed: only %d of %d records were read", err, shown, total)
	default:
		return fmt.Errorf("%w\nthe output is incomplete: it has %d of %d records", err, shown, total)
	}
}

func isTerminal(w any) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// newProgressBar returns nil unless stderr is a terminal.
func newProgressBar(stderr any, size int64, description string, unit progressbar.Option) *progressbar.ProgressBar {
	if !isTerminal(stderr) {
		return nil
	}
	return progressbar.NewOptions64(size,
		progressbar.OptionSetDescription(description),
		progressbar.OptionSetWriter(stderr.(*os.File)),
		unit,
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionFullWidth(),
		progressbar.OptionUseANSICodes(true),
	)
}

func clearBar(bar *progressbar.ProgressBar) {
	if bar != nil {
		_ = bar.Clear()
	}
}
