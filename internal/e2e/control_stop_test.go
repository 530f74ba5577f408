package e2e_test

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	control "github.com/deployrecords/deployrecords/generated/control/client"
)

// The server waits for running requests, and this one would run for ten minutes.
func TestAStoppedServerEndsItsDelays(t *testing.T) {
	c := serveControlled(t)
	delay := control.Fault{Kind: "delay", Delay: &control.Delay{Fixed: new("10m")}}
	if added, err := c.api.AddFaultWithResponse(t.Context(), "test", delay); err != nil || added.JSON200 == nil {
		t.Fatalf("%v, %+v", err, added)
	}
	answered := make(chan string)
	go func() { answered <- exchange(t, http.MethodGet, c.url+"/v1/deployments", c.token, "") }()
	waitFor(t, "the request is delayed", func() bool {
		faults, err := c.api.ListFaultsWithResponse(t.Context(), "test")
		return err == nil && faults.JSON200 != nil && faults.JSON200.Faults[0].Used == 1
	})
	began := time.Now()
	if code := c.stop(t); code != 0 || time.Since(began) > 5*time.Second {
		t.Errorf("exit code %d after %s\n%s", code, time.Since(began), c.log)
	}
	<-answered
}

// A fault would delay the end of the server, and its requests are real ones until then.
func TestADrainingServerGetsNoFaults(t *testing.T) {
	t.Parallel()
	c := serveControlled(t, "--drain-delay", "500ms")
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	delay := control.Fault{Kind: "delay", Delay: &control.Delay{Fixed: new("10m")}}
	waitFor(t, "the control API rejects a fault", func() bool {
		added, err := c.api.AddFaultWithResponse(t.Context(), "test", delay)
		if err != nil {
			t.Fatal(err)
		}
		return added.StatusCode() == http.StatusServiceUnavailable && strings.Contains(string(added.Body), "the server stops")
	})
	exchange(t, http.MethodGet, c.url+"/v1/deployments", c.token, "")
	_ = c.cmd.Wait()
	if code := c.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d\n%s", code, c.log)
	}
}
