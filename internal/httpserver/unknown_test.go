package httpserver_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/api"
	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/contracttest"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

func rejectUnknown(o *options) { o.RejectUnknownParameters = true }

func TestQ1_UnknownParametersAreIgnoredByDefault(t *testing.T) {
	server, _ := onSQLite(t)
	for _, query := range []string{"?envronment_name=x", "?x&x=%00&y=%FF", "?Status=x"} {
		if answer := server.get(query); answer.status != 200 {
			t.Errorf("%s: got %d %s", query, answer.status, answer.body)
		}
		if answer := server.post(recordPath+query, deployment(1)); answer.status != 200 {
			t.Errorf("POST %s: got %d %s", query, answer.status, answer.body)
		}
	}
}

func TestQ1_RejectNamesTheNearestKnownParameter(t *testing.T) {
	server, _ := onSQLite(t, rejectUnknown)
	for name, want := range map[string]string{
		"envronment_name":     "environment_name",
		"environmentName":     "environment_name",
		"environment":         "environment_name",
		"Status":              "status",
		"status[]":            "status",
		"state":               "status",
		"page":                "pagination.page",
		"pageSize":            "pagination.page_size",
		"page_size":           "pagination.page_size",
		"pagination.pageSize": "pagination.page_size",
		"pagination[page]":    "pagination.page",
		"kind":                "artifact_kind",
		"digest":              "artifact_digest",
		"version":             "project_version_name",
		"project":             "project_name",
		"history":             "full_history",
		"full-history":        "full_history",
		"logical_envronment":  "logical_environment_name",
		"deployment_names":    "deployment_name",
		"project_versin_name": "project_version_name",
	} {
		answer := server.get("?" + url.QueryEscape(name) + "=x&status=DEPLOYED")
		details := answer.details(t)
		if answer.status != 400 || len(details) != 1 || !strings.HasPrefix(strings.Trim(details[0], `"`), name) ||
			!strings.HasSuffix(details[0], ": is not a parameter of GET /v1/deployments; the nearest one is "+want) {
			t.Errorf("%s: got %d %q, want %s", name, answer.status, details, want)
		}
	}
	for _, name := range []string{"tenant", "x", "1", "__", "created_after"} {
		if details := server.get("?" + url.QueryEscape(name) + "=x").details(t); len(details) != 1 || !strings.HasSuffix(details[0], ": is not a parameter of GET /v1/deployments") {
			t.Errorf("%s resembles no parameter: got %q", name, details)
		}
	}
	for _, query := range []string{"", "?", "?&&", "?status=DEPLOYED&pagination%2Epage=0"} {
		if answer := server.get(query); answer.status != 200 {
			t.Errorf("%q: got %d %s", query, answer.status, answer.body)
		}
	}
	var all []string
	for _, name := range api.ListParameters {
		switch name {
		case "status", "artifact_kind", "full_history":
		case "artifact_digest": // the document may have a pattern
			all = append(all, name+"="+storetest.Digest(1))
		default:
			all = append(all, name+"=1")
		}
	}
	if answer := server.get("?" + strings.Join(all, "&")); answer.status != 200 {
		t.Errorf("every parameter: got %d %s", answer.status, answer.body)
	}
}

func TestQ1_RejectReportsEveryUnknownParameterOnceBesideOtherViolations(t *testing.T) {
	server, _ := onSQLite(t, rejectUnknown)
	answer := server.get("?%00=1&x=1&x=2&" + strings.Repeat("y", 500) + "&status=x&=1")
	for _, want := range []string{`"": is not`, `"\x00": is not`, "x: is not", `"` + strings.Repeat("y", 64) + `"…: is not`, `status: "x" is not one of`} {
		if n := strings.Count(strings.Join(answer.details(t), "\n"), want); n != 1 {
			t.Errorf("%s is there %d times: %q", want, n, answer.details(t))
		}
	}
}

func TestQ1_RejectAppliesToRecordingsToo(t *testing.T) {
	server, _ := onSQLite(t, rejectUnknown)
	for path, body := range map[string]string{recordPath: deployment(1), batchPath: batchBody("", deployment(1))} {
		answer := server.post(path+"?dry_run=true", body)
		if got, want := answer.details(t), []string{"dry_run: is not a parameter of POST " + path + ", which has none"}; answer.status != 400 || !slices.Equal(got, want) {
			t.Errorf("%s: got %d %q", path, answer.status, got)
		}
		if answer := server.post(path, body); answer.status != 200 {
			t.Errorf("%s: got %d %s", path, answer.status, answer.body)
		}
	}
}

// A documented parameter that this server does not implement is known: it stays a 501 under each of its names.
func TestQ1_RejectLeavesUnsupportedParametersUnimplemented(t *testing.T) {
	document := contracttest.Changed(t, contracttest.Base(),
		contracttest.Insert("paths /v1/deployments get parameters", 0, "{in: query, name: test_statuses, schema: {type: string}}"),
		contracttest.Insert("paths /v1/deployments get parameters", 0, "{in: query, name: 'labels[string]', schema: {type: string}}"))
	server, _ := onSQLite(t, rejectUnknown, func(o *options) {
		o.Document, o.client = document, contracttest.ClientOf(t, document, contract.RecordingOpenAPI())
	})
	for query, want := range map[string]int{"?test_statuses=x": 501, "?labels[team]=x": 501, "?test_status=x": 400} {
		answer := server.get(query)
		if answer.status != want {
			t.Errorf("%s: got %d %s", query, answer.status, answer.body)
		}
		if want == 400 && !strings.HasSuffix(answer.details(t)[0], "the nearest one is status") {
			t.Errorf("the message names a parameter that is a 501: %q", answer.details(t))
		}
	}
}
