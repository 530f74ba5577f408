package api

import (
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/generated/server"
	"github.com/deployrecords/deployrecords/internal/deployments"
)

func TestAListHasTheBytesOfTheGeneratedResponse(t *testing.T) {
	texts := []string{"", "a", "<b>&amp;", "line\u2028 separator\u2029", "\"quoted\" \\ / \x7f", "é 日本 🚀", "not UTF-8\xff", "\x00\x1f", strings.Repeat("long ", 100)}
	moments := []time.Time{
		{},
		time.Date(2026, 11, 1, 9, 30, 0, 0, time.UTC), time.Date(2026, 11, 1, 9, 30, 0, 123_000, time.UTC),
		time.Date(2026, 11, 1, 9, 30, 0, 120_000_000, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
	}
	var records []deployments.Record
	for i, text := range texts {
		at := func(n int) time.Time { return moments[(i+n)%len(moments)] }
		records = append(records, deployments.Record{
			ID: text, EnvironmentID: text, EnvironmentName: text, DeploymentName: text, ArtifactID: text,
			Status: deployments.Deployed, Artifact: deployments.Artifact{Kind: deployments.HelmChart, Name: text, Version: text, Digest: text},
			CreatedAt: at(0), UpdatedAt: at(1), LastSeenAt: at(2),
		})
		if i%2 == 1 {
			records[i].LogicalEnvironmentID, records[i].LogicalEnvironmentName = text, text
		}
	}
	for _, length := range []int{0, 1, len(records), 0, 2} { // one after the other, as they use the same memory
		pagination := server.OffsetPagination{Page: 3, PageSize: 20, TotalCount: 2147483647, TotalPages: 107374183}
		answer := server.ListDeploymentRecords200JSONResponse{DeploymentRecords: []server.DeploymentRecord{}, Pagination: pagination}
		for i := range records[:length] {
			answer.DeploymentRecords = append(answer.DeploymentRecords, fromRecord(&records[i]))
		}
		want, got := httptest.NewRecorder(), httptest.NewRecorder()
		if err := answer.VisitListDeploymentRecordsResponse(want); err != nil {
			t.Fatal(err)
		}
		if err := (listResponse{records[:length], pagination}).VisitListDeploymentRecordsResponse(got); err != nil {
			t.Fatal(err)
		}
		if got.Body.String() != want.Body.String() || got.Code != want.Code || got.Header().Get("Content-Type") != want.Header().Get("Content-Type") {
			t.Errorf("%d records: appendRecord does not write what fromRecord fills: got\n%s\nwant\n%s", length, got.Body, want.Body)
		}
		if got.Header().Get("Content-Length") != strconv.Itoa(got.Body.Len()) {
			t.Errorf("%d records: Content-Length is %s of %d bytes", length, got.Header().Get("Content-Length"), got.Body.Len())
		}
	}
}

func TestAListThatCannotBeEncodedSendsNothing(t *testing.T) {
	records := []deployments.Record{{Status: deployments.Deployed, CreatedAt: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)}}
	got := httptest.NewRecorder()
	err := listResponse{records: records}.VisitListDeploymentRecordsResponse(got)
	if err == nil || got.Body.Len() > 0 || len(got.Header()) > 0 {
		t.Errorf("got %v, %s, %v", err, got.Body, got.Header())
	}
}
