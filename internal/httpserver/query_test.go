package httpserver_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestQ1_Q2_Q3_InvalidQueriesReportEveryViolation(t *testing.T) {
	server, _ := onSQLite(t, withDocument(t))
	const (
		statuses = "DEPLOYMENT_STATUS_UNSPECIFIED, DEPLOYED, DECOMMISSIONED, SUPERSEDED"
		kinds    = "ARTIFACT_KIND_UNSPECIFIED, CONTAINER_IMAGE, HELM_CHART"
	)
	long := strings.Repeat("ä", 65)
	for query, want := range map[string][]string{
		// Q1
		"?status=DEPLOYED&status=DEPLOYED":        {"status: is given 2 times"},
		"?environment_name=a&environment_name=":   {"environment_name: is given 2 times"},
		"?full_history=true&full_history=false&x": {"full_history: is given 2 times"},
		"?pagination.page=1&pagination%2Epage=1":  {"pagination.page: is given 2 times"},
		// Q2
		"?pagination.page=":                     {`pagination.page: "" is not a whole decimal number`},
		"?pagination.page=%2B1":                 {`pagination.page: "+1" is not a whole decimal number`},
		"?pagination.page=+1":                   {`pagination.page: " 1" is not a whole decimal number`},
		"?pagination.page=1%20":                 {`pagination.page: "1 " is not a whole decimal number`},
		"?pagination.page=007":                  {`pagination.page: "007" is not a whole decimal number`},
		"?pagination.page=1e1":                  {`pagination.page: "1e1" is not a whole decimal number`},
		"?pagination.page=1.0":                  {`pagination.page: "1.0" is not a whole decimal number`},
		"?pagination.page=0x1":                  {`pagination.page: "0x1" is not a whole decimal number`},
		"?pagination.page=1_0":                  {`pagination.page: "1_0" is not a whole decimal number`},
		"?pagination.page=--1":                  {`pagination.page: "--1" is not a whole decimal number`},
		"?pagination.page=%D9%A1":               {`pagination.page: "١" is not a whole decimal number`},
		"?pagination.page=2147483648":           {`pagination.page: "2147483648" is out of the range of a 32-bit number`},
		"?pagination.page_size=-2147483649":     {`pagination.page_size: "-2147483649" is out of the range of a 32-bit number`},
		"?pagination.page=99999999999999999999": {`pagination.page: "99999999999999999999" is out of the range of a 32-bit number`},
		"?full_history=":                        {`full_history: "" is neither true nor false`},
		"?full_history=TRUE":                    {`full_history: "TRUE" is neither true nor false`},
		"?full_history=1":                       {`full_history: "1" is neither true nor false`},
		"?full_history=t":                       {`full_history: "t" is neither true nor false`},
		"?full_history":                         {`full_history: "" is neither true nor false`},
		"?status=":                              {`status: "" is not one of ` + statuses},
		"?status=deployed":                      {`status: "deployed" is not one of ` + statuses},
		"?status=DEPLOYED,SUPERSEDED":           {`status: "DEPLOYED,SUPERSEDED" is not one of ` + statuses},
		"?status=1":                             {`status: "1" is not one of ` + statuses},
		"?artifact_kind":                        {`artifact_kind: "" is not one of ` + kinds},
		"?artifact_kind=helm_chart":             {`artifact_kind: "helm_chart" is not one of ` + kinds},
		"?status=" + long:                       {`status: "` + long[:128] + `"… is not one of ` + statuses},
		// Q3
		"?environment_name=%ZZ":      {`query: "environment_name=%ZZ" is not percent-encoded as it must be`},
		"?unknown=%":                 {`query: "unknown=%" is not percent-encoded as it must be`},
		"?%zz":                       {`query: "%zz" is not percent-encoded as it must be`},
		"?environment_name=a;b=1":    {`query: "environment_name=a;b=1" has a ';', which must be written %3B`},
		"?unknown=a;b":               {`query: "unknown=a;b" has a ';', which must be written %3B`},
		"?environment_name=a%00b":    {`environment_name: "a\x00b" has a NUL character`},
		"?artifact_digest=%C3%28":    {`artifact_digest: "\xc3(" is not valid UTF-8`},
		"?deployment_name=%ED%A0%80": {`deployment_name: "\xed\xa0\x80" is not valid UTF-8`},
		"?status=%FF":                {`status: "\xff" is not valid UTF-8`},
		"?pagination.page=%00":       {`pagination.page: "\x00" has a NUL character`},
		// L4, L7
		"?pagination.page=-1":                    {"pagination.page: must not be negative"},
		"?pagination.page_size=-2147483648":      {"pagination.page_size: must not be negative"},
		"?project_version_name=v1":               {"project_version_name: needs project_name"},
		"?project_version_name=v1&project_name=": {"project_version_name: needs project_name"},
		// All violations in one response
		"?status=x&artifact_kind=y&full_history=z&pagination.page=-1&pagination.page_size=1.5&project_version_name=v&environment_name=%00&a;b&%f": {
			`query: "a;b" has a ';', which must be written %3B`,
			`query: "%f" is not percent-encoded as it must be`,
			`pagination.page_size: "1.5" is not a whole decimal number`,
			`environment_name: "\x00" has a NUL character`,
			`full_history: "z" is neither true nor false`,
			`status: "x" is not one of ` + statuses,
			`artifact_kind: "y" is not one of ` + kinds,
			"pagination.page: must not be negative",
			"project_version_name: needs project_name",
		},
	} {
		answer := server.get(query)
		if answer.status != http.StatusBadRequest {
			t.Errorf("%s: got %d %s", query, answer.status, answer.body)
			continue
		}
		if got := answer.details(t); !slices.Equal(got, want) {
			t.Errorf("%s:\ngot  %q\nwant %q", query, got, want)
		}
	}
}

func TestQ1_Q2_Q3_ValidQueriesPass(t *testing.T) {
	server, _ := onSQLite(t, withDocument(t))
	for _, query := range []string{
		"?", "?&", "?&&status=DEPLOYED&", "?=", "?=x",
		"?unknown=1&unknown=2&unknown=%FF%00", "?STATUS=x", "?Status=x", "?page=-1", "?pagination=x", "?pagination.Page=x",
		"?pagination.page=0", "?pagination.page=2147483647", "?pagination%2epage=5", "?pagination.page_size=2147483647",
		"?environment_name=%3B", "?environment_name=a%26b%3Dc", "?environment_name=%25", "?environment_name=a=b", "?environment_name=%EF%BF%BD",
		"?environment_name=" + strings.Repeat("x", 5000), "?environment_name=%F4%8F%BF%BF", "?environment_name", "?environment_name=%01%7F",
		"?project_name=x&project_version_name=", "?full_history=true", "?full_history=false",
	} {
		if answer := server.get(query); answer.status != http.StatusOK {
			t.Errorf("%s: got %d %s", query, answer.status, answer.body)
		}
	}
}

func TestR3_AtMostTwentyViolationsAreReported(t *testing.T) {
	server, _ := onSQLite(t)
	answer := server.get("?" + strings.Repeat("%zz&", 30))
	if details := answer.details(t); answer.status != http.StatusBadRequest || len(details) != 20 {
		t.Errorf("got %d with %d details", answer.status, len(details))
	}
	if message := fmt.Sprint(answer.json(t)["message"]); message != "the request has 30 faults" {
		t.Errorf("message: %s", message)
	}
}

func TestQ1_AnUndocumentedHeaderIsIgnored(t *testing.T) {
	server, _ := onSQLite(t)
	answer := server.do("GET", "/v1/deployments", "Authorization: Bearer "+token(t, "acme"), "Idempotency-Key: a", "Idempotency-Key: ")
	if answer.status != http.StatusOK {
		t.Errorf("got %d %s", answer.status, answer.body)
	}
}
