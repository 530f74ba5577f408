package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/admission"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/control"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/faults"
	"github.com/deployrecords/deployrecords/internal/fixture"
	"github.com/deployrecords/deployrecords/internal/httpserver"
	"github.com/deployrecords/deployrecords/internal/sandbox"
)

// This file has what --control adds to serve --memory.

// servedStore is the store of a server.
type servedStore interface {
	deployments.Store
	Ready(context.Context) error
	Shares() admission.Shares
	LargeBodies() *admission.Gate
	RunBackground(context.Context, *slog.Logger)
	Close() error
}

// controlled is a server that tests steer.
type controlled struct {
	main       *sandbox.Sandbox
	operations faults.Operations
}

// openControlled opens the store of --memory as that of a sandbox. It returns nil without --control.
func (c *serveCommand) openControlled(ctx context.Context, files []fixture.File, stdin io.Reader, issuer sandbox.Issuer) (*controlled, error) {
	if c.Control == "" {
		return nil, nil
	}
	if err := c.readStandardInput(files, stdin); err != nil {
		return nil, err
	}
	operations, err := faults.ReadOperations(deployrecords.OpenAPI(), contract.RecordingOpenAPI())
	if err != nil {
		return nil, err
	}
	main, err := sandbox.New(ctx, sandbox.Options{Organization: c.Organization, Files: files, Now: c.Now.Value, Operations: operations})
	if err != nil {
		return nil, err
	}
	main.Issuer = issuer
	return &controlled{main, operations}, nil
}

// controlReadTimeout limits the time for receiving a request of the control API, and controlWriteTimeout that for its response,
// which may wait for a minute.
const (
	controlReadTimeout  = 30 * time.Second
	controlWriteTimeout = 2 * time.Minute
)

// serveControl serves the control API until stop is called, which ends all sandboxes, too. It returns its URL.
func (c *serveCommand) serveControl(s *controlled, settings httpserver.Options, newHandler sandbox.NewHandler, logger *slog.Logger) (url string, stop func(), err error) {
	host, _, err := net.SplitHostPort(c.Control)
	if err != nil {
		return "", nil, err
	}
	sandboxes, err := sandbox.NewSet(s.main, settings, newHandler, host, s.operations)
	if err != nil {
		return "", nil, err
	}
	handler, err := control.New(sandboxes, c.ControlAllowRemote.Value, logger)
	if err != nil {
		return "", nil, err
	}
	listener, err := net.Listen("tcp", c.Control)
	if err != nil {
		return "", nil, listenError(c.Control, "--control", err)
	}
	server := &http.Server{
		Handler: handler, ReadTimeout: controlReadTimeout, WriteTimeout: controlWriteTimeout, IdleTimeout: controlWriteTimeout,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	logger.Info("listening for control", "address", listener.Addr().String())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			logger.Error("the listener for control failed", "error", err)
		}
	}()
	return sandbox.BaseURL(listener.Addr()), func() {
		_ = server.Close()
		<-stopped
		sandboxes.Close()
	}, nil
}
