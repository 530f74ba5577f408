package httpserver_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestAServerThatDrainsIsNotReadyAndAnswers(t *testing.T) {
	t.Parallel()
	server, _ := onSQLite(t, func(o *options) { o.Limits.Drain = 2 * time.Second })
	if ready := server.do(http.MethodGet, "/readyz"); ready.status != http.StatusOK {
		t.Fatalf("before: %d %s", ready.status, ready.body)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- server.stop() }()
	for !strings.Contains(server.log.String(), "msg=\"draining:") {
		time.Sleep(time.Millisecond)
	}
	if ready := server.do(http.MethodGet, "/readyz"); ready.status != http.StatusServiceUnavailable || !strings.Contains(string(ready.body), "not ready: the server is stopping") {
		t.Errorf("/readyz: %d %s", ready.status, ready.body)
	}
	if healthy := server.do(http.MethodGet, "/healthz"); healthy.status != http.StatusOK {
		t.Errorf("/healthz: %d %s", healthy.status, healthy.body)
	}
	request, err := http.NewRequest(http.MethodGet, server.url+"/v1/deployments", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token(t, "acme"))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK || !response.Close {
		t.Errorf("a listing: %d, closes the connection: %v", response.StatusCode, response.Close)
	}
	select {
	case err := <-stopped:
		t.Fatalf("the server stopped at once: %v", err)
	default:
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if _, err := http.Get(server.url + "/healthz"); err == nil {
		t.Error("the port is still open")
	}
}
