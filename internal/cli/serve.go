package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/alecthomas/kong"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/config"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/httpserver"
	"github.com/deployrecords/deployrecords/internal/store"
)

type serveCommand struct {
	config.Serve
}

// Help is printed by serve --help.
func (serveCommand) Help() string {
	return `The database is migrated at the start; several servers may start at once. SIGTERM ends the server after the requests under way. Every flag can be given by the environment variable that stands behind it.

With --memory it is a server for the tests of a client: it needs no database and no key, and writes nothing to disk. As soon as it listens, it prints two lines on standard output, its URL and a token that may read and record in the organization for as long as the server runs. Any keys that are set count too. With --now, whatever is stamped or judged by a time of day goes by that time, except for tokens, which go by the real one.

Examples:

  export DATABASE_URL=postgres://deployrecords@db.internal/deployrecords
  export JWT_HMAC_SECRET_FILE=/run/secrets/jwt
  deployrecords serve --listen :8080

  deployrecords serve --memory --load records.ndjson --now 2026-11-01T09:30:00Z --listen 127.0.0.1:0
  DEPLOYRECORDS_URL=http://127.0.0.1:43117
  DEPLOYRECORDS_TOKEN=eyJhbGciOi...`
}

func (c *serveCommand) Run(ctx context.Context, streams Streams, parsed *kong.Context) error {
	logger := newLogger(&c.Serve, streams.Err)
	options, keyFaults := verifierOptions(&c.Keys)
	options.AllowMissingScope = c.AllowMissingScope.Value
	options.Logger = logger
	faults := c.Faults()
	var token string
	if c.InMemory.Value {
		var err error
		token, err = c.developmentToken(&options)
		faults = append(faults, err)
	} else {
		faults = append(faults, store.CheckURL(c.Database.URL))
	}
	faults = append(faults, options.Check())
	faults = append(faults, keyFaults...)
	faults = append(faults, flagFaults(parsed, c.InMemory.Value)...)
	if err := config.Join(faults...); err != nil {
		return usageError{err}
	}

	background, stopBackground := context.WithCancel(ctx)
	defer stopBackground()
	verifier, err := auth.New(background, options)
	if err != nil {
		return usageError{config.Join(err)}
	}
	logger.Info("starting", "version", Version, "contract", deployrecords.ContractDigest(), "settings", &c.Serve)

	defer collectRarely()()
	s, err := c.open(ctx, streams.In, logger)
	if err != nil {
		return err
	}
	defer s.Close()
	logger.Info("opened the database", "lists_at_once", s.MaxConcurrentLists())
	folded := make(chan struct{})
	go func() {
		defer close(folded)
		s.RunCompaction(background, logger)
	}()
	defer func() {
		stopBackground()
		<-folded
	}()

	handler, err := httpserver.New(httpserver.Options{
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
		Now:               c.clock(),
		Logger:            logger,
		Limits:            c.limits(),
	})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.Listen, err)
	}
	logger.Info("listening", "address", listener.Addr().String())
	if c.InMemory.Value {
		if err := announce(streams.Out, listener.Addr(), token); err != nil {
			_ = listener.Close()
			return err
		}
	}
	if err := httpserver.Serve(ctx, listener, handler, c.limits(), logger); err != nil {
		return err
	}
	logger.Info("stopped")
	return nil
}

// open opens the store, in memory or on the database of the settings.
func (c *serveCommand) open(ctx context.Context, stdin io.Reader, logger *slog.Logger) (*store.Store, error) {
	if c.InMemory.Value {
		return c.openMemory(ctx, stdin)
	}
	return openStore(ctx, &c.Database, store.Options{
		MaxConcurrentLists:         int(c.MaxLists.Value), // 0 if it is not set
		StatementTimeout: c.RequestTimeout.Value,
	}, logger)
}

func (c *serveCommand) limits() httpserver.Limits {
	return httpserver.Limits{
		ReadHeader:  c.ReadHeaderTimeout.Value,
		Read:        c.ReadTimeout.Value,
		Write:       c.WriteTimeout.Value,
		Idle:        c.IdleTimeout.Value,
		Handle:      c.RequestTimeout.Value,
		Shutdown:    c.ShutdownTimeout.Value,
		HeaderBytes: int(c.MaxHeaderBytes.Value),
		BodyBytes:   c.MaxBodyBytes.Value,
	}
}

func newLogger(s *config.Serve, w io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(s.LogLevel)) // Faults judges it
	options := &slog.HandlerOptions{Level: level}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// verifierOptions reads the keys that the settings name. What they hold, auth.New judges.
func verifierOptions(keys *config.Keys) (options auth.Options, faults []error) {
	options = auth.Options{
		JWKSURL:           keys.JWKSURL,
		Issuer:            keys.Issuer,
		Audience:          keys.Audience,
		OrganizationClaim: keys.OrganizationClaim,
	}
	secrets, err := readSecrets(&keys.Secrets)
	if err != nil {
		faults = append(faults, err)
	}
	options.HMACSecrets = secrets
	if keys.PublicKeyFile != "" {
		if options.PublicKeyPEM, err = os.ReadFile(keys.PublicKeyFile); err != nil {
			faults = append(faults, fmt.Errorf("--jwt-public-key-file: %w", err))
		}
	}
	return options, faults
}

// readSecrets gives the HMAC secrets, that of the environment first.
func readSecrets(keys *config.Secrets) ([][]byte, error) {
	var secrets [][]byte
	if secret := keys.HMACSecret(); secret != "" {
		secrets = append(secrets, []byte(secret))
	}
	if keys.HMACSecretFile == "" {
		return secrets, nil
	}
	// What the environment gave is given back with an error too: its own faults are told in the same answer.
	file, err := os.Open(keys.HMACSecretFile)
	if err != nil {
		return secrets, fmt.Errorf("--jwt-hmac-secret-file: %w", err)
	}
	defer file.Close()
	more, err := auth.ReadSecrets(file)
	if err != nil {
		return secrets, fmt.Errorf("--jwt-hmac-secret-file %s: %w", keys.HMACSecretFile, err)
	}
	return append(secrets, more...), nil
}

// openStore waits for the database, migrates it and opens the store, with what the options say beyond the settings of
// the database.
func openStore(ctx context.Context, database *config.Database, o store.Options, logger *slog.Logger) (*store.Store, error) {
	migration, err := migrate(ctx, database, logger)
	if err != nil {
		return nil, err
	}
	if migration.From != migration.To {
		logger.Info("migrated the database", "from", migration.From, "to", migration.To)
	}
	o.URL, o.MaxConnections = database.URL, int(database.MaxConnections.Value)
	return store.Open(o)
}

// migrate tries again, with growing pauses, as long as the database is not there and the settings let it wait.
func migrate(ctx context.Context, database *config.Database, logger *slog.Logger) (store.Migration, error) {
	giveUp := time.Now().Add(database.Wait.Value)
	for pause := 250 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		migration, err := store.Migrate(ctx, database.URL)
		switch {
		case err == nil:
			return migration, nil
		case !errors.Is(err, deployments.ErrUnavailable) || ctx.Err() != nil:
			return migration, fmt.Errorf("prepare the database %s: %w", config.RedactURL(database.URL), err)
		case !time.Now().Before(giveUp):
			return migration, fmt.Errorf("gave up on the database %s after %s: %w", config.RedactURL(database.URL), database.Wait.Value, err)
		}
		pause = min(pause, time.Until(giveUp))
		logger.Warn("the database is not there yet", "again_in", pause.String(), "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// collectRarely lets garbage grow to some 140 MiB before it is collected: to four times of what is in use, which is a few
// megabytes, and of a reserve that counts as in use and that nothing ever touches, so that it takes no memory. Answers are
// made of short-lived memory, and while it is collected, for some milliseconds, requests wait for a processor: that was
// what the slowest of a hundred took. A GOGC that is not Go's default decides; with a GOMEMLIMIT nothing is reserved. The
// reserve lasts until release is called.
func collectRarely() (release func()) {
	const goDefault = 100
	if was := debug.SetGCPercent(400); was != goDefault {
		debug.SetGCPercent(was)
		return func() {}
	}
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return func() {} // a GOMEMLIMIT would count the reserve
	}
	reserve := make([]byte, 24<<20)
	return func() { runtime.KeepAlive(reserve) }
}
