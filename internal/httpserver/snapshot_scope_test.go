package httpserver_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/deployrecords/deployrecords/internal/deployments"
)

// An agent that sees the images of one namespace leaves charts and other namespaces as they are.
func TestW8_ASnapshotOfAPartLeavesTheRestUnchanged(t *testing.T) {
	onEachEngine(t, func(t *testing.T, server *testServer, _ deployments.Store) {
		server.post(recordPath, strings.Replace(named("shop/ingress", 1), "CONTAINER_IMAGE", "HELM_CHART", 1)).record(t)
		server.post(recordPath, named("billing/api", 2)).record(t)
		server.post(recordPath, named("shop/old", 3)).record(t)
		scope := snapshotOf("eu", time.Now(), `,"scope":{"kinds":["CONTAINER_IMAGE"],"deployment_name_prefix":"shop/"}`)
		result := server.post(batchPath, batchBody(scope, named("shop/web", 4))).batch(t)
		if got, want := server.statuses(""), "4:DEPLOYED 3:DECOMMISSIONED 2:DEPLOYED 1:DEPLOYED"; result.Decommissioned != 1 || got != want {
			t.Errorf("got %+v, %s, want %s", result, got, want)
		}
		// Without a scope, the environment has nothing else.
		result = server.post(batchPath, batchBody(snapshotOf("eu", time.Now()), named("shop/web", 4))).batch(t)
		if result.Decommissioned != 2 {
			t.Errorf("without a scope: %+v", result)
		}
	})
}

func TestW8_ScopesThatAreRejected(t *testing.T) {
	server, _ := onSQLite(t)
	at := time.Now()
	scoped := func(scope string) string { return snapshotOf("eu", at, `,"scope":`+scope) }
	for name, c := range map[string]struct {
		body string
		want []string
	}{
		"without complete":            {batchBody(`,"scope":{"kinds":["HELM_CHART"]}`, named("api", 1)), []string{"scope: goes with complete only"}},
		"complete is false":           {batchBody(`,"complete":false,"scope":{"kinds":["HELM_CHART"]}`, named("api", 1)), []string{"scope: goes with complete only"}},
		"empty":                       {batchBody(scoped(`{}`), named("api", 1)), []string{"scope: is empty"}},
		"no kinds":                    {batchBody(scoped(`{"kinds":[]}`), named("api", 1)), []string{"scope.kinds: is empty"}},
		"an unknown kind":             {batchBody(scoped(`{"kinds":["IMAGE"]}`), named("api", 1)), []string{`scope.kinds[0]: "IMAGE" is not one of CONTAINER_IMAGE, HELM_CHART`}},
		"an empty prefix":             {batchBody(scoped(`{"deployment_name_prefix":""}`), named("api", 1)), []string{"scope.deployment_name_prefix: is empty"}},
		"NUL in the prefix":           {batchBody(scoped(`{"deployment_name_prefix":"a\u0000"}`), named("api", 1)), []string{"scope.deployment_name_prefix: has a control character"}},
		"a broken name":               {batchBody(scoped(`{"logical_environment_name":" x"}`), named("api", 1)), []string{"scope.logical_environment_name: has white space at an end"}},
		"an unknown member":           {batchBody(scoped(`{"kind":"HELM_CHART"}`), named("api", 1)), []string{"scope.kind: is not a member that the contract knows"}},
		"an item of another prefix":   {batchBody(scoped(`{"deployment_name_prefix":"shop/"}`), named("shop/a", 1), named("api", 2)), []string{`deployments[1].deployment_name: is "api", and the scope covers names that begin with "shop/" only`}},
		"an item of another kind":     {batchBody(scoped(`{"kinds":["HELM_CHART"]}`), named("api", 1)), []string{`deployments[0].kind: is CONTAINER_IMAGE, and the scope covers HELM_CHART only`}},
		"an item of another stage":    {batchBody(scoped(`{"logical_environment_name":"production"}`), named("api", 1)), []string{`deployments[0].logical_environment_name: is "", and the scope covers "production" only`}},
		"an item with a stage":        {batchBody(scoped(`{"logical_environment_name":""}`), named("api", 1, `"logical_environment_name":"x"`)), []string{`deployments[0].logical_environment_name: is "x", and the scope covers records without one only`}},
		"an item that a part rejects": {batchBody(scoped(`{"kinds":["HELM_CHART"],"deployment_name_prefix":"a"}`), named("web", 1)), []string{`deployments[0].kind: is CONTAINER_IMAGE, and the scope covers HELM_CHART only`, `deployments[0].deployment_name: is "web", and the scope covers names that begin with "a" only`}},
	} {
		answer := server.post(batchPath, c.body)
		if got := answer.details(t); answer.status != 400 || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %d %q, want %q", name, answer.status, got, c.want)
		}
	}
	if got := server.statuses(""); got != "" {
		t.Errorf("recorded: %s", got)
	}
}

// A rejected item protects what it may be about, within the scope too.
func TestW8_ARejectedItemOutsideTheScopeProtectsItsIdentity(t *testing.T) {
	onEachEngine(t, func(t *testing.T, server *testServer, _ deployments.Store) {
		server.post(recordPath, named("api", 1, `"logical_environment_name":"production"`)).record(t)
		server.post(recordPath, named("web", 2, `"logical_environment_name":"production"`)).record(t)
		scope := snapshotOf("eu", time.Now(), `,"partial":true,"scope":{"logical_environment_name":"production"}`)
		result := server.post(batchPath, batchBody(scope, named("api", 1))).batch(t)
		if len(result.Results[0].Faults) != 1 || result.Decommissioned != 1 {
			t.Errorf("got %+v", result)
		}
		if got, want := server.statuses(""), "2:DECOMMISSIONED 1:DEPLOYED"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}
