package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"syscall"
	"time"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/auth"
	"github.com/deployrecords/deployrecords/internal/httpserver"
	"github.com/deployrecords/deployrecords/internal/metrics"
	"github.com/deployrecords/deployrecords/internal/store"
)

// metrics returns the metrics of the server, or nil without --metrics-listen.
func (c *serveCommand) metrics(s servedStore, verifier *auth.Verifier) *metrics.Metrics {
	database, ok := s.(*store.Store)
	if c.MetricsListen == "" || !ok { // --metrics-listen does not go with --control
		return nil
	}
	m := metrics.New(build.version, deployrecords.ContractDigest())
	m.AddStore(database)
	m.AddKeys(verifier)
	return m
}

// observer returns what observes the requests, or nil.
func observer(m *metrics.Metrics) httpserver.Observer {
	if m == nil {
		return nil
	}
	return m.Requests
}

// serveMetrics serves the metrics, if there are any, until stop is called.
func (c *serveCommand) serveMetrics(m *metrics.Metrics, logger *slog.Logger) (stop func(), err error) {
	if m == nil {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", c.MetricsListen)
	if err != nil {
		return nil, listenError(c.MetricsListen, "METRICS_LISTEN_ADDR or --metrics-listen", err)
	}
	routes := http.NewServeMux()
	routes.Handle("/metrics", m.Handler(logger))
	if c.Profiles.Value {
		addProfiles(routes)
	}
	server := &http.Server{
		Handler: routes, ReadTimeout: 10 * time.Second, WriteTimeout: maxProfile + 10*time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	logger.Info("listening for metrics", "address", listener.Addr().String(), "profiles", c.Profiles.Value)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			logger.Error("the listener for metrics failed", "error", err)
		}
	}()
	return func() {
		_ = server.Close()
		<-stopped
	}, nil
}

// maxProfile is the longest profile or trace. net/http/pprof rejects a longer one.
const maxProfile = 2 * time.Minute

// addProfiles adds the profiles of Go without the command line, which may have a password.
func addProfiles(routes *http.ServeMux) {
	routes.HandleFunc("/debug/pprof/", pprof.Index)
	routes.HandleFunc("/debug/pprof/profile", pprof.Profile)
	routes.HandleFunc("/debug/pprof/trace", pprof.Trace)
	routes.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
}

// listenError names the address once, and the settings that change it if another program uses the address.
func listenError(address, settings string, err error) error {
	if failed, ok := errors.AsType[*net.OpError](err); ok {
		err = failed.Err
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listen on %s: %w; set %s to another address", address, err, settings)
	}
	return fmt.Errorf("listen on %s: %w", address, err)
}
