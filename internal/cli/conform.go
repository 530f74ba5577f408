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
	"github.com/deployrecords/deployrecords/internal/conformance/report"
	"github.com/deployrecords/deployrecords/internal/contract"
)

type conformCommand struct {
	Document    string   `placeholder:"FILE" help:"OpenAPI document to judge by. The default is upstream's document, which this program embeds."`
	Strict      bool     `help:"Count differences from docs/semantics.md as faults, where the OpenAPI document leaves a choice."`
	Value       []string `placeholder:"NAME=VALUE" sep:"none" help:"Value of a parameter that records do not show, such as project_name=web. Repeatable."`
	Unsupported []string `placeholder:"NAME" sep:"none" help:"Parameter of the document that the server is known to answer with a 501. No other rule is tried with it. Repeatable."`
	Mapping     string   `placeholder:"FILE" help:"YAML that names the parts of another list of --document. The run then judges that list by the document and by metamorphic relations."`
	Output      string   `short:"o" default:"text" placeholder:"text|json|junit|html|github" help:"Format of the report; html is one page, and github annotations and the step summary of GitHub Actions."`
	config.Conform
}

// Help returns the text of conform --help.
func (conformCommand) Help() string {
	return `conform sends valid and invalid GET requests and checks every answer against the OpenAPI document and against metamorphic relations, which hold for every list whatever its data. It needs no knowledge of the data, and writes nothing unless --write is given. Other clients may write meanwhile. A token goes only to the URL that it belongs to, and redirects are not followed.

Where the document leaves a choice, the report lists the observed behaviour. docs/conformance.md explains the report and lists every rule.

Exit codes:

  0  no faults
  1  faults, or answers that differ from those of --compare
  2  nothing to judge: invalid settings or document, no server,
     a rejected token, another API

Examples:

  export DEPLOYRECORDS_URL=https://deployrecords.example.com
  export DEPLOYRECORDS_TOKEN=…

  deployrecords conform
  deployrecords conform --strict --value project_name=web \
    --output junit > conform.xml
  deployrecords conform --document openapi.next.yaml --requests 500 --seed 7
  deployrecords conform --write --other-token expired=expired.token`
}

const exitNotJudged = 2

func (c *conformCommand) Run(ctx context.Context, streams Streams) error {
	options, err := c.options(streams)
	if err != nil {
		return usageError{err}
	}
	result, err := conformance.Run(ctx, options)
	if err != nil {
		return exitError{fmt.Errorf("could not judge: %w", err), exitNotJudged}
	}
	if err := result.Write(streams.Out, c.Output); err != nil {
		return err
	}
	if c.Output == "github" {
		if err := writeStepSummary(streams, result); err != nil {
			return err
		}
	}
	switch {
	case result.Faults() > 0 || result.Comparison != nil && result.Comparison.Different > 0:
		return exitError{errors.New(result.Summary()), exitFailure}
	case result.Broken != "":
		return exitError{errors.New("could not judge: " + result.Broken), exitNotJudged}
	}
	return nil
}

// writeStepSummary appends the report to the step summary of GitHub Actions, or writes it to standard output in another
// place.
func writeStepSummary(streams Streams, r *report.Report) error {
	name := config.StepSummary()
	if name == "" {
		return r.WriteSummary(streams.Out, report.MaxSummary)
	}
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("the step summary: %w", err)
	}
	defer file.Close()
	written, err := file.Stat()
	if err != nil {
		return fmt.Errorf("the step summary: %w", err)
	}
	// The commands of the step before this one may have written a part.
	if err := errors.Join(r.WriteSummary(file, report.MaxSummary-int(written.Size())), file.Close()); err != nil {
		return fmt.Errorf("the step summary: %w", err)
	}
	return nil
}

// options returns the settings of a run, or an error with every violation.
func (c *conformCommand) options(streams Streams) (conformance.Options, error) {
	o := conformance.Options{
		Document: deployrecords.OpenAPI(), DocumentName: "upstream's openapi.yaml", Strict: c.Strict, Unsupported: c.Unsupported, Values: make(map[string][]string),
		Write: c.Write, RecordingDocument: contract.RecordingOpenAPI(), OtherTokens: make(map[string]string),
		Requests: int(c.Requests.Value), Seed: uint64(c.Seed.Value), Timeout: c.Timeout.Value, UserAgent: "deployrecords/" + build.version,
	}
	faults := c.Validate()
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
	if c.Mapping != "" {
		text, err := os.ReadFile(c.Mapping)
		if err != nil {
			err = fmt.Errorf("--mapping: %w", err)
		}
		faults = append(faults, err)
		o.Mapping = text
	}
	for _, text := range c.Value {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" || value == "" {
			faults = append(faults, fmt.Errorf("--value: %q is not NAME=VALUE", text))
		}
		o.Values[name] = append(o.Values[name], value)
	}
	for _, text := range c.OtherToken {
		kind, file, ok := strings.Cut(text, "=")
		if !ok || !slices.Contains(conformance.TokenKinds, kind) {
			faults = append(faults, fmt.Errorf("--other-token: %q is not KIND=FILE with one of the kinds %s", text, strings.Join(conformance.TokenKinds, ", ")))
			continue
		}
		token, err := readTokenFile("--other-token", file)
		faults = append(faults, err)
		o.OtherTokens[kind] = token
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
