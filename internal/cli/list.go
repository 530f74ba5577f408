package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/deployrecords/deployrecords/generated/client"
	"github.com/deployrecords/deployrecords/internal/config"
)

type listCommand struct {
	Environment        *string `placeholder:"NAME" group:"Filters" help:"Only this environment."`
	LogicalEnvironment *string `placeholder:"NAME" group:"Filters" help:"Only this logical environment, as production."`
	Deployment         *string `placeholder:"NAME" group:"Filters" help:"Only the slots of this name."`
	Project            *string `placeholder:"NAME" group:"Filters" help:"Only artifacts that belong to this project."`
	ProjectVersion     *string `placeholder:"NAME" group:"Filters" help:"Only artifacts that belong to this version of --project."`
	Digest             *string `placeholder:"DIGEST" group:"Filters" help:"Only this artifact."`
	Kind               *string `placeholder:"image|chart" group:"Filters" help:"Only artifacts of this kind; the API's names, as CONTAINER_IMAGE, will do too."`
	Status             *string `placeholder:"deployed|decommissioned|superseded" group:"Filters" help:"Only records of this status."`
	FullHistory        bool    `group:"Filters" help:"All records, rather than the latest of each slot. The filters choose among these."`
	All                bool    `help:"Every page, one after the other. What is recorded meanwhile may be missed."`
	Page               *string `placeholder:"N" help:"A page other than the first, which is 0, or 1 if the server is set so."`
	PageSize           *string `placeholder:"N" help:"How many records a page has; the server has a limit."`
	Output             string  `default:"table" placeholder:"table|json|ndjson|csv" help:"A table for people, the API's own JSON, a record a line as import reads it, or CSV (${default})."`
	config.Client
}

// Help is printed by list --help.
func (listCommand) Help() string {
	return `The newest records come first. A table says how long ago each was created, and is as wide as the terminal, or 80 columns. If not all records that were found are printed, standard error says how many there are.

While the server can't be reached, is too busy (429) or fails (5xx), the command goes on trying for --retry-for.

Exit codes:

  0  listed, if only that there is nothing
  2  the command or its settings are wrong
  3  the server refused it
  4  the server can't be reached or fails
  1  anything else

Examples:

  export DEPLOYRECORDS_URL=https://deployrecords.example.com DEPLOYRECORDS_TOKEN=…

  deployrecords list --environment prod-eu --status deployed
  deployrecords list --environment prod-eu --deployment api --full-history
  deployrecords list --all --full-history --output ndjson > records.ndjson
  deployrecords list --all --output csv > latest.csv`
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

// params are the parameters of the contract, and what is wrong with the flags that say them.
func (c *listCommand) params() (params client.ListDeploymentRecordsParams, faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	params = client.ListDeploymentRecordsParams{
		EnvironmentName:        c.Environment,
		LogicalEnvironmentName: c.LogicalEnvironment,
		DeploymentName:         c.Deployment,
		ProjectName:            c.Project,
		ProjectVersionName:     c.ProjectVersion,
		ArtifactDigest:         c.Digest,
	}
	if c.ProjectVersion != nil && *c.ProjectVersion != "" && (c.Project == nil || *c.Project == "") {
		fault("--project-version: needs --project")
	}
	if c.Kind != nil {
		kind, err := option("--kind", *c.Kind, kindOptions, "image|chart")
		if err != nil {
			fault("%w", err)
		}
		params.ArtifactKind = (*client.ListDeploymentRecordsParamsArtifactKind)(&kind)
	}
	if c.Status != nil {
		status, err := option("--status", *c.Status, statusOptions, "deployed|decommissioned|superseded")
		if err != nil {
			fault("%w", err)
		}
		params.Status = (*client.ListDeploymentRecordsParamsStatus)(&status)
	}
	if c.FullHistory {
		params.FullHistory = &c.FullHistory
	}
	number := func(flag string, text *string) *int32 {
		if text == nil {
			return nil
		}
		n, err := strconv.ParseUint(*text, 10, 31)
		if err != nil {
			fault("%s: %q is not a whole number from 0 to %d", flag, *text, math.MaxInt32)
		}
		n32 := int32(n)
		return &n32
	}
	params.Page, params.PageSize = number("--page", c.Page), number("--page-size", c.PageSize)
	if c.All && c.Page != nil {
		fault("--all and --page can't be used together")
	}
	if newPrinter(c.Output, c.All, Streams{}) == nil {
		fault("--output: %q is not one of table, json, ndjson, csv", c.Output)
	}
	return params, faults
}

func (c *listCommand) Run(ctx context.Context, streams Streams) error {
	params, faults := c.params()
	caller, err := newCaller(&c.Client, streams.Err, faults...)
	if err != nil {
		return err
	}
	pages, err := newWalk(caller, params, c.All)
	if err != nil {
		return err
	}
	printer := newPrinter(c.Output, c.All, streams)
	var bar *progressbar.ProgressBar
	if c.All && (c.Output == "table" || !isTerminal(streams.Out)) {
		bar = recordsBar(streams)
	}
	shown, total := 0, 0
	for page, err := range pages.pages(ctx) {
		if err == nil {
			err = printer.page(page)
		}
		if err != nil {
			clearBar(bar)
			return brokenOff(err, c.Output, shown, total)
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
	case c.Output == "json" && !c.All: // its pagination says so
	case shown == 0 && total == 0:
		fmt.Fprintln(streams.Err, "no records")
	case shown < total:
		fmt.Fprintf(streams.Err, "%d of %d records\n", shown, total)
	}
	return nil
}

// brokenOff says how much was printed of a walk that was not walked to its end.
func brokenOff(err error, output string, shown, total int) error {
	if shown == 0 {
		return err
	}
	if output == "table" {
		return fmt.Errorf("%w\nnothing is printed of the %d of %d records that came before", err, shown, total)
	}
	return fmt.Errorf("%w\nwhat is printed breaks off after %d of %d records", err, shown, total)
}

func isTerminal(w any) bool {
	file, ok := w.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// recordsBar is nil unless a person looks.
func recordsBar(streams Streams) *progressbar.ProgressBar {
	if !isTerminal(streams.Err) {
		return nil
	}
	return progressbar.NewOptions(1,
		progressbar.OptionSetDescription("records"),
		progressbar.OptionSetWriter(streams.Err),
		progressbar.OptionShowCount(),
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

// errNotAList says that something else than this API answers.
var errNotAList = errors.New("not with a list of records: is --url right?")
