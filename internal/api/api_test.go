package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/deployrecords/deployrecords/generated/server"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

func TestEveryValueOfTheDocumentsEnumsIsMapped(t *testing.T) {
	operation := listOperation(t)
	enum := func(parameter string) []any {
		found := operation.Parameters.GetByInAndName("query", parameter)
		if found == nil {
			t.Errorf("the document has no parameter %s", parameter)
			return nil
		}
		return found.Schema.Value.Enum
	}
	for _, value := range enum("status") {
		if _, ok := statusFilters[server.ListDeploymentRecordsParamsStatus(fmt.Sprint(value))]; !ok && !slices.Contains(unsupportedValues["status"], fmt.Sprint(value)) {
			t.Errorf("the filter status=%v is not known: enter it in statusFilters of internal/api/enums.go, or in unsupportedValues", value)
		}
	}
	for _, value := range enum("artifact_kind") {
		if _, ok := kindFilters[server.ListDeploymentRecordsParamsArtifactKind(fmt.Sprint(value))]; !ok && !slices.Contains(unsupportedValues["artifact_kind"], fmt.Sprint(value)) {
			t.Errorf("the filter artifact_kind=%v is not known: enter it in kindFilters of internal/api/enums.go, or in unsupportedValues", value)
		}
	}
	known := append([]string{"DEPLOYMENT_STATUS_UNSPECIFIED"}, unsupportedValues["status"]...) // no record has these
	for _, status := range statuses {
		known = append(known, string(status))
	}
	met := false
	eachSchema("", operation.Responses.Status(200).Value.Content["application/json"].Schema.Value, func(location string, schema *openapi3.Schema) {
		for _, value := range schema.Enum {
			met = true
			if location != "deployment_records[].status" || !slices.Contains(known, fmt.Sprint(value)) {
				t.Errorf("the value %v of %s is not known: enter it in statuses of internal/api/enums.go, or in laterValues", value, location)
			}
		}
	})
	if !met {
		t.Error("the document's records have no enum any more")
	}
}

// The generator names constants after the values, and numbers them where two names would be equal.
func TestEveryConstantHasTheValueOfItsName(t *testing.T) {
	for status, value := range statuses {
		if string(value) != status.String() {
			t.Errorf("%s goes out as %s", status, value)
		}
	}
	for value, status := range statusFilters {
		if status != deployments.AnyStatus && string(value) != status.String() {
			t.Errorf("status=%s filters by %s", value, status)
		}
	}
	for value, kind := range kindFilters {
		if kind != deployments.AnyKind && string(value) != kind.String() {
			t.Errorf("artifact_kind=%s filters by %s", value, kind)
		}
	}
}

func TestAnUnknownEnumValueIsNotImplemented(t *testing.T) {
	status := server.ListDeploymentRecordsParamsStatus("PAUSED")
	kind := server.ListDeploymentRecordsParamsArtifactKind("WASM")
	for _, params := range []server.ListDeploymentRecordsParams{{Status: &status}, {ArtifactKind: &kind}} {
		ctx := WithCaller(context.Background(), Caller{})
		_, err := New(nil, deployments.DefaultPaging(), true).ListDeploymentRecords(ctx, server.ListDeploymentRecordsRequestObject{Params: params})
		if problem := ProblemOf(err); problem.Status != http.StatusNotImplemented {
			t.Errorf("got %v", err)
		}
	}
}

func TestAnOperationNeedsACaller(t *testing.T) {
	_, err := New(nil, deployments.DefaultPaging(), true).ListDeploymentRecords(context.Background(), server.ListDeploymentRecordsRequestObject{})
	if !errors.Is(err, errNoCaller) {
		t.Errorf("got %v", err)
	}
}

func TestR3_EveryStatusHasItsCodeAndSchema(t *testing.T) {
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
