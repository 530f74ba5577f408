package httpserver_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

// failingRecorder returns the errors that a real database cannot be made to return at will.
type failingRecorder struct {
	stubStore
	record func(context.Context) error
}

func (s failingRecorder) Record(ctx context.Context, _ string, _ deployments.Batch) (deployments.BatchResult, error) {
	return deployments.BatchResult{}, s.record(ctx)
}

// The client of the server checks each response by the schema that the document has for its status.
func TestR3_EveryDocumentedStatusOfARecordingIsAnswered(t *testing.T) {
	server, _ := onSQLite(t, func(o *options) { o.Limits.BodyBytes, o.Limits.HeaderBytes = 4<<10, 8<<10 })
	failing := func(err error) *testServer {
		return newServer(t, failingRecorder{record: func(ctx context.Context) error {
			if errors.Is(err, context.DeadlineExceeded) {
				<-ctx.Done()
				return ctx.Err()
			}
			return err
		}}, func(o *options) { o.Limits.Handle = 100 * time.Millisecond })
	}
	type provocation struct {
		server  *testServer
		body    func(valid string) string
		headers []string
	}
	valid := func(body string) string { return body }
	provocations := map[string]provocation{
		"200": {server, valid, nil},
		"400": {server, func(string) string { return "{}" }, nil},
		"401": {server, valid, []string{"Authorization: Bearer x"}},
		"403": {server, valid, []string{"Authorization: Bearer " + token(t, "acme")}},
		"409": {failing(deployments.ErrConflict), valid, nil},
		"413": {server, func(body string) string { return body + strings.Repeat(" ", 5<<10) }, nil},
		"415": {server, valid, []string{"Content-Type: text/plain"}},
		"422": {server, func(body string) string { return strings.Replace(body, `"api"`, `"web"`, 1) }, []string{"Idempotency-Key: used"}},
		"429": {failing(&deployments.OverloadError{OwnShare: true, RetryAfter: time.Second}), valid, nil},
		"431": {server, valid, []string{"X-Long: " + strings.Repeat("x", 9<<10)}},
		"500": {failing(errors.New("broken")), valid, nil},
		"503": {failing(fmt.Errorf("%w: dial", deployments.ErrUnavailable)), valid, nil},
		"504": {failing(context.DeadlineExceeded), valid, nil},
	}
	server.post(recordPath, deployment(1), "Idempotency-Key: used").record(t)
	doc, err := openapi3.NewLoader().LoadFromData(contract.RecordingOpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		body := deployment(1)
		if strings.HasSuffix(path, "/batch") {
			body = batchBody("", body)
		}
		for status := range item.Post.Responses.Map() {
			p, ok := provocations[status]
			if !ok {
				t.Errorf("%s documents %s, and no request gets it", path, status)
				continue
			}
			if answer := p.server.post(path, p.body(body), p.headers...); strconv.Itoa(answer.status) != status {
				t.Errorf("%s: got %d %s, want %s", path, answer.status, answer.body, status)
			}
		}
		documented := slices.Collect(maps.Keys(item.Post.Responses.Map()))
		for status := range provocations {
			// A batch has no Idempotency-Key.
			if !slices.Contains(documented, status) && (status != strconv.Itoa(http.StatusUnprocessableEntity) || !strings.HasSuffix(path, "/batch")) {
				t.Errorf("%s does not document %s", path, status)
			}
		}
	}
}
