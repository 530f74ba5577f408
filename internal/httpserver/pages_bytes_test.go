package httpserver_test

import (
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords/internal/contract"
	"github.com/deployrecords/deployrecords/internal/store"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// varying are the headers that differ between two responses to one request.
var varying = regexp.MustCompile(`(?m)^(Date|X-Request-Id): .*\r\n`)

// exchange sends the bytes of a request and returns those of the response, without the headers that vary.
func (s *testServer) exchange(request string) string {
	s.t.Helper()
	conn, err := new(net.Dialer).DialContext(s.t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		s.t.Fatal(err)
	}
	response, err := io.ReadAll(conn)
	if err != nil {
		s.t.Fatal(err)
	}
	return varying.ReplaceAllString(string(response), "")
}

// The API, the documents and the health checks respond with the same bytes whether or not the server has pages.
func TestPagesChangeNoByteOfTheAPI(t *testing.T) {
	t.Parallel()
	with, s := onSQLite(t, withPages)
	without := newServer(t, s.(*store.Store))
	storetest.Load(t, s, "acme", storetest.Entry(1, 1, "eu", "api", storetest.WithProject("web", "v1")), storetest.Entry(2, 2, "us", "api"))
	bearer := "Authorization: Bearer " + token(t, "acme")
	const browser = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"
	for _, path := range []string{
		"/v1/deployments", "/v1/deployments?full_history=true&pagination.page_size=1", "/v1/deployments?status=RUNNING&x=y", "/v1/deployments?a=%zz",
		"/v1/deployments/", contract.RecordingPath + "/batch", "/v1", "/v1/", "/v1/nothing", "/v1/records",
		"/openapi.yaml", "/openapi.local.yaml", "/openapi.recording.yaml", "/healthz", "/readyz", "/readyz?x",
	} {
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "DELETE", "PATCH"} {
			for _, headers := range [][]string{
				{},
				{bearer},
				{bearer, browser},
				{browser, "Cookie: session=x; __Host-session=y", "Sec-Fetch-Site: cross-site", "Origin: https://evil.test"},
				{"Authorization: Bearer x"},
				{bearer, "Content-Type: application/json", "Content-Length: 2\r\n\r\n{}"},
			} {
				request := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n\r\n", method, path, strings.Join(headers, "\r\n"))
				if len(headers) == 0 {
					request = fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method, path)
				}
				if got, want := with.exchange(request), without.exchange(request); got != want || !strings.HasPrefix(want, "HTTP/1.1 ") {
					t.Errorf("%s:\nwith pages    %q\nwithout pages %q", strings.Join(append(headers, method, path), " "), got, want)
				}
			}
		}
	}
}
