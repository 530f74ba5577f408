package cli

import (
	"context"
	"log/slog"
	"net/http"

	"go.opentelemetry.io/otel/trace"

	"github.com/deployrecords/deployrecords/internal/tracing"
)

// traces are those of the server; the zero value is none.
type traces struct {
	tracing *tracing.Tracing
	logger  *slog.Logger
}

// startTraces starts to export traces by a protocol, or returns none for "".
func startTraces(ctx context.Context, protocol string, logger *slog.Logger) (traces, error) {
	if protocol == "" {
		return traces{}, nil
	}
	started, err := tracing.Start(ctx, protocol, build.version, logger)
	if err != nil {
		return traces{}, err
	}
	logger.Info("exporting traces", "protocol", protocol)
	return traces{started, logger}, nil
}

// provider returns nil for none.
func (t traces) provider() trace.TracerProvider {
	if t.tracing == nil {
		return nil
	}
	return t.tracing.Provider
}

func (t traces) handler(next http.Handler) http.Handler {
	if t.tracing == nil {
		return next
	}
	return t.tracing.Handler(next)
}

func (t traces) stop() {
	if t.tracing == nil {
		return
	}
	if err := t.tracing.Stop(); err != nil {
		t.logger.Warn("the last traces could not be exported", "error", err)
	}
}
