package cli

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	recordingclient "github.com/deployrecords/deployrecords/generated/recording/client"
	"github.com/deployrecords/deployrecords/internal/config"
)

type recordCommand struct {
	Environment        string   `required:"" placeholder:"NAME" help:"Environment of the deployment, for example a cluster or a server."`
	LogicalEnvironment *string  `placeholder:"NAME" help:"Logical environment of the environment, for example production."`
	Deployment         string   `required:"" placeholder:"NAME" help:"Deployment name. It stays the same from version to version: a deployment name in an environment is a slot."`
	Image              *string  `placeholder:"REF" group:"Artifact" help:"Container image, as NAME:TAG@DIGEST or NAME@DIGEST. The name is recorded as given, with its registry."`
	Chart              *string  `placeholder:"NAME" group:"Artifact" help:"Helm chart, instead of --image; needs --version and --digest."`
	Version            *string  `placeholder:"TEXT" group:"Artifact" help:"Version of the chart."`
	Digest             *string  `placeholder:"DIGEST" group:"Artifact" help:"Digest of the chart: sha256: or sha512: and lower-case hex digits."`
	Project            []string `sep:"none" placeholder:"NAME" group:"Artifact" help:"Project of the artifact; needs --project-version. Repeat both for several projects."`
	ProjectVersion     []string `sep:"none" placeholder:"NAME" group:"Artifact" help:"Version of the project. The first --project-version belongs to the first --project, and so on."`
	Decommission       bool     `help:"Record that the deployment was removed. With a digest, only if this artifact runs there; without one, whichever image (or chart) runs there."`
	IdempotencyKey     *string  `placeholder:"KEY" help:"Key that makes a later repetition of the command safe: for 24 hours, the same key records the deployment once. 1 to 128 visible ASCII characters. Without it, all tries of this run share a random key."`
	ObservedAt         *string  `placeholder:"TIME" help:"When the deployment happened, as an RFC 3339 time such as 2026-11-01T09:30:00Z; without it, when the server receives the request. If the deployment has changed since then, nothing is recorded."`
	Output             string   `short:"o" default:"text" placeholder:"text|json" help:"One line, or the server's response."`
	config.Client      `set:"retry_for=2m"`
}

// Help is printed by record --help.
func (recordCommand) Help() string {
	return `Prints the resulting record. Recording an artifact that runs there already adds no record, and prints "already recorded". Decommissioning an artifact that never ran there adds a record, and prints "recorded as never seen before". While the server is unreachable, too busy (408, 409 "try again", 425, 429) or failing (5xx), the command retries for --retry-for with growing pauses; all tries together record once.

Exit codes:

  0  recorded
  1  any other error, for example an interrupt
  2  the command line or the settings are invalid; nothing was sent
  3  the server rejected the request; a retry fails too
  4  the server is unreachable or failing. The deployment may have been
     recorded: repeat the command with the --idempotency-key of the message

Examples:

  export DEPLOYRECORDS_URL=https://deployrecords.example.com
  export DEPLOYRECORDS_TOKEN=…

  deployrecords record --environment prod-eu --deployment api \
    --image "registry.example.com/shop/api:1.4@$DIGEST"
  deployrecords record --environment prod-eu --deployment ingress \
    --chart ingress-nginx --version 4.11.2 --digest "$CHART_DIGEST" \
    --project platform --project-version v1.2
  deployrecords record --environment prod-eu --deployment api \
    --image registry.example.com/shop/api --decommission`
}

// requiresOne names the flags of which the command needs one, for the first line of its help.
func (recordCommand) requiresOne() string { return "(--image=REF | --chart=NAME)" }

func (c *recordCommand) Run(ctx context.Context, streams Streams) error {
	body, violations := c.body()
	key := rand.Text()
	if c.IdempotencyKey != nil {
		key = *c.IdempotencyKey
		if key == "" || len(key) > 128 || !isHeaderText(key) {
			violations = append(violations, errors.New("--idempotency-key: is not 1 to 128 visible ASCII characters"))
		}
	}
	if c.Output != "text" && c.Output != "json" {
		violations = append(violations, fmt.Errorf("--output: %q is neither text nor json", c.Output))
	}
	api, err := newAPIClient(&c.Client, streams.Err, violations...)
	if err != nil {
		return err
	}
	api.flagNames = c.flagNames()
	if ignored := c.ignoredVersion(); ignored != "" {
		fmt.Fprintf(streams.Err, "deployrecords: warning: %s is ignored without a digest: whichever version runs there is decommissioned\n", ignored)
	}
	client, err := recordingclient.NewClient(api.base,
		recordingclient.WithHTTPClient(api.http), recordingclient.WithRequestEditorFn(api.authorize))
	if err != nil {
		return err
	}
	response, err := api.Do(ctx, func(ctx context.Context) (*http.Response, error) {
		return client.RecordDeployment(ctx, &recordingclient.RecordDeploymentParams{IdempotencyKey: &key}, body)
	})
	if err != nil {
		var coded exitError
		var unrecorded unrecordedError
		switch {
		case errors.As(err, &unrecorded):
			err = fmt.Errorf("%w\nnothing was recorded; repeat the command later", err)
		case ctx.Err() != nil, errors.As(err, &coded) && coded.code == exitUnreachable:
			err = fmt.Errorf("%w\nthe deployment may have been recorded; repeat the command with --idempotency-key %s to record it once", err, key)
		}
		return err
	}
	var recorded recordingclient.RecordedDeployment
	if err := json.Unmarshal(response, &recorded); err != nil || recorded.DeploymentRecord.Id == "" {
		return fmt.Errorf("%s responded 200 without a record: is --url right?", api.base)
	}
	c.warnOfStoredParts(streams.Err, body, recorded.DeploymentRecord.Artifact)
	c.warnOfLateness(streams.Err, recorded.DeploymentRecord, body)
	if c.Output == "json" {
		return writeBody(streams.Out, response)
	}
	_, err = fmt.Fprintln(streams.Out, visible(c.summary(recorded.DeploymentRecord, body)))
	return err
}

// summary returns the line that describes the resulting record.
func (c *recordCommand) summary(r recordingclient.DeploymentRecord, sent recordingclient.Deployment) string {
	version := r.Artifact.Version
	if version == "" {
		version = shortDigest(r.Artifact.Digest)
	}
	// A status other than DEPLOYED was set by the last update.
	since := r.UpdatedAt
	if r.Status == recordingclient.DeploymentRecordStatusDEPLOYED {
		since = r.CreatedAt
	}
	return fmt.Sprintf("%s %s %s in %s: %s since %s (id %s)", c.result(r, sent),
		r.DeploymentName, version, r.EnvironmentName, r.Status, since.UTC().Format(time.RFC3339), r.Id)
}

// result returns what the recording did to the resulting record, as far as the times of the record show it. A recording
// that adds a record sets three equal times. One of a running or decommissioned artifact moves last_seen_at (W3, W4), and a
// decommissioning moves updated_at beyond it.
func (c *recordCommand) result(r recordingclient.DeploymentRecord, sent recordingclient.Deployment) string {
	decommissioned := r.Status == recordingclient.DeploymentRecordStatusDECOMMISSIONED
	isNew := r.CreatedAt.Equal(r.UpdatedAt) && r.CreatedAt.Equal(r.LastSeenAt)
	seenAgain := r.LastSeenAt.After(r.CreatedAt) && !r.UpdatedAt.After(r.LastSeenAt)
	seenBefore := sent.ObservedAt != nil && sent.ObservedAt.Before(r.CreatedAt)
	switch {
	case c.isLate(r, sent):
		return "nothing recorded:"
	case c.Decommission && !decommissioned:
		return "nothing to decommission:"
	case decommissioned && isNew:
		return "recorded as never seen before:"
	case seenAgain, seenBefore && !c.Decommission:
		return "already recorded:"
	default:
		return "recorded"
	}
}
