// Package spans adds a span for each statement to the trace of a request. Spans have the text of the statement and neither its
// values nor messages of the database, which may quote values. Statements outside of a trace, as those of compaction, have none.
package spans

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/XSAM/otelsql"
	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.opentelemetry.io/otel/metric/noop"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"go.opentelemetry.io/otel/trace"
)

// tracer is otelpgx's tracer for errors without messages.
type tracer struct{ *otelpgx.Tracer }

// Postgres returns a tracer of PostgreSQL's statements, or nil without a provider.
func Postgres(provider trace.TracerProvider) pgx.QueryTracer {
	if provider == nil {
		return nil
	}
	return tracer{otelpgx.NewTracer(otelpgx.WithTracerProvider(provider), otelpgx.WithMeterProvider(noop.NewMeterProvider()))}
}

// TraceQueryEnd implements pgx.QueryTracer.
func (t tracer) TraceQueryEnd(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryEndData) {
	data.Err = withoutMessage(data.Err)
	t.Tracer.TraceQueryEnd(ctx, conn, data)
}

// TracePrepareEnd implements pgx.PrepareTracer.
func (t tracer) TracePrepareEnd(ctx context.Context, conn *pgx.Conn, data pgx.TracePrepareEndData) {
	data.Err = withoutMessage(data.Err)
	t.Tracer.TracePrepareEnd(ctx, conn, data)
}

// TraceCopyFromEnd implements pgx.CopyFromTracer.
func (t tracer) TraceCopyFromEnd(ctx context.Context, conn *pgx.Conn, data pgx.TraceCopyFromEndData) {
	data.Err = withoutMessage(data.Err)
	t.Tracer.TraceCopyFromEnd(ctx, conn, data)
}

// TraceConnectEnd implements pgx.ConnectTracer. The message would have the address and the user.
func (t tracer) TraceConnectEnd(ctx context.Context, data pgx.TraceConnectEndData) {
	data.Err = withoutMessage(data.Err)
	t.Tracer.TraceConnectEnd(ctx, data)
}

var errFailed = errors.New("the log has the reason")

// withoutMessage returns an error with the SQLSTATE of an error, if it has one.
func withoutMessage(err error) error {
	var state *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &state):
		return &pgconn.PgError{Severity: state.Severity, Code: state.Code, Message: errFailed.Error()}
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	default:
		return errFailed
	}
}

// OpenSQLite is sql.OpenDB with spans, if there is a provider.
func OpenSQLite(connector driver.Connector, provider trace.TracerProvider) *sql.DB {
	if provider == nil {
		return sql.OpenDB(connector)
	}
	return otelsql.OpenDB(connector, otelsql.WithTracerProvider(provider), otelsql.WithMeterProvider(noop.NewMeterProvider()),
		otelsql.WithAttributes(semconv.DBSystemNameSQLite), otelsql.WithSpanOptions(otelsql.SpanOptions{
			OmitConnResetSession: true, OmitConnectorConnect: true, OmitRows: true, DisableErrSkip: true,
			RecordError: func(error) bool { return false },
			SpanFilter: func(ctx context.Context, _ otelsql.Method, _ string, _ []driver.NamedValue) bool {
				return trace.SpanFromContext(ctx).IsRecording()
			},
		}))
}
