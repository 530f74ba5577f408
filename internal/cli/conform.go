package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/config"
	"github.com/deployrecords/deployrecords/internal/conformance"
)

type conformCommand struct {
	Document string   `placeholder:"FILE" help:"OpenAPI document to hold the server against. Without it, it is upstream's, of which this program serves a copy."`
	Strict   bool     `help:"Count as faults, too, where the server settles what the document leaves open in another way than docs/semantics.md."`
	Value    []string `placeholder:"NAME=VALUE" sep:"none" help:"Known value of a parameter that answers do not show, as project_name=web. Can be given several times."`
	Output   string   `default:"text" placeholder:"text|json|junit" help:"A report for people, JSON, or the XML of JUnit (${default})."`
	config.Conform
}

// Help is printed by conform --help.
func (conformCommand) Help() string {
	return `It sends GET requests, valid and invalid, and judges every answer: by the document, which it reads, and by the laws that a list with filters and pages keeps whatever the data. It needs to know nothing of the data, and writes none. While others write, it judges what stood still. A token goes only to the URL that it is given for, and redirects are not followed.

What the document leaves open is told as observed behaviour. docs/conformance.md has every rule, and how to read the report.

Exit codes:

  0  no fault was found
  1  there are faults, or answers differ from those of --compare
  2  nothing could be judged: wrong settings or document, no server, a token refused, another API

Examples:

  export DEPLOYRECORDS_URL=https://deployrecords.example.com DEPLOYRECORDS_TOKEN=…

  deployrecords conform
  deployrecords conform --strict --value project_name=web --output junit > conform.xml
  deployrecords conform --document openapi.next.yaml --requests 500 --seed 7`
}

const exitNotJudged = 2

func (c *conformCommand) Run(ctx context.Context, streams Streams) error {
	options, err := c.options(streams)
	if err != nil {
		return usageError{err}
	}
	report, err := conformance.Run(ctx, options)
	if err != nil {
		return exitError{fmt.Errorf("could not judge: %w", err), exitNotJudged}
	}
	if err := report.Write(streams.Out, c.Output); err != nil {
		return err
	}
	switch {
	case report.Faults() > 0 || report.Comparison != nil && report.Comparison.Different > 0:
		return exitError{errors.New(report.Summary()), exitFailure}
	case report.Broken != "":
		return exitError{errors.New("could not judge: " + report.Broken), exitNotJudged}
	}
	return nil
}

// options tells all faults of the settings at once.
func (c *conformCommand) options(streams Streams) (conformance.Options, error) {
	o := conformance.Options{
		Document: deployrecords.OpenAPI(), DocumentName: "upstream's openapi.yaml", Strict: c.Strict, Values: make(map[string][]string),
		Requests: int(c.Requests.Value), Seed: uint64(c.Seed.Value), Timeout: c.Timeout.Value, UserAgent: "deployrecords/" + Version,
	}
	faults := c.Faults()
	token, err := readToken(&c.Remote)
	faults = append(faults, err)
	o.Target = conformance.Target{URL: c.URL, Token: token}
	if c.Compare != "" && c.CompareTokenFile != "" {
		token, err := readTokenFile("--compare-token-file", c.CompareTokenFile)
		faults = append(faults, err)
		o.Compare = &conformance.Target{URL: c.Compare, Token: token}
	}
	if c.Document != "" {
		text, err := os.ReadFile(c.Document)
		if err != nil {
			err = fmt.Errorf("--document: %w", err)
		}
		faults = append(faults, err)
		o.Document, o.DocumentName = text, c.Document
	}
	for _, text := range c.Value {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" || value == "" {
			faults = append(faults, fmt.Errorf("--value: %q is not NAME=VALUE", text))
		}
		o.Values[name] = append(o.Values[name], value)
	}
	if !slices.Contains(conformance.Formats, c.Output) {
		faults = append(faults, fmt.Errorf("--output: %q is not one of %s", c.Output, strings.Join(conformance.Formats, ", ")))
	}
	if err := config.Join(faults...); err != nil {
		return o, err
	}
	warnOfPlainText(streams.Err, "--url", c.URL)
	if c.Compare != "" {
		warnOfPlainText(streams.Err, "--compare", c.Compare)
	}
	return o, nil
}
