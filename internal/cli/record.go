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
	Environment        string   `required:"" placeholder:"NAME" help:"Where it was deployed to: a cluster, a server."`
	LogicalEnvironment *string  `placeholder:"NAME" help:"The environment's stage, as production."`
	Deployment         string   `required:"" placeholder:"NAME" help:"The slot in the environment: what keeps its name from version to version."`
	Image              *string  `placeholder:"REF" group:"Artifact" help:"A container image: NAME:TAG@DIGEST, the tag may be left out. The name is recorded as it is written, with its registry."`
	Chart              *string  `placeholder:"NAME" group:"Artifact" help:"A Helm chart, instead of an image; with --version and --digest."`
	Version            *string  `placeholder:"TEXT" group:"Artifact" help:"The chart's version."`
	Digest             *string  `placeholder:"DIGEST" group:"Artifact" help:"The chart's digest: sha256: or sha512: and hex digits in lower case."`
	Project            []string `sep:"none" placeholder:"NAME" group:"Artifact" help:"A project that the artifact belongs to; with --project-version. For several, repeat both."`
	ProjectVersion     []string `sep:"none" placeholder:"NAME" group:"Artifact" help:"The version of the project; the first is that of the first --project, and so on."`
	Decommission       bool     `help:"Record that it does not run there any more. With the digest, only if that artifact is what runs there; without, whatever image (or chart) does."`
	IdempotencyKey     *string  `placeholder:"KEY" help:"Makes it safe to run the command again later: for 24 hours the same key records the same thing once. 1 to 128 visible ASCII characters; by default a random one for all tries of this run."`
	Output             string   `default:"text" placeholder:"text|json" help:"One line, or the server's answer as it came (${default})."`
	config.Client
}

// Help is printed by record --help.
func (recordCommand) Help() string {
	return `The line that is printed is the record that says so now. Recording again what runs there already adds nothing. While the server can't be reached, is too busy (429) or fails (5xx), the command goes on trying for --retry-for, with growing pauses; all tries are one recording.

Exit codes:

  0  recorded
  2  the command or its settings are wrong; nothing was sent
  3  the server refused it and says why; trying again will not help
  4  the server can't be reached or fails: whether it was recorded is not known,
     and the same command with the --idempotency-key that is told settles it
  1  anything else, as being interrupted

Examples:

  export DEPLOYRECORDS_URL=https://deployrecords.example.com DEPLOYRECORDS_TOKEN=…

  deployrecords record --environment prod-eu --deployment api \
    --image "registry.example.com/shop/api:1.4@$DIGEST"
  deployrecords record --environment prod-eu --deployment ingress \
    --chart ingress-nginx --version 4.11.2 --digest "$CHART_DIGEST" \
    --project platform --project-version v1.2
  deployrecords record --environment prod-eu --deployment api \
    --image registry.example.com/shop/api --decommission`
}

func (c *recordCommand) Run(ctx context.Context, streams Streams) error {
	body, faults := c.body()
	key := rand.Text()
	if c.IdempotencyKey != nil {
		key = *c.IdempotencyKey
		if key == "" || len(key) > 128 || !isHeaderText(key) {
			faults = append(faults, errors.New("--idempotency-key: is not 1 to 128 visible ASCII characters"))
		}
	}
	if c.Output != "text" && c.Output != "json" {
		faults = append(faults, fmt.Errorf("--output: %q is neither text nor json", c.Output))
	}
	caller, err := newCaller(&c.Client, streams.Err, faults...)
	if err != nil {
		return err
	}
	if named := c.namedInVain(); named != "" {
		fmt.Fprintf(streams.Err, "deployrecords: warning: without a digest, %s says nothing: whatever runs there is decommissioned\n", named)
	}
	client, err := recordingclient.NewClient(caller.base,
		recordingclient.WithHTTPClient(caller.http), recordingclient.WithRequestEditorFn(caller.authorize))
	if err != nil {
		return err
	}
	answer, err := caller.ask(ctx, func(ctx context.Context) (*http.Response, error) {
		return client.RecordDeployment(ctx, &recordingclient.RecordDeploymentParams{IdempotencyKey: &key}, body)
	})
	if err != nil {
		var coded exitError
		if ctx.Err() != nil || errors.As(err, &coded) && coded.code == exitUnreachable {
			err = fmt.Errorf("%w\nwhether it was recorded is not known; the same command with --idempotency-key %s records it once", err, key)
		}
		return err
	}
	var recorded recordingclient.RecordedDeployment
	if err := json.Unmarshal(answer, &recorded); err != nil || recorded.DeploymentRecord.Id == "" {
		return fmt.Errorf("%s answered 200, but not with a record: is --url right?", caller.base)
	}
	if c.Output == "json" {
		return writeBody(streams.Out, answer)
	}
	_, err = fmt.Fprintln(streams.Out, visible(c.sentence(recorded.DeploymentRecord)))
	return err
}

// sentence tells what is so now.
func (c *recordCommand) sentence(r recordingclient.DeploymentRecord) string {
	version := r.Artifact.Version
	if version == "" {
		version = shortDigest(r.Artifact.Digest)
	}
	// Other than DEPLOYED, a record has its status since it was changed last.
	since := r.UpdatedAt
	if r.Status == recordingclient.DeploymentRecordStatusDEPLOYED {
		since = r.CreatedAt
	}
	begin := "recorded"
	if c.Decommission && r.Status != recordingclient.DeploymentRecordStatusDECOMMISSIONED {
		begin = "nothing to decommission:"
	}
	return fmt.Sprintf("%s %s %s in %s: %s since %s (id %s)", begin,
		r.DeploymentName, version, r.EnvironmentName, r.Status, since.UTC().Format(time.RFC3339), r.Id)
}
