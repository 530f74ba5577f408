package httpserver_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/deployrecords/deployrecords"
	"github.com/deployrecords/deployrecords/internal/deployments"
	"github.com/deployrecords/deployrecords/internal/storetest"
)

// uncompressing is a client that leaves bodies as they are.
var uncompressing = &http.Client{Transport: &http.Transport{DisableCompression: true}}

// compressingServer returns a server that compresses, with 20 records.
func compressingServer(t *testing.T) *testServer {
	t.Helper()
	server, s := onSQLite(t, func(o *options) { o.Gzip, o.client = true, uncompressing })
	var entries []deployments.ImportEntry
	for i := range 20 {
		entries = append(entries, storetest.Entry(i+1, i+1, "eu", fmt.Sprint("api-", i)))
	}
	storetest.Load(t, s, "acme", entries...)
	return server
}

func isGzip(a answer) bool { return a.header.Get("Content-Encoding") == "gzip" }

// plain returns the body without its encoding.
func plain(t *testing.T, a answer) string {
	t.Helper()
	if length := a.header.Get("Content-Length"); length != strconv.Itoa(len(a.body)) {
		t.Errorf("Content-Length is %s for %d bytes", length, len(a.body))
	}
	if !isGzip(a) {
		return string(a.body)
	}
	reader, err := gzip.NewReader(bytes.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestBodiesAreCompressedForClientsThatAcceptIt(t *testing.T) {
	t.Parallel()
	server := compressingServer(t)
	bearer := "Authorization: Bearer " + token(t, "acme")
	want := plain(t, server.do(http.MethodGet, "/v1/deployments", bearer))
	for accept, compressed := range map[string]bool{
		"gzip": true, "deflate, GZIP;q=0.5": true, "*": true, "br;q=1.0, gzip ; q=0.8, *;q=0.1": true, "gzip;q=0.5, identity;q=0.5": true,
		"": false, "identity": false, "gzip;q=0": false, "*, gzip;q=0": false, "br": false, "gzip;q=0.1, identity;q=0.2": false, "gzip;q=high": false, "*;q=0": false, "gzip;q=2": false,
	} {
		got := server.do(http.MethodGet, "/v1/deployments", bearer, "Accept-Encoding: "+accept)
		if isGzip(got) != compressed || plain(t, got) != want || compressed && len(got.body) > len(want)/3 {
			t.Errorf("%q: encoding %q, %d bytes of %d", accept, got.header.Get("Content-Encoding"), len(got.body), len(want))
		}
		if got.header.Get("Vary") != "Accept-Encoding" || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%q: %v", accept, got.header)
		}
	}
	for _, small := range []answer{
		server.do(http.MethodGet, "/v1/deployments?pagination.page_size=1", bearer, "Accept-Encoding: gzip"),
		server.do(http.MethodGet, "/v1/deployments?status=x", bearer, "Accept-Encoding: gzip"),
		server.do(http.MethodGet, "/v1/deployments", "Accept-Encoding: gzip"),
	} {
		if isGzip(small) || small.header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("a body of %d bytes: %v", len(small.body), small.header)
		}
	}
}

func TestCompressedDocumentsHaveTagsOfTheirOwn(t *testing.T) {
	t.Parallel()
	server := compressingServer(t)
	whole, compressed := server.do(http.MethodGet, "/openapi.yaml"), server.do(http.MethodGet, "/openapi.yaml", "Accept-Encoding: gzip")
	if plain(t, whole) != string(deployrecords.OpenAPI()) || plain(t, compressed) != string(deployrecords.OpenAPI()) || isGzip(whole) || !isGzip(compressed) {
		t.Errorf("%v\n%v", whole.header, compressed.header)
	}
	tag, tagOfGzip := whole.header.Get("ETag"), compressed.header.Get("ETag")
	if tag == tagOfGzip || strings.HasPrefix(tagOfGzip, "W/") {
		t.Errorf("the tags are %s and %s", tag, tagOfGzip)
	}
	for _, c := range []struct {
		accept, tag string
		want        int
	}{{"gzip", tagOfGzip, 304}, {"gzip", tag, 200}, {"identity", tag, 304}, {"identity", tagOfGzip, 200}} {
		got := server.do(http.MethodGet, "/openapi.yaml", "Accept-Encoding: "+c.accept, "If-None-Match: "+c.tag)
		if got.status != c.want || got.header.Get("Vary") != "Accept-Encoding" || got.status == 304 && (got.header.Get("ETag") != c.tag || isGzip(got)) {
			t.Errorf("%+v: %d %v", c, got.status, got.header)
		}
	}
	for _, path := range []string{"/openapi.yaml", "/openapi.local.yaml", "/openapi.recording.yaml"} {
		get, head := server.do(http.MethodGet, path, "Accept-Encoding: gzip"), server.do(http.MethodHead, path, "Accept-Encoding: gzip")
		for _, name := range []string{"Content-Length", "Content-Encoding", "ETag", "Vary", "Content-Type"} {
			if get.header.Get(name) == "" || get.header.Get(name) != head.header.Get(name) {
				t.Errorf("%s: %s is %q for GET and %q for HEAD", path, name, get.header.Get(name), head.header.Get(name))
			}
		}
	}
}

// The length of a compressed page would show whether it has what the query guesses (BREACH).
func TestPagesAreNotCompressed(t *testing.T) {
	t.Parallel()
	server, _ := onSQLite(t, withPages, func(o *options) { o.Gzip, o.client = true, uncompressing })
	for _, path := range []string{"/login", "/search?q=x", "/healthz", "/records", "/records/csv", "/no/such/page"} {
		if got := server.do(http.MethodGet, path, "Accept-Encoding: gzip", "Accept: text/html"); isGzip(got) || slices.Contains(got.header.Values("Vary"), "Accept-Encoding") {
			t.Errorf("%s: %v", path, got.header)
		}
	}
}

func TestNothingIsCompressedByDefault(t *testing.T) {
	t.Parallel()
	server, _ := onSQLite(t, func(o *options) { o.client = uncompressing })
	for _, path := range []string{"/openapi.yaml", "/v1/deployments"} {
		if got := server.do(http.MethodGet, path, "Accept-Encoding: gzip"); isGzip(got) || got.header.Get("Vary") != "" {
			t.Errorf("%s: %v", path, got.header)
		}
	}
}
