package faults_test

import (
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/faults"
)

func TestInvalidFaultsAreReported(t *testing.T) {
	for want, fault := range map[string]faults.Fault{
		"kind: is missing: the kinds are status, delay, trickle, truncate, reset, malformed-json, content-type":                         {},
		`kind: "stauts" is not one of status, delay, trickle, truncate, reset, malformed-json, content-type; the nearest one is status`: {Kind: "stauts"},
		`kind: "x" is not one of status, delay, trickle, truncate, reset, malformed-json, content-type`: {
			Kind: "x", Status: 7, // the other members depend on the kind
		},
		"status: 299 is not an error of the API: those are 400, 401, 403,": {Kind: faults.Status, Status: 299},
		"delay: is missing": {Kind: faults.DelayOnly},
		"bytes: goes with the kind trickle or truncate, not with reset":             {Kind: faults.Reset, Bytes: new(3)},
		"status: goes with the kind status, not with reset":                         {Kind: faults.Reset, Status: 503},
		"bytes: 0 is less than 1":                                                   {Kind: faults.Trickle, Bytes: new(0)},
		"pause: 10m1s is not from 0s to 10m0s":                                      {Kind: faults.Trickle, Pause: faults.MaxDelay + time.Second},
		"delay.min: 2s is more than max, 1s":                                        {Kind: faults.DelayOnly, Delay: faults.Delay{Min: 2 * time.Second, Max: time.Second}},
		"delay: has several of fixed, min with max, and median with sigma":          {Kind: faults.DelayOnly, Delay: faults.Delay{Fixed: 1, Max: 1}},
		"delay.median: is missing":                                                  {Kind: faults.DelayOnly, Delay: faults.Delay{Sigma: 1}},
		"delay.fixed: 11m0s is not from 0s to 10m0s":                                {Kind: faults.DelayOnly, Delay: faults.Delay{Fixed: 11 * time.Minute}},
		`match.path: "v1/deployments" does not begin with a slash`:                  {Kind: faults.Reset, Match: faults.Match{Path: "v1/deployments"}},
		`match.path: "/v1/deployments?status=DEPLOYED" has a query, which is match`: {Kind: faults.Reset, Match: faults.Match{Path: "/v1/deployments?status=DEPLOYED"}},
		`match.method: "get" is not in upper case`:                                  {Kind: faults.Reset, Match: faults.Match{Method: "get"}},
		"times: -1 is less than 0":                                                  {Kind: faults.Reset, Times: -1},
		"content_type: has a control character":                                     {Kind: faults.ContentType, ContentType: "a\r\nb"},
	} {
		violations := faults.NewSet(0, nil).Check(&fault)
		if len(violations) != 1 || !strings.HasPrefix(violations[0].String(), want) {
			t.Errorf("%+v: got %q, want %s", fault, violations, want)
		}
	}
	for _, fault := range []faults.Fault{
		{Kind: faults.Status, Status: 503, RetryAfter: time.Second, Message: "m", Delay: faults.Delay{Fixed: time.Second}},
		{Kind: faults.DelayOnly, Delay: faults.Delay{Median: time.Second, Sigma: 0.5}},
		{Kind: faults.Truncate, Bytes: new(0)},
		{Kind: faults.ContentType},
	} {
		if violations := faults.NewSet(0, nil).Check(&fault); len(violations) > 0 {
			t.Errorf("%+v: got %q", fault, violations)
		}
	}
}

func TestAMatchSelectsByMethodPathAndPartsOfTheQuery(t *testing.T) {
	selected := func(m faults.Match) (requests []string) {
		for _, request := range []string{
			"GET /v1/deployments", "GET /v1/deployments?a=1&b=2&b=3", "DELETE /v1/things", "OPTIONS /v1/deployments", "GET /readyz",
		} {
			method, target, _ := strings.Cut(request, " ")
			if m.Selects(httptest.NewRequest(method, target, nil)) {
				requests = append(requests, request)
			}
		}
		return requests
	}
	for _, c := range []struct {
		match faults.Match
		want  []string
	}{
		{faults.Match{}, []string{"GET /v1/deployments", "GET /v1/deployments?a=1&b=2&b=3", "DELETE /v1/things"}},
		{faults.Match{Method: "OPTIONS"}, []string{"OPTIONS /v1/deployments"}},
		{faults.Match{Path: "/readyz"}, []string{"GET /readyz"}},
		{faults.Match{Path: "/v1/deployments", Query: url.Values{"b": {"3"}}}, []string{"GET /v1/deployments?a=1&b=2&b=3"}},
		{faults.Match{Query: url.Values{"b": {"4"}}}, nil},
	} {
		if got := selected(c.match); !slices.Equal(got, c.want) {
			t.Errorf("%+v: selects %q, want %q", c.match, got, c.want)
		}
	}
}
