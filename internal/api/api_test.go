package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/generated/server"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

func TestEveryValueOfTheDocumentsEnumsIsKnown(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(deployrecords.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	parameters := doc.Paths.Value("/v1/deployments").Get.Parameters
	for _, value := range parameters.GetByInAndName("query", "status").Schema.Value.Enum {
		if _, ok := statusFilters[server.ListDeploymentRecordsParamsStatus(value.(string))]; !ok {
			t.Errorf("the filter status=%s is not known", value)
		}
	}
	for _, value := range parameters.GetByInAndName("query", "artifact_kind").Schema.Value.Enum {
		if _, ok := kindFilters[server.ListDeploymentRecordsParamsArtifactKind(value.(string))]; !ok {
			t.Errorf("the filter artifact_kind=%s is not known", value)
		}
	}
	known := map[string]bool{"DEPLOYMENT_STATUS_UNSPECIFIED": true} // no record has it
	for _, status := range statuses {
		known[string(status)] = true
	}
	for _, value := range doc.Components.Schemas["DeploymentRecordDeploymentStatus"].Value.Enum {
		if !known[value.(string)] {
			t.Errorf("the status %s of a record is not known", value)
		}
	}
}

func TestAnUnknownEnumValueIsNotPassedOver(t *testing.T) {
	status := server.ListDeploymentRecordsParamsStatus("PAUSED")
	kind := server.ListDeploymentRecordsParamsArtifactKind("WASM")
	for _, params := range []server.ListDeploymentRecordsParams{{Status: &status}, {ArtifactKind: &kind}} {
		ctx := WithCaller(context.Background(), Caller{})
		_, err := New(nil, deployments.DefaultPaging(), true, time.Now).ListDeploymentRecords(ctx, server.ListDeploymentRecordsRequestObject{Params: params})
		if problem := ProblemOf(err); problem.Status != http.StatusNotImplemented {
			t.Errorf("got %v", err)
		}
	}
}

func TestWithoutACallerNothingIsAnswered(t *testing.T) {
	_, err := New(nil, deployments.DefaultPaging(), true, time.Now).ListDeploymentRecords(context.Background(), server.ListDeploymentRecordsRequestObject{})
	if !errors.Is(err, errNoCaller) {
		t.Errorf("got %v", err)
	}
}

func TestR3_EveryStatusHasItsCodeAndItsSchema(t *testing.T) {
	for status, code := range map[int]int{
		400: 3, 401: 16, 403: 7, 404: 5, 405: 12, 409: 10, 413: 3, 415: 3, 422: 9, 429: 8, 431: 3, 500: 13, 501: 12, 503: 14, 504: 4,
	} {
		problem := &Problem{Status: status, Message: "m", Details: []string{"d"}, RetryAfter: 1500 * time.Millisecond}
		var body struct {
			Code    int
			Message string
			Details []string
		}
		if err := json.Unmarshal(problem.Body(), &body); err != nil {
			t.Fatal(err)
		}
		details := "[]"
		if status == 400 || status == 401 || status == 403 || status == 500 {
			details = "[d]"
		}
		if body.Code != code || body.Message != "m" || body.Details == nil || fmt.Sprint(body.Details) != details {
			t.Errorf("%d: got %s", status, problem.Body())
		}
		header := http.Header{}
		problem.Header(header)
		if header.Get("Retry-After") != "2" || header.Get("Content-Type") != "application/json" {
			t.Errorf("%d: got %v", status, header)
		}
		if got := ProblemOf(fmt.Errorf("wrapped: %w", problem)); got != problem {
			t.Errorf("%d: ProblemOf gave %v", status, got)
		}
	}
	if got := ProblemOf(&Problem{Status: 418, Message: "teapot"}); got.Status != 500 || strings.Contains(got.Message, "teapot") {
		t.Errorf("a status without a code: got %+v", got)
	}
	for err, status := range map[error]int{
		deployments.ErrUnavailable:        503,
		context.DeadlineExceeded:          504,
		context.Canceled:                  503,
		errors.New("SELECT secret"):       500,
		fmt.Errorf("x: %w", errNoCaller):  500,
		BadRequest([]string{"a: is bad"}): 400,
	} {
		problem := ProblemOf(err)
		if problem.Status != status || strings.Contains(string(problem.Body()), "secret") {
			t.Errorf("%v: got %d %s", err, problem.Status, problem.Body())
		}
	}
}
