package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/alecthomas/kong"
	"go.opentelemetry.io/otel/trace"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/config"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/fixture"
	"github.com/deployrecords/deployrecords/internal/httpserver"
	"github.com/deployrecords/deployrecords/internal/sandbox"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/ui"
)

type serveCommand struct {
	config.Serve
}

// Help is printed by serve --help.
func (serveCommand) Help() string {
	return `The server migrates the database when it starts; several servers may start at the same time. On SIGTERM it waits for --drain-delay, finishes the running requests and exits. Each flag has the environment variable in its description; a flag takes precedence.

With --memory, the server is a fixture for tests of clients: it needs no database and no key, and writes nothing to disk. Once it listens, it prints two lines on standard output: its URL, and a token that may read and record in the organization until the server exits. It accepts tokens of other configured keys too. With --now, its clock stands still; only tokens expire by the real time. With --control, it prints a third line, the URL of an API by which tests create more servers, make requests fail and read what was received. With --variant, it reads upstream's document in another legal way.

Examples:

  export DATABASE_URL=postgres://deployrecords@db.internal/deployrecords
  export JWT_HMAC_SECRET_FILE=/run/secrets/jwt
  deployrecords serve --listen :8080

  deployrecords serve --memory --load records.ndjson \
    --now 2026-11-01T09:30:00Z --listen 127.0.0.1:0
  DEPLOYRECORDS_URL=http://127.0.0.1:43117
  DEPLOYRECORDS_TOKEN=eyJhbGciOi...`
}

func (c *serveCommand) Run(ctx context.Context, streams Streams, parsed *kong.Context) error {
	logger := newLogger(&c.Serve, streams.Err)
	checked, err := c.check(parsed, logger)
	if err != nil {
		return usageError{err}
	}

	// Compaction and the fetch of keys go on while the server drains.
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBackground()
	verifier, verifiers, err := checked.verifiers(background)
	if err != nil {
		return usageError{config.Join(err)}
	}
	logger.Info("starting", "version", build.version, "contract", deployrecords.ContractDigest(), "settings", &c.Serve)
	checked.trust.warn(ctx)
	if c.Audience == "" && (c.PublicKeyFile != "" || c.JWKSURL != "") {
		logger.Warn("--jwt-audience is not set: tokens that the issuer made for other services are accepted too")
	}
	checked.trust.start(background, verifiers)
	traces, err := startTraces(ctx, checked.tracesProtocol, logger)
	if err != nil {
		return err
	}
	defer traces.stop()
	defer collectRarely(c.MaxTotalBodyBytes.Value)()

	steered, err := c.openControlled(ctx, checked.files, streams.In, checked.issuer)
	if err != nil {
		return err
	}
	var s servedStore
	if steered != nil {
		s = steered.main.Store
	} else if s, err = c.open(ctx, checked.files, streams.In, traces.provider(), logger); err != nil {
		return err
	}
	defer s.Close()
	shares := s.Shares()
	logger.Info("opened the database", "max_concurrent_lists", shares.Listings,
		"max_concurrent_counted_lists", shares.CountedListings, "max_concurrent_recordings", shares.Recordings)
	backgroundStopped := make(chan struct{})
	go func() {
		defer close(backgroundStopped)
		s.RunBackground(background, logger)
	}()
	defer func() {
		stopBackground()
		<-backgroundStopped
	}()

	collected := c.metrics(s, verifier)
	options := c.handlerOptions(s, verifier, checked.pages, observer(collected), logger)
	if steered != nil {
		steered.main.Configure(&options)
	}
	handler, err := checked.variants.New(options)
	if err != nil {
		return err
	}
	stopMetrics, err := c.serveMetrics(collected, logger)
	if err != nil {
		return err
	}
	defer stopMetrics()
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return listenError(c.Listen, "LISTEN_ADDR or --listen", err)
	}
	defer listener.Close() // Serve has closed it before, unless it was not called
	logger.Info("listening", "address", listener.Addr().String())
	served, url := traces.handler(handler), sandbox.BaseURL(listener.Addr())
	var controlURL string
	if steered != nil {
		steered.main.URL, steered.main.Token = url, checked.token
		served = steered.main.Handler(served)
		var stopControl func()
		if controlURL, stopControl, err = c.serveControl(steered, options, checked.variants.New, logger); err != nil {
			return err
		}
		defer stopControl()
		defer context.AfterFunc(ctx, steered.main.Faults.Close)() // the server waits for requests, and they for their delays
	}
	if c.InMemory.Value {
		if err := announce(streams.Out, url, checked.token, controlURL); err != nil {
			return err
		}
	}
	if err := httpserver.Serve(ctx, listener, served, options.Limits, logger); err != nil {
		return err
	}
	logger.Info("stopped")
	return nil
}

// open opens the store in memory, with the records of the files, or on the database.
func (c *serveCommand) open(ctx context.Context, files []fixture.File, stdin io.Reader, traces trace.TracerProvider, logger *slog.Logger) (*store.Store, error) {
	if c.InMemory.Value {
		return c.openMemory(ctx, files, stdin)
	}
	open := openStore
	perTransaction := c.SessionSettings == config.PerTransaction
	if c.ReadOnly.Value || perTransaction {
		open = openExisting // a standby gets the schema from its primary, and a migration holds the lock of a session
	}
	return open(ctx, &c.Database, store.Options{
		MaxConcurrentLists: int(c.MaxConcurrentLists.Value), // 0 if not set
		MaxWait:            c.MaxWait.Value,
		Quotas:             c.quotas(),
		PerTransaction:     perTransaction,
		Timeouts: store.Timeouts{
			Statement: c.RequestTimeout.Value,
			Lock:      min(lockTimeout, c.RequestTimeout.Value/2), // so that the deadline follows a lock timeout, a 503
			Idle:      c.RequestTimeout.Value,                     // later, no request uses the transaction
		},
		ReplicaURL:    c.ReplicaURL,
		ReplicaMaxLag: c.ReplicaMaxLag.Value,
		ReadOnly:      c.ReadOnly.Value,
		Logger:        logger,
		Traces:        traces,
	}, logger)
}

func (c *serveCommand) quotas() store.Quotas {
	q := &c.Quotas
	return store.Quotas{
		Environments: q.Environments.Value, LogicalEnvironments: q.LogicalEnvironments.Value, Deployments: q.Deployments.Value,
		Projects: q.Projects.Value, ProjectVersions: q.ProjectVersions.Value, IdempotencyKeys: q.IdempotencyKeys.Value,
	}
}

// checkOrganizations returns the violations of --organizations.
func checkOrganizations(organizations *config.Organizations) (violations []error) {
	for _, name := range organizations.Allowed {
		if err := deployments.CheckOrganization(name); err != nil {
			violations = append(violations, fmt.Errorf("--organizations: %s %w", deployments.Quote(name), err))
		}
	}
	return violations
}

// lockTimeout is how long a recording keeps its connection while it waits for another transaction. Then it returns the
// connection and tries again.
const lockTimeout = 3 * time.Second

// handlerOptions returns the options of the server's handler.
func (c *serveCommand) handlerOptions(
	s servedStore, verifier *auth.Verifier, pages *ui.Options, observer httpserver.Observer, logger *slog.Logger,
) httpserver.Options {
	return httpserver.Options{
		Store:    s,
		Verifier: verifier,
		Paging: deployments.Paging{
			FirstPage:   int32(c.FirstPage.Value),
			DefaultSize: int32(c.PageSize()),
			MaxSize:     int32(c.MaxPageSize.Value),
		},
		Document:          deployrecords.OpenAPI(),
		RecordingDocument: contract.RecordingOpenAPI(),
		AutoCreate:        c.AutoCreate.Value,
		CORSOrigins:       c.CORSOrigins,
		Gzip:              c.Gzip.Value,
		UI:                pages,
		Now:               c.clock(),
		Logger:            logger,
		Limits:            c.limits(),
		LargeBodies:       s.LargeBodies(),
		Observer:          observer,

		RejectUnknownParameters: c.UnknownParameters == "reject",
	}
}

func (c *serveCommand) limits() httpserver.Limits {
	return httpserver.Limits{
		ReadHeader:  c.ReadHeaderTimeout.Value,
		Read:        c.ReadTimeout.Value,
		Write:       c.WriteTimeout.Value,
		Idle:        c.IdleTimeout.Value,
		Handle:      c.RequestTimeout.Value,
		Drain:       c.DrainDelay.Value,
		Shutdown:    c.ShutdownTimeout.Value,
		HeaderBytes: int(c.MaxHeaderBytes.Value),
		BodyBytes:   c.MaxBodyBytes.Value,

		TotalBodyBytes: c.MaxTotalBodyBytes.Value,
		Rate:           int(c.RateLimit.Value),
		Connections:    int(c.MaxClientConnections.Value),
	}
}

func newLogger(s *config.Serve, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(s.LogLevel)) // Validate reports an unknown level
	options := &slog.HandlerOptions{Level: level}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
